package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
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
	for _, a := range r.entries {
		r.meter.hide(a.shown)
		if !a.over && a.in != nil {
			a.in.Suspend()
		}
	}
	closed := r.dst.close()
	if done {
		return closed
	}
	return err
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

// named answers the sender's next entry.
func (r *receiver) named(e tree.Entry) error {
	if err := r.out.room(); err != nil { // a sender must also listen
		return err
	}
	r.mu.Lock()
	number := r.next
	r.next++
	r.bytes += max(e.Size, 0)
	bytes, wanted, text, finish := r.bytes, len(r.entries), r.text, r.finish
	r.mu.Unlock()
	if finish >= 0 {
		return broken("an entry after the last")
	}
	if e.Kind == tree.File {
		r.meter.named.Add(1)
		r.meter.namedBytes.Add(max(e.Size, 0))
	}
	switch {
	case wanted > mostWanted:
		return broken("more than %d entries under way", mostWanted)
	case text > windowText+maxHead:
		return broken("more than %d bytes of paths and attributes under way", windowText)
	case r.opt.MaxFiles > 0 && number >= r.opt.MaxFiles:
		return &LimitError{fmt.Sprintf("more than %d files and folders", r.opt.MaxFiles), "--max-files"}
	case r.opt.MaxBytes > 0 && (bytes > r.opt.MaxBytes || bytes < 0):
		return &LimitError{fmt.Sprintf("more than %d bytes", r.opt.MaxBytes), "--max-bytes"}
	}
	in, v, err := r.dst.begin(e, r.chunk)
	a := &arriving{number: number, entry: e, in: in, size: e.Size}
	return r.answer(a, v, err, func(ans answer) {
		r.out.put(frameAnswers, func(b []byte, _ bool) []byte { return appendAnswer(b, ans) })
	})
}

// LimitError is a transfer that is larger than the receiver takes.
type LimitError struct{ What, Flag string }

func (e *LimitError) Error() string { return "the transfer has " + e.What + ", the limit here" }

// answer makes the answer to an entry and remembers a file that is wanted.
func (r *receiver) answer(a *arriving, v tree.Verdict, err error, say func(answer)) error {
	e := &a.entry
	ans := answer{}
	switch v {
	case tree.Done:
		ans.verdict = verdictDone
		r.count(a)
	case tree.Later: // a further name of a file that is on its way
		ans.verdict = verdictDone
		a.over = true
		r.keep(a)
		a.in.Commit(0, func(_ string, err error) { r.linked(a, err) })
	case tree.Have:
		ans.verdict = verdictHave
		r.skipped(a, "the same is there already")
	case tree.Skipped:
		ans.verdict, ans.reason = verdictSkip, "another is there, and stays"
		r.skipped(a, ans.reason)
	case tree.Refused:
		if fatal(err) {
			return err
		}
		ans.verdict, ans.reason = verdictRefuse, plainReason(err)
		r.fail(a, err)
	case tree.Compare:
		ans.verdict = verdictCompare
		r.keep(a)
	case tree.Want:
		if r.dry {
			ans.verdict = verdictWant
			r.tell(Event{Kind: EventWould, Path: e.Path, Bytes: e.Size})
			break
		}
		ans = r.want(a)
		a.wanted.Store(true)
		r.keep(a)
	default:
		return fmt.Errorf("the target says %v of %s", v, e.Path)
	}
	say(ans)
	return nil
}

// want looks at what an earlier run has left of a file.
func (r *receiver) want(a *arriving) answer {
	size := a.entry.Size
	if r.sums && (size < 0 || size > r.chunk) {
		a.tree = digest.NewTree()
	}
	if size <= r.chunk {
		return answer{verdict: verdictWant}
	}
	for i, sum := range a.in.Have() {
		if r.sums && sum == (digest.Sum{}) { // kept by a run that did not verify
			a.in.Changed()
			a.have = runs{}
			a.tree = digest.NewTree()
			break
		}
		a.have.add(i)
		if a.tree != nil {
			a.tree.Add(i, sum)
		}
	}
	chunks := (size + r.chunk - 1) / r.chunk
	missing := a.have.missing(chunks)
	if len(missing) == 1 && missing[0] == [2]int64{0, chunks} {
		return answer{verdict: verdictWant}
	}
	a.kept = size
	for _, m := range missing {
		a.kept -= min(m[1]*r.chunk, size) - m[0]*r.chunk
	}
	if len(missing) > maxRanges { // rather send some again
		missing = append(missing[:maxRanges-1], [2]int64{missing[maxRanges-1][0], chunks})
	}
	r.meter.skippedBytes.Add(a.kept)
	return answer{verdict: verdictRest, ranges: missing}
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
	if err := r.out.flush(); err != nil {
		r.cancel(err)
		return
	}
	r.first.lastly(lastWords)
}

