package transfer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

// The sender, in the order in which a file passes through it:
//
//  1. walk names it (name), at most window entries ahead of what is finished;
//  2. hear gets the receiver's answer and queues what it wants (answered);
//  3. a stream takes small files together or a chunk of a large one (next),
//     reads, hashes, packs and writes it to its own connection (send_data.go);
//  4. hear gets the result and forgets the file (finished).
//
// Walk, hear, the outbox's writer, the watch (watch.go) and each stream are one
// goroutine each; all end when the context does, and Send waits for them.
const (
	window     = 16 << 10 // entries named and not finished
	windowText = 4 << 20  // bytes of their paths and attributes

	countAfter = 300 * time.Millisecond
)

var errFinished = errors.New("finished") // cancels the context of a transfer that is done

type sender struct {
	session Session
	src     Source
	opt     SendOptions
	meter   *Meter
	tell    func(Event)
	chunk   int64
	sums    bool // of every chunk

	first  *link
	out    *outbox
	pace   *pacer
	cancel context.CancelCauseFunc
	group  sync.WaitGroup

	terms chan accept // the receiver's, once
	slow  atomic.Bool // the path is slower than compressing

	mu         sync.Mutex
	changed    sync.Cond
	ended      bool
	links      []*link
	entries    map[int64]*outgoing // named and not finished
	unanswered []*outgoing         // in the order of their names
	walked     bool                // all are named
	lost       bool                // a file was given up: the receiver may still speak of it
	named      int64
	text       int64           // bytes of paths of entries
	small      fifo[*outgoing] // wanted, of at most one chunk
	large      fifo[*outgoing] // wanted, of more, or of unknown size
	urgent     fifo[job]       // hashes to compare, chunks to repeat
	before     string
	summary    Summary
	failures   int64
}

// outgoing is an entry on its way.
type outgoing struct {
	number int64
	entry  tree.Entry
	size   int64 // of the path and what else it holds in memory

	// guarded by sender.mu
	stage   stage
	ranges  [][2]int64 // chunks to be taken, ascending
	kept    int64      // bytes the receiver has from an earlier run
	gone    bool       // forgotten: nothing more of it is sent
	stream  bool       // of unknown size when it was named
	repeats int64      // chunks that arrived damaged

	mu               sync.Mutex
	file             tree.SourceFile
	left             int64        // chunks not yet sent for the first time
	tree             *digest.Tree // nil when some chunks' sums are not known here
	sum              digest.Sum   // of the whole, once known
	searched, extent [2]int64     // of a sparse file: the first data in searched is extent
	shown            *activeFile
	over             bool // forgotten: not to be opened again
}

// stage is how far a receiver's word on an entry has come. What does not fit it
// is a broken protocol, so that nothing is queued, sent or counted twice.
//
//	named -> compared -> hashed -> wanted -> sent -> (forgotten)
//	   +----------------------------^
type stage uint8

const (
	stageNamed    stage = iota
	stageCompared       // the receiver asked for its hash
	stageHashed         // and was told
	stageWanted         // its content is on its way
	stageSent           // all of it was sent once
)

func newSender(s Session, src Source, o SendOptions) *sender {
	x := &sender{
		session: s, src: src, opt: o, meter: o.Meter, sums: o.Verify == VerifyHash,
		out: newOutbox(), pace: newPacer(o.Rate), terms: make(chan accept, 1),
		entries: map[int64]*outgoing{}, chunk: o.Chunk,
	}
	if x.meter == nil {
		x.meter = &Meter{}
	}
	if x.chunk == 0 {
		x.chunk = DefaultChunk
		if !x.sums { // nobody looks at the chunks: fewer of them
			x.chunk = unlookedChunk
		}
	}
	x.meter.paced.Store(x.pace != nil)
	x.tell = teller(o.Event)
	x.changed.L = &x.mu
	return x
}

// teller makes f callable by several goroutines; nil listens to nobody.
func teller(f func(Event)) func(Event) {
	if f == nil {
		return func(Event) {}
	}
	var mu sync.Mutex
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		f(e)
	}
}

