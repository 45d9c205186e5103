package transfer

import (
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

// The receiver, in the order in which a file passes through it:
//
//  1. the first connection's goroutine takes its name (named), asks the target
//     what it makes of it and answers;
//  2. whichever connection brings its content verifies it and writes it
//     (receive_data.go); what is damaged is asked for again;
//  3. when all of it is there the target commits it, together with others, and
//     the result goes back (stored).
//
// One goroutine for each connection, one that writes the outbox, two that
// compare, one for the status, and the target's own. Receive waits for all.
const (
	comparers  = 2
	mostWanted = window + 1024 // entries under way; a sender that names more does not keep to the window
	mostBuffer = 24 << 20      // bytes of chunks in memory: with streams this limits their number
	mostRepeat = 8             // times that a chunk is asked for again
	mostWrong  = 1 << 10       // chunks of a file that arrive damaged
	mostRuns   = 4 * maxRanges // of a file's chunks: a sender may not scatter them more
	lastWords  = 5 * time.Second
)

type receiver struct {
	session Session
	dst     target
	opt     ReceiveOptions
	meter   *Meter
	tell    func(Event)

	chunk int64
	sums  bool
	dry   bool

	first  *link
	out    *outbox
	cancel context.CancelCauseFunc
	group  sync.WaitGroup
	unpack decoders

	mu       sync.Mutex
	changed  sync.Cond
	ended    bool
	links    []*link
	entries  map[int64]*arriving // wanted and not stored
	text     int64               // bytes of what they hold
	asked    int64               // connections that we were to open
	streams  int64               // most connections, as was said to the sender
	next     int64               // number of the next entry
	bytes    int64               // of content named
	finish   int64               // number of entries, -1 while not known
	leaving  bool                // all is stored; the sender is told and has the last word
	compares []*arriving
	summary  Summary
	failures int64
}

// arriving is a file on its way.
type arriving struct {
	number int64
	entry  tree.Entry
	in     incoming
	use    sync.RWMutex // held to write into in, and alone to end it
	wanted atomic.Bool  // its content may come

	mu      sync.Mutex
	over    bool    // being stored, failed or given up: what still comes is dropped
	have    runs    // chunks written and right
	busy    []int64 // chunks being written
	short   int64   // of unknown size: 1 + the chunk that is not full, which is the last
	length  int64   // of unknown size: where its chunks end
	kept    int64
	tree    *digest.Tree // nil when not every sum is known
	sum     digest.Sum
	ended   bool // the sender has said so
	size    int64
	repeats map[int64]int
	theirs  *digest.Sum // the sender's hash, to compare
	told    bool        // it has been told, to compare; the receiver's mutex guards it
	shown   *activeFile
}

func newReceiver(s Session, dst Target, o ReceiveOptions) *receiver {
	x := &receiver{
		session: s, dst: dst.into(), opt: o, meter: o.Meter, tell: teller(o.Event),
		out: newOutbox(), entries: map[int64]*arriving{}, finish: -1,
	}
	if x.meter == nil {
		x.meter = &Meter{}
	}
	if x.opt.MaxBytes == 0 {
		x.opt.MaxBytes = 1 << 40
	}
	if x.opt.MaxFiles == 0 {
		x.opt.MaxFiles = 10_000_000
	}
	x.meter.receiver.Store(true)
	x.changed.L = &x.mu
	return x
}

func (r *receiver) run(ctx context.Context) (Summary, error) {
	began := time.Now()
	r.meter.begin(began)
	ctx, cancel := context.WithCancelCause(ctx)
	r.cancel = cancel
	r.first = newLink(r.session.Conn(), r.opt.Timeout, &r.meter.wire)
	r.links = []*link{r.first}
	r.dst.notices(r.noted)

	r.start(ctx, func() error { return r.out.run(ctx, r.first) })
	r.out.put(frameHello, func(b []byte, _ bool) []byte { return hello{roleReceiver, protocolVersion}.append(b) })
	r.group.Go(func() {
		r.cancel(lost(r.listen(ctx)))
		r.first.drain()
	})
	for range comparers {
		r.start(ctx, func() error { return r.compare(ctx) })
	}
	r.start(ctx, func() error { return r.watch(ctx) })
	<-ctx.Done()
	err := r.stop(ctx)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Elapsed = time.Since(began)
	r.meter.fill(&r.summary)
	if err == nil && r.failures > 0 {
		err = &FailedError{r.failures, r.summary.Failures[0]}
	}
	return r.summary, err
}

// stop ends what runs, tells the sender why, and puts what is unfinished away so
// that it can be taken up again. It returns nil when all was finished.
func (r *receiver) stop(ctx context.Context) error {
	err := context.Cause(ctx)
	done := errors.Is(err, errFinished)
	r.mu.Lock()
	r.ended = true
	r.changed.Broadcast()
	links := r.links
	r.mu.Unlock()
	if !done {
		r.first.farewell(err)
	}
	r.out.close(net.ErrClosed)
	for _, l := range links {
		l.stop()
	}
	r.group.Wait()
	r.suspend()
	closed := r.dst.close()
	if done {
		return closed
	}
	return err
}

// suspend puts files that are not complete away. The target may still be storing
// others, and take them off the list meanwhile.
func (r *receiver) suspend() {
	r.mu.Lock()
	left := slices.Collect(maps.Values(r.entries))
	r.mu.Unlock()
	for _, a := range left {
		r.meter.hide(a.shown)
		if a.in != nil && a.end() {
			a.in.Suspend()
		}
	}
}

// start runs f as a goroutine of the transfer; its error ends the transfer.
func (r *receiver) start(ctx context.Context, f func() error) {
	r.group.Go(func() {
		if err := f(); err != nil && ctx.Err() == nil {
			awaitWord(ctx, err)
			r.cancel(lost(err))
		}
	})
}

// listen obeys the first connection.
func (r *receiver) listen(ctx context.Context) error {
	f, err := r.first.next(0)
	if err == nil {
		err = meetPeer(f, roleSender)
	}
	if err != nil {
		return err
	}
	if f, err = r.first.next(0); err != nil {
		return err
	}
	if err := r.agree(f); err != nil {
		return err
	}
	if !r.session.Dialed() {
		r.start(ctx, func() error { return r.admit(ctx) })
	}
	return r.stream(ctx, r.first)
}

// agree takes the sender's offer and says the terms.
func (r *receiver) agree(f frameIn) error {
	if f.kind == frameAbort {
		return peerAborted(f.head)
	}
	if f.kind != frameOffer {
		return broken("a frame of type %d instead of an offer", f.kind)
	}
	o, err := parseOffer(f.head)
	if err != nil {
		return err
	}
	r.chunk, r.sums, r.dry = o.chunk, o.verify == VerifyHash, o.dryRun
	r.dst.dry(r.dry)
	terms := accept{streams: min(MaxStreams, max(1, mostBuffer/(2*o.chunk))), ordered: r.dst.ordered()}
	if terms.ordered {
		terms.streams = 1
	}
	r.mu.Lock()
	r.streams = terms.streams
	r.mu.Unlock()
	r.out.put(frameAccept, func(b []byte, _ bool) []byte { return terms.append(b) })
	return nil
}

// stream obeys one connection until it ends.
func (r *receiver) stream(ctx context.Context, l *link) error {
	defer r.meter.streamBegins()()
	in := &receiving{receiver: r, l: l}
	for {
		began := time.Now()
		f, err := l.next(int(r.chunk))
		r.meter.networking.Add(int64(time.Since(began)))
		switch {
		case err != nil && l != r.first && errors.Is(err, io.EOF):
			return nil // the sender has closed a further connection
		case err != nil && r.isLeaving():
			return errFinished
		case err != nil:
			return err
		case f.kind == frameData:
			err = in.data(f)
		case l != r.first:
			err = broken("a frame of type %d on a connection that carries content", f.kind)
		default:
			err = r.obey(ctx, f)
		}
		if err == nil && l == r.first {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

func (r *receiver) obey(ctx context.Context, f frameIn) error {
	d := &decoder{b: f.head}
	switch f.kind {
	case frameEntries:
		return parseEntries(f.head, r.named)
	case frameSums:
		for len(d.b) > 0 && d.err == nil {
			n, sum := d.int(math.MaxInt64), d.sum()
			if d.err == nil {
				d.err = r.compared(n, sum)
			}
		}
	case frameGiveUp:
		for len(d.b) > 0 && d.err == nil {
			n, changed, reason := d.int(math.MaxInt64), d.byte() == 1, d.text(maxReason)
			if d.err == nil {
				d.err = r.gaveUp(n, changed, reason)
			}
		}
	case frameTotal:
		t, err := parseTotals(f.head)
		if err != nil {
			return err
		}
		r.meter.setTotal(t.files, t.bytes)
	case frameFinish:
		t, err := parseTotals(f.head)
		if err != nil {
			return err
		}
		return r.finishing(t.files)
	case frameStreams:
		t, err := parseTotals(f.head)
		if err != nil {
			return err
		}
		if r.asked += min(t.files, MaxStreams+1); r.asked > MaxStreams {
			return broken("more than %d connections asked for", MaxStreams)
		}
		r.start(ctx, func() error { return r.open(ctx, t.files) })
	case frameStatus:
		st, err := parseStatus(f.head)
		if err != nil {
			return err
		}
		r.meter.peer.Store(&st)
	case frameAbort:
		return peerAborted(f.head)
	}
	return d.err
}

// keep remembers a file whose content is to come.
func (r *receiver) keep(a *arriving) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries[a.number] == nil { // it may have been compared before
		r.entries[a.number] = a
		r.text += weight(&a.entry)
	}
}

// dropLocked is keep's opposite.
func (r *receiver) dropLocked(a *arriving) {
	if r.entries[a.number] == a {
		delete(r.entries, a.number)
		r.text -= weight(&a.entry)
	}
}

// find returns a file that is on its way, or nil.
func (r *receiver) find(number int64) *arriving {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entries[number]
}

// forget ends a file's being on its way.
func (r *receiver) forget(a *arriving) {
	r.meter.hide(a.shown)
	r.mu.Lock()
	r.dropLocked(a)
	r.mu.Unlock()
	r.finishedYet()
}

// finishing takes the number of entries that the sender has named.
func (r *receiver) finishing(n int64) error {
	r.mu.Lock()
	bad := n != r.next
	r.finish = n
	r.mu.Unlock()
	if bad {
		return broken("%d entries announced at the end, but another number named", n)
	}
	r.finishedYet()
	return nil
}

// finishedYet ends the transfer when nothing is missing.
func (r *receiver) finishedYet() {
	r.mu.Lock()
	done := r.finish >= 0 && len(r.entries) == 0 && !r.ended && !r.leaving
	if done {
		r.leaving = true
	}
	r.mu.Unlock()
	if done {
		r.group.Go(r.leave)
	}
}

// leave waits for the target's last work, says so and waits for the sender to
// close: who closes first with bytes unread would reset the connection.
func (r *receiver) leave() {
	if err := r.dst.close(); err != nil {
		r.cancel(err)
		return
	}
	r.mu.Lock()
	t := totals{r.summary.Files, r.summary.Bytes}
	r.mu.Unlock()
	r.out.put(frameDone, func(b []byte, _ bool) []byte { return t.append(b) })
	if r.out.flush() == nil { // else its writer ends the transfer
		r.first.lastly(lastWords)
	}
}

func (r *receiver) isLeaving() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leaving
}

// open dials n further connections for a sender that cannot.
func (r *receiver) open(ctx context.Context, n int64) error {
	for range min(n, MaxStreams) {
		c, err := r.session.Open(ctx)
		if err != nil {
			return nil // one connection fewer is no failure
		}
		r.adopt(ctx, c)
	}
	return nil
}

// adopt makes c a further connection of the transfer.
func (r *receiver) adopt(ctx context.Context, c net.Conn) {
	l := newLink(c, r.opt.Timeout, &r.meter.wire)
	l.quiet = true
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || int64(len(r.links)) >= r.streams { // each has its buffers
		c.Close()
		return
	}
	r.links = append(r.links, l)
	r.start(ctx, func() error { return r.stream(ctx, l) })
}

// admit takes the connections that the sender dials.
func (r *receiver) admit(ctx context.Context) error {
	for {
		c, err := r.session.AcceptStream(ctx)
		if err != nil {
			return nil // no more will come
		}
		r.adopt(ctx, c)
	}
}

// watch tells the sender where time goes here.
func (r *receiver) watch(ctx context.Context) error {
	tick := time.NewTicker(statusEvery * watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			st := r.meter.shares()
			r.out.put(frameStatus, func(b []byte, _ bool) []byte { return st.append(b) })
		}
	}
}