func (r *receiver) isLeaving() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leaving
}

// compare hashes what is there of files that may be the same.
func (r *receiver) compare(ctx context.Context) error {
	for {
		r.mu.Lock()
		for !r.ended && len(r.compares) == 0 {
			r.changed.Wait()
		}
		if r.ended {
			r.mu.Unlock()
			return nil
		}
		a := r.compares[0]
		r.compares = r.compares[1:]
		r.mu.Unlock()
		v, why := r.decide(ctx, a)
		if ctx.Err() != nil {
			return nil
		}
		r.mu.Lock()
		a.theirs = nil
		r.mu.Unlock()
		if err := r.answer(a, v, why, func(ans answer) {
			r.out.put(frameSums, func(b []byte, _ bool) []byte {
				return appendAnswer(appendUint(b, a.number), ans)
			})
		}); err != nil {
			return err
		}
		if v != tree.Want || r.dry {
			r.forget(a)
		}
	}
}

// decide compares a file with what is there, and with what else may be the same.
func (r *receiver) decide(ctx context.Context, a *arriving) (v tree.Verdict, err error) {
	for v = tree.Compare; v == tree.Compare && ctx.Err() == nil; {
		sum, err := a.in.Hash(ctx)
		if ctx.Err() != nil {
			break
		}
		if v, err = a.in.Resolve(err == nil && sum == *a.theirs); err != nil {
			return v, err
		}
	}
	return v, nil
}

// compared takes the sender's hash of a file.
func (r *receiver) compared(number int64, sum digest.Sum) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.entries[number]
	if a == nil || a.wanted.Load() || a.theirs != nil || a.entry.Kind != tree.File {
		return broken("the hash of a file that is not compared")
	}
	a.theirs = &sum
	r.compares = append(r.compares, a)
	r.changed.Broadcast()
	return nil
}

// gaveUp ends a file that the sender cannot read.
func (r *receiver) gaveUp(number int64, changed bool, reason string) error {
	r.mu.Lock()
	a := r.entries[number]
	comparing := a != nil && !a.wanted.Load() && a.theirs != nil
	r.mu.Unlock()
	if comparing {
		return broken("a file given up after its hash was said")
	}
	if a == nil || !a.end() {
		return nil
	}
	why := errors.New(reason)
	if changed {
		why = tree.ErrChanged
		a.in.Discard()
	} else {
		a.in.Suspend()
	}
	r.fail(a, fmt.Errorf("the sender could not send it: %w", why))
	r.forget(a)
	return nil
}

// end waits until nobody writes into a and keeps others from doing so. It reports
// whether the caller is the first, who then ends a.in.
func (a *arriving) end() bool {
	a.use.Lock()
	defer a.use.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	first := !a.over
	a.over = true
	return first
}

// begin reports whether a chunk is to be written into a, until done. What was
// verified is not written again: another content would have its sum.
func (a *arriving) begin(chunk int64) bool {
	a.use.RLock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over || a.have.has(chunk) || slices.Contains(a.busy, chunk) {
		a.use.RUnlock()
		return false
	}
	a.busy = append(a.busy, chunk)
	return true
}

func (a *arriving) done(chunk int64) {
	a.mu.Lock()
	i := slices.Index(a.busy, chunk)
	a.busy = slices.Delete(a.busy, i, i+1)
	a.mu.Unlock()
	a.use.RUnlock()
}