func (s *sender) run(ctx context.Context) (Summary, error) {
	began := time.Now()
	s.meter.begin(began)
	ctx, cancel := context.WithCancelCause(ctx)
	s.cancel = cancel
	s.first = newLink(s.session.Conn(), s.opt.Timeout, &s.meter.wire)
	s.first.pace = s.pace

	s.links = []*link{s.first}

	s.start(ctx, func() error { return s.out.run(ctx, s.first) })
	s.out.put(frameHello, func(b []byte, _ bool) []byte { return hello{roleSender, protocolVersion}.append(b) })
	s.out.put(frameOffer, func(b []byte, _ bool) []byte {
		return offer{chunk: s.chunk, verify: s.opt.Verify, dryRun: s.opt.DryRun}.append(b)
	})
	s.group.Go(func() {
		s.cancel(lost(s.hear(ctx)))
		s.first.drain()
	})
	s.start(ctx, func() error { return s.walk(ctx) })
	s.start(ctx, func() error { return s.stream(ctx, s.first) })
	s.start(ctx, func() error { return s.grow(ctx) })
	s.start(ctx, func() error { return s.watch(ctx) })
	if c, ok := s.src.(counter); ok {
		s.start(ctx, func() error { return s.count(ctx, c) })
	}
	<-ctx.Done()
	err := s.stop(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.summary.Elapsed = time.Since(began)
	s.meter.fill(&s.summary)
	if err == nil && s.failures > 0 {
		err = &FailedError{s.failures, s.summary.Failures[0]}
	}
	return s.summary, err
}

// stop ends what runs and tells the receiver why. It returns nil when all was
// finished.
func (s *sender) stop(ctx context.Context) error {
	err := context.Cause(ctx)
	if errors.Is(err, errFinished) {
		err = nil
	}
	s.mu.Lock()
	s.ended = true
	s.changed.Broadcast()
	links := s.links
	s.mu.Unlock()
	if err != nil {
		s.first.farewell(err)
	}
	s.out.close(net.ErrClosed)
	for _, l := range links {
		l.stop()
	}
	s.group.Wait()
	for _, o := range s.entries {
		s.meter.hide(o.shown)
		o.close()
	}
	return err
}

// addLink makes c a further connection of the transfer.
func (s *sender) addLink(ctx context.Context, c net.Conn) {
	l := newLink(c, s.opt.Timeout, &s.meter.wire)
	l.pace = s.pace
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		c.Close()
		return
	}
	s.links = append(s.links, l)
	s.start(ctx, func() error { return s.stream(ctx, l) })
}

func (s *sender) allLinks() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.links)
}

// start runs f as a goroutine of the transfer; its error ends the transfer.
func (s *sender) start(ctx context.Context, f func() error) {
	s.group.Go(func() {
		if err := f(); err != nil && ctx.Err() == nil {
			awaitWord(ctx, err)
			s.cancel(lost(err))
		}
	})
}

// walk names the source's entries.
func (s *sender) walk(ctx context.Context) error {
	err := s.src.Walk(ctx, func(e tree.Entry) error { return s.name(ctx, e) })
	if err != nil {
		return err
	}
	s.mu.Lock()
	n := s.named
	s.walked = true
	s.mu.Unlock()
	s.out.put(frameFinish, func(b []byte, _ bool) []byte { return totals{files: n}.append(b) })
	return nil
}

var (
	errLongPath  = fmt.Errorf("its path is longer than %d bytes", maxPathBytes)
	errLongEntry = fmt.Errorf("its attributes are longer than %d bytes", maxHead/2)
)

// tooLong returns why e does not fit into a frame, if it does not.
func tooLong(e *tree.Entry) error {
	switch {
	case len(e.Path) > maxPathBytes:
		return errLongPath
	case weight(e) > maxHead/2:
		return errLongEntry
	}
	return nil
}

// name tells the receiver of one entry, when the window has room for it.
func (s *sender) name(ctx context.Context, e tree.Entry) error {
	if err := tooLong(&e); err != nil {
		if e.Kind != tree.Leave {
			s.mu.Lock()
			s.failLocked(&outgoing{entry: e}, err)
			s.mu.Unlock()
		}
		return nil
	}
	o := &outgoing{entry: e, size: weight(&e)}
	if err := s.out.room(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.ended && (len(s.entries) >= window || s.text > windowText) {
		s.changed.Wait()
	}
	if s.ended {
		return context.Cause(ctx)
	}
	o.number = s.named
	s.named++
	s.text += o.size
	s.entries[o.number] = o
	s.unanswered = append(s.unanswered, o)
	if e.Kind == tree.File {
		s.meter.named.Add(1)
		s.meter.namedBytes.Add(max(e.Size, 0))
	}
	s.out.put(frameEntries, func(b []byte, fresh bool) []byte {
		if fresh {
			s.before = ""
		}
		b = appendEntry(b, e, s.before)
		s.before = e.Path
		return b
	})
	return nil
}

// weight returns what an entry counts for in the window, in bytes.
func weight(e *tree.Entry) int64 {
	n := len(e.Path) + len(e.Target) + 64
	for _, x := range e.XAttrs {
		n += len(x.Name) + len(x.Value)
	}
	return int64(n)
}

// hear obeys what the receiver says, until the end.
func (s *sender) hear(ctx context.Context) error {
	f, err := s.first.next(0)
	if err == nil {
		err = meetPeer(f, roleReceiver)
	}
	if err != nil {
		return err
	}
	for {
		f, err := s.first.next(0)
		if err != nil {
			return err
		}
		if err := s.obey(ctx, f); err != nil {
			return err
		}
	}
}

// counter is a source that can say ahead how much it holds.
type counter interface {
	Total(ctx context.Context) (files, bytes int64, err error)
}

// count tells both ends how much there will be, once that is known. A transfer
// that is over soon does not look at everything twice for it.
func (s *sender) count(ctx context.Context, c counter) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(countAfter):
	}
	files, bytes, err := c.Total(ctx)
	if err != nil {
		return nil // it is only for the progress; Walk will say what is wrong
	}
	s.meter.setTotal(files, bytes)
	s.out.put(frameTotal, func(b []byte, _ bool) []byte { return totals{files, bytes}.append(b) })
	return nil
}
