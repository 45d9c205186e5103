package board

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"dialtone/observe/live"

	"golang.org/x/net/netutil"
)

// Config says how a page is served. The zero Config works.
type Config struct {
	Name    string // what is watched, for the page's title: the machine, or a namespace
	Filter  string // that a page begins with, in words
	Trouble bool   // a page begins with what something is off with
	Unix    bool   // the view has Unix sockets
	Host    string // a name, beside IP addresses and localhost, that requests may be for; "" for none

	// Elsewhere says that the sockets are another network namespace's, whose packets
	// dialtone trace does not see from here.
	Elsewhere bool
}

// Board serves the page of one view.
type Board struct {
	config  Config
	view    *live.View
	sheets  *sheets
	journal *journal
	keys    keys
	run     string // tells pages this board from one before
	streams atomic.Int64
}

// New returns a board that shows v.
func New(v *live.View, c Config) *Board {
	return &Board{
		config: c, view: v, sheets: &sheets{view: v}, journal: newJournal(v), keys: newKeys(), run: rand.Text()[:8],
	}
}

// maxConnections bounds those of all browsers: each page has one or two that stay, and
// some that come and go.
const maxConnections = 128

// farewell is how long pages have to take the word that it is over.
const farewell = 2 * time.Second

// Serve serves the page until ctx is done, which is no error, and tells the pages so. It
// closes ln. It may be called again.
func (b *Board) Serve(ctx context.Context, ln net.Listener) error {
	serving, end := context.WithCancelCause(context.Background())
	server := &http.Server{
		Handler: b.handler(), BaseContext: func(net.Listener) context.Context { return serving },
		ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // what strangers send is no news for who started this
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer end(errEnd)
	running.Go(func() { b.read(serving) })
	failed := make(chan error, 1)
	running.Go(func() { failed <- server.Serve(netutil.LimitListener(ln, maxConnections)) })
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end(errEnd)
	late, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := server.Shutdown(late); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close() // on whoever did not take the word
}

// read takes in what the view tells until ctx is done.
func (b *Board) read(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.journal.source.Ready():
			b.journal.take()
			b.journal.wake()
		}
	}
}