// lose ends a file that cannot be written. The error is the transfer's when no
// file could be.
func (r *receiver) lose(a *arriving, err error) error {
	if !a.end() {
		return nil
	}
	a.in.Suspend()
	if fatal(err) {
		return err
	}
	r.refuse(a, err)
	return nil
}

// refuse says that a file whose content was sent could not be stored.
func (r *receiver) refuse(a *arriving, err error) {
	r.fail(a, err)
	r.out.put(frameResults, func(b []byte, _ bool) []byte {
		return appendResult(b, result{entry: a.number, reason: plainReason(err)})
	})
	r.forget(a)
}

// fatal tells errors that would meet every further file too.
func fatal(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// commit hands a file that is complete to the target.
func (r *receiver) commit(a *arriving) {
	a.in.Commit(a.size, func(final string, err error) { r.stored(a, final, err) })
}

// stored takes the target's word on a file.
func (r *receiver) stored(a *arriving, final string, err error) {
	if err != nil {
		if fatal(err) {
			r.cancel(err)
			return
		}
		r.refuse(a, err)
		return
	}
	if final == a.entry.Path {
		final = ""
	}
	a.mu.Lock()
	sum := a.sum
	a.mu.Unlock()
	r.mu.Lock()
	r.summary.Sum = sum
	r.mu.Unlock()
	r.count(a)
	r.tell(Event{Kind: EventDone, Path: a.entry.Path, Final: final, Bytes: a.size, Resumed: a.kept, Sum: sum})
	if a.kept == 0 { // the sender knows it
		sum = digest.Sum{}
	}
	r.out.put(frameResults, func(b []byte, _ bool) []byte {
		return appendResult(b, result{entry: a.number, ok: true, sum: sum, name: final})
	})
	r.forget(a)
}

// linked takes the target's word on a further name, whose answer was done.
func (r *receiver) linked(a *arriving, err error) {
	if err != nil {
		r.noted(note{true, a.entry.Path, plainReason(err)})
	} else {
		r.count(a)
	}
	r.forget(a)
}

func (r *receiver) count(a *arriving) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch a.entry.Kind {
	case tree.File:
		r.summary.Files++
		r.summary.Bytes += max(a.size, 0)
		r.meter.done.Add(1)
	case tree.Dir:
		r.summary.Folders++
	case tree.Symlink, tree.Link:
		r.summary.Links++
	}
}

func (r *receiver) skipped(a *arriving, why string) {
	if a.entry.Kind != tree.File && why == "the same is there already" {
		return
	}
	r.mu.Lock()
	r.summary.Skipped++
	r.mu.Unlock()
	r.meter.skipped.Add(1)
	r.meter.skippedBytes.Add(max(a.entry.Size, 0))
	r.tell(Event{Kind: EventSkipped, Path: a.entry.Path, Bytes: a.entry.Size, Text: why})
}

func (r *receiver) fail(a *arriving, err error) {
	r.mu.Lock()
	r.failures++
	r.summary.Failed++
	if len(r.summary.Failures) < 100 {
		r.summary.Failures = append(r.summary.Failures, Failure{a.entry.Path, err})
	}
	r.mu.Unlock()
	r.meter.failed.Add(1)
	r.tell(Event{Kind: EventFailed, Path: a.entry.Path, Bytes: a.entry.Size, Err: err})
}

// noted passes on what the target could not keep.
func (r *receiver) noted(n note) {
	r.out.put(frameNotes, func(b []byte, _ bool) []byte { return appendNote(b, n) })
	if n.failed {
		r.fail(&arriving{entry: tree.Entry{Path: n.path}}, errors.New(n.text))
		return
	}
	r.tell(Event{Kind: EventNotice, Path: n.path, Text: n.text})
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
	if r.ended || len(r.links) >= MaxStreams {
		c.Close()
		return
	}
	r.links = append(r.links, l)
	r.start(ctx, func() error { return r.stream(ctx, l) })
}

// watch tells the sender where time goes here, and takes the connections that it
// dials.
func (r *receiver) watch(ctx context.Context) error {
	if !r.session.Dialed() {
		r.start(ctx, func() error {
			for {
				c, err := r.session.AcceptStream(ctx)
				if err != nil {
					return nil // no more will come
				}
				r.adopt(ctx, c)
			}
		})
	}
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
