// Package live keeps what there is to see of a machine's sockets up to date, for faces
// that show it as it changes: a screen, a page.
//
//	view, err := live.Open(live.Config{Query: sockets.Query{Info: true, Owners: true}})
//	defer view.Close()
//	go view.Run(ctx) // and wait for it before Close
//	changes := view.Subscribe(1024)
//	defer changes.Close()
//	for range changes.Ready() {
//		told, missed := changes.Take()
//		draw(view.Snapshot(), told, missed)
//	}
//
// A [View] stands over a [sockets.Watcher]: its rows are those of the last look at the
// table, moved on by every transition since. Sockets that are gone stay for some seconds,
// so that one sees them go. Of each connection the last transitions are kept, and of one
// that is inspected samples of its window.
//
// All methods may be called from any goroutine, and what they return never changes. A face
// takes what it has time for: it never holds the view up, nor the view the kernel's events.
// Everything is bounded, and what had no room is counted.
//
// Sorting is the faces' business; what to see is decided by a [sockets.Filter], once for
// all in Config, or at any time by Select.
package live

import (
	"context"
	"errors"
	"sync"
	"time"

	"dialtone/observe/sockets"
)

// Config says what to keep in view. The zero Config is every TCP and UDP socket of this
// process's network namespace, without figures.
type Config struct {
	Netns   string          // the file of another network namespace; "" is ours
	Source  string          // of transitions, as in sockets.WatchConfig; "" is the best that there is
	Tracefs string          // as there
	Every   time.Duration   // between two looks at the table; 0 is 500 ms
	Filter  *sockets.Filter // what to keep; nil keeps all
	Query   sockets.Query   // what to read of each socket; its filter is not used, and of its networks only unix counts

	// Linger is how long sockets stay that are gone; 0 is 5 s, less is not at all.
	Linger time.Duration

	// Probe samples the window of a connection; nil is sockets.OpenProbe.
	Probe func(sockets.Socket) (sockets.Probe, error)
}

// The bounds of a View.
const (
	MaxRows        = 1 << 17 // sockets, those that are gone among them
	MaxLingering   = 1000    // of these
	MaxHistory     = 32      // transitions of one connection
	MaxInspections = 16
	MaxSamples     = 2048 // of one inspection
)

const defaultLinger = 5 * time.Second

// View is what there is to see.
type View struct {
	config  Config
	watcher *sockets.Watcher // nil if others feed the view

	mu          sync.Mutex
	store       store
	snapshot    *Snapshot // nil if there is something newer
	subscribers map[*Subscription]bool
	inspections map[*Inspection]bool
}

// New returns a view that shows what Tell and Looked are told, and nothing else.
func New(c Config) *View {
	if c.Linger == 0 {
		c.Linger = defaultLinger
	}
	if c.Probe == nil {
		c.Probe = func(row sockets.Socket) (sockets.Probe, error) {
			return sockets.OpenProbe(sockets.Config{Netns: c.Netns}, &row)
		}
	}
	return &View{config: c, store: newStore(c), subscribers: map[*Subscription]bool{}, inspections: map[*Inspection]bool{}}
}

// Open returns a view of a network namespace. Run keeps it up to date.
func Open(c Config) (*View, error) {
	v := New(c)
	query := c.Query
	query.Owners = query.Owners || c.Filter.NeedsOwners()
	if c.Filter.NamesUnix() {
		query.Networks = []string{"unix"}
	}
	w, err := sockets.Watch(sockets.WatchConfig{
		Config: sockets.Config{Netns: c.Netns}, Source: c.Source, Tracefs: c.Tracefs, Every: c.Every, Query: query,
		Tell: v.Tell, Looked: v.Looked,
	})
	if err != nil {
		return nil, err
	}
	v.watcher = w
	v.store.source = Source{Sight: w.Sight(), Denied: w.Denied()}
	return v, nil
}

// Run watches until ctx is done, which is no error.
func (v *View) Run(ctx context.Context) error {
	if v.watcher == nil {
		<-ctx.Done()
		return nil
	}
	return v.watcher.Run(ctx)
}

// Close ends all inspections and leaves nothing in the kernel. Run must have returned.
func (v *View) Close() error {
	v.mu.Lock()
	var open []*Inspection
	for i := range v.inspections {
		open = append(open, i)
	}
	v.mu.Unlock()
	for _, i := range open {
		i.Close()
	}
	if v.watcher == nil {
		return nil
	}
	return v.watcher.Close()
}

// Tell takes a transition. The watcher calls it; whoever made the view by New may.
func (v *View) Tell(t sockets.Transition) {
	if !t.Matches(v.config.Filter) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.store.tell(&t)
	v.snapshot = nil
	for s := range v.subscribers {
		s.add(&t)
	}
}

// Looked takes a look at the whole table, which began at now. The watcher calls it; whoever
// made the view by New may. The rows are copied. It never fails.
func (v *View) Looked(now time.Time, rows []*sockets.Socket) error {
	var lost uint64
	if v.watcher != nil {
		lost = v.watcher.Lost()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.store.source.Lost = lost
	v.store.looked(now, rows)
	v.snapshot = nil
	for i := range v.inspections {
		i.looked(now)
	}
	for s := range v.subscribers {
		s.signal()
	}
	return nil
}

// ErrGone is what Inspect answers of a connection that the view does not have (any more).
var ErrGone = errors.New("no such connection")

// Connection returns what is known of a socket; it has no samples.
func (v *View) Connection(id uint64) (d Detail, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.store.entries[id]
	if e == nil {
		return Detail{}, false
	}
	return e.detail(&v.store), true
}
