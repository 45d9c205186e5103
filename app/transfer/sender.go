package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
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
	text       int64 // bytes of paths of entries
	small      fifo  // wanted, of at most one chunk
	large      fifo  // wanted, of more, or of unknown size
	urgent     []job // hashes to compare, chunks to repeat
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

// job is what a stream does next.
type job struct {
	kind  jobKind
	files []*outgoing // jobPack
	file  *outgoing   // the others
	chunk int64
	again bool // the chunk was sent before
}

type jobKind uint8

const (
	jobNone    jobKind = iota
	jobPack            // small files, whole
	jobChunk           // one chunk of a file
	jobStream          // a file of unknown size, to its end
	jobCompare         // hash a file and say the sum
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

var errLongPath = fmt.Errorf("its path is longer than %d bytes", maxPathBytes)

// name tells the receiver of one entry, when the window has room for it.
func (s *sender) name(ctx context.Context, e tree.Entry) error {
	if len(e.Path) > maxPathBytes {
		if e.Kind != tree.Leave {
			s.mu.Lock()
			s.failLocked(&outgoing{entry: e}, errLongPath)
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

// lost says what the end of a connection before that of the transfer means.
// Other errors stay as they are.
func lost(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &lineError{"the other end closed the connection in the middle of the transfer", io.ErrUnexpectedEOF}
	case !errors.As(err, &op):
		return err
	case op.Timeout():
		return &lineError{"the other end has fallen silent", op.Err}
	}
	return &lineError{"the connection to the other end broke", op.Err}
}

// lineError is a connection that ended before the transfer did.
type lineError struct {
	what string
	err  error
}

func (e *lineError) Error() string { return e.what + ": " + e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// meetPeer checks the hello of a peer that is to have the given role.
func meetPeer(f frameIn, want role) error {
	if f.kind == frameAbort {
		return peerAborted(f.head)
	}
	if f.kind != frameHello {
		return broken("a frame of type %d instead of a hello", f.kind)
	}
	h, err := parseHello(f.head)
	if err != nil {
		return err
	}
	if h.role != want {
		return fmt.Errorf("both ends want to %v", h.role)
	}
	return nil
}

func (s *sender) obey(ctx context.Context, f frameIn) error {
	d := &decoder{b: f.head}
	switch f.kind {
	case frameAccept:
		a, err := parseAccept(f.head)
		if err != nil {
			return err
		}
		select {
		case s.terms <- a:
		default:
			return broken("a second acceptance")
		}
	case frameAnswers:
		for len(d.b) > 0 && d.err == nil {
			d.err = errors.Join(d.err, s.answered(parseAnswer(d)))
		}
		return d.err
	case frameSums: // a comparison's second answer
		for len(d.b) > 0 && d.err == nil {
			n := d.int(math.MaxInt64)
			d.err = errors.Join(d.err, s.resolved(n, parseAnswer(d)))
		}
		return d.err
	case frameResults:
		for len(d.b) > 0 && d.err == nil {
			if r := parseResult(d); d.err == nil {
				d.err = s.finished(r)
			}
		}
		return d.err
	case frameAgain:
		for len(d.b) > 0 && d.err == nil {
			entry, chunk := d.int(math.MaxInt64), d.int(math.MaxInt64/s.chunk)
			if d.err == nil {
				d.err = s.again(entry, chunk)
			}
		}
		return d.err
	case frameNotes:
		for len(d.b) > 0 && d.err == nil {
			if n := parseNote(d); d.err == nil {
				s.noted(n)
			}
		}
		return d.err
	case frameStatus:
		st, err := parseStatus(f.head)
		if err != nil {
			return err
		}
		s.meter.peer.Store(&st)
	case frameDone:
		return s.done()
	case frameAbort:
		return peerAborted(f.head)
	}
	return nil // a later version's frame without a meaning here
}

// done takes the receiver's word that everything is settled.
func (s *sender) done() error {
	s.mu.Lock()
	open, walked := len(s.entries), s.walked
	s.mu.Unlock()
	if open > 0 || !walked {
		return broken("the receiver is done before the sender is")
	}
	s.cancel(errFinished)
	return nil
}

// PeerError is why the other end stopped.
type PeerError struct {
	Interrupted bool   // its user stopped it
	Refused     bool   // it does not want the transfer
	Reason      string // its words; untrusted
}

func (e *PeerError) Error() string {
	switch {
	case e.Interrupted:
		return "the other end was stopped by its user"
	case e.Refused:
		return "the other end refuses: " + e.Reason
	}
	return "the other end failed: " + e.Reason
}

func peerAborted(head []byte) error {
	a, err := parseAbort(head)
	if err != nil {
		return err
	}
	return &PeerError{a.code == abortInterrupted, a.code == abortRefused, a.reason}
}

// answered takes the next entry's answer.
func (s *sender) answered(a answer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unanswered) == 0 {
		return broken("an answer to an entry that was not named")
	}
	o := s.unanswered[0]
	s.unanswered[0] = nil
	s.unanswered = s.unanswered[1:]
	return s.decideLocked(o, a)
}

// resolved takes the second answer to an entry that was compared.
func (s *sender) resolved(number int64, a answer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.entries[number]
	if o == nil || o.stage != stageHashed {
		return broken("a comparison's answer to an entry that was not compared")
	}
	if a.verdict == verdictCompare {
		return broken("an entry is to be compared twice")
	}
	return s.decideLocked(o, a)
}

// decideLocked does what the receiver's verdict on o asks for.
func (s *sender) decideLocked(o *outgoing, a answer) error {
	e := &o.entry
	if e.Kind != tree.File && (a.verdict == verdictWant || a.verdict == verdictRest || a.verdict == verdictCompare) {
		return broken("content wanted of an entry that has none")
	}
	switch a.verdict {
	case verdictWant, verdictRest:
		if s.opt.DryRun {
			s.tell(Event{Kind: EventWould, Path: e.Path, Bytes: e.Size})
			s.countLocked(o)
			s.forgetLocked(o)
			return nil
		}
		return s.wantedLocked(o, a)
	case verdictCompare:
		o.stage = stageCompared
		s.urgent = append(s.urgent, job{kind: jobCompare, file: o})
		s.changed.Broadcast()
		return nil
	case verdictRefuse:
		s.failLocked(o, errors.New(a.reason))
	case verdictHave, verdictSkip:
		if e.Kind != tree.File && a.verdict == verdictHave {
			break // a link that is there
		}
		s.summary.Skipped++
		s.meter.skipped.Add(1)
		s.meter.skippedBytes.Add(max(e.Size, 0))
		s.tell(Event{Kind: EventSkipped, Path: e.Path, Bytes: e.Size, Text: cmp.Or(a.reason, "the same is there already")})
	case verdictDone:
		if e.Kind == tree.File {
			return broken("a file made without its content")
		}
		s.countLocked(o)
	default:
		return broken("an answer of kind %d", a.verdict)
	}
	s.forgetLocked(o)
	return nil
}

// wantedLocked queues what the receiver wants of a file.
func (s *sender) wantedLocked(o *outgoing, a answer) error {
	e := &o.entry
	o.stage = stageWanted
	if e.Size >= 0 && e.Size <= s.chunk {
		s.small.push(o)
		s.changed.Broadcast()
		return nil
	}
	if e.Size < 0 {
		o.stream = true
		if s.sums {
			o.tree = digest.NewTree()
		}
		s.large.push(o)
		s.changed.Broadcast()
		return nil
	}
	chunks := (e.Size + s.chunk - 1) / s.chunk
	if a.verdict == verdictWant {
		a.ranges = [][2]int64{{0, chunks}}
	}
	o.ranges, o.kept = a.ranges, e.Size
	for _, r := range a.ranges {
		if r[0] >= r[1] || r[1] > chunks {
			return broken("chunks wanted that %d bytes do not have", e.Size)
		}
		o.left += r[1] - r[0]
		o.kept -= min(r[1]*s.chunk, e.Size) - r[0]*s.chunk
	}
	s.meter.skippedBytes.Add(o.kept)
	if s.sums && o.left == chunks {
		o.tree = digest.NewTree()
	}
	s.large.push(o)
	s.changed.Broadcast()
	return nil
}

// again queues a chunk that arrived damaged.
func (s *sender) again(number, chunk int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.entries[number]
	if o == nil && s.goneLocked(number) {
		return nil
	}
	if o == nil || o.stage < stageWanted || o.stream || chunk > 0 && chunk*s.chunk >= o.entry.Size {
		return broken("a chunk that was not sent is to be sent again")
	}
	o.repeats++
	if most := min((o.entry.Size+s.chunk-1)/s.chunk+1, mostWrong) * mostRepeat; o.repeats > most || len(s.urgent) > 2*window {
		return broken("chunks are to be sent again without end")
	}
	s.meter.repaired.Add(1)
	s.tell(Event{Kind: EventRepaired, Path: o.entry.Path, Offset: chunk * s.chunk})
	j := job{kind: jobChunk, file: o, chunk: chunk, again: true}
	if o.entry.Size <= s.chunk {
		j = job{kind: jobPack, files: []*outgoing{o}}
	}
	s.urgent = append(s.urgent, j)
	s.changed.Broadcast()
	return nil
}

// finished takes a file's result.
func (s *sender) finished(r result) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.entries[r.entry]
	if o == nil && s.goneLocked(r.entry) {
		return nil
	}
	if o == nil || o.stage < stageWanted || r.ok && o.stage < stageSent {
		return broken("a result of an entry that was not sent")
	}
	if !r.ok {
		s.failLocked(o, errors.New(r.reason))
		s.forgetLocked(o)
		return nil
	}
	s.countLocked(o)
	o.mu.Lock()
	sum := cmp.Or(o.sum, r.sum)
	o.mu.Unlock()
	s.summary.Sum = sum
	s.tell(Event{Kind: EventDone, Path: o.entry.Path, Final: r.name, Bytes: o.entry.Size, Resumed: o.kept, Sum: sum})
	s.forgetLocked(o)
	return nil
}

// goneLocked reports whether an entry is not known any more because it was given
// up here while the receiver still spoke of it.
func (s *sender) goneLocked(number int64) bool { return s.lost && number < s.named }

// countLocked counts an entry that arrived.
func (s *sender) countLocked(o *outgoing) {
	switch o.entry.Kind {
	case tree.File:
		s.summary.Files++
		s.meter.done.Add(1)
		s.summary.Bytes += max(o.entry.Size, 0)
	case tree.Dir:
		s.summary.Folders++
	case tree.Symlink, tree.Link:
		s.summary.Links++
	}
}

func (s *sender) failLocked(o *outgoing, err error) {
	s.failures++
	s.summary.Failed++
	s.meter.failed.Add(1)
	if len(s.summary.Failures) < 100 {
		s.summary.Failures = append(s.summary.Failures, Failure{o.entry.Path, err})
	}
	s.tell(Event{Kind: EventFailed, Path: o.entry.Path, Bytes: o.entry.Size, Err: err})
}

// noted passes on what the receiver could not keep.
func (s *sender) noted(n note) {
	if !n.failed {
		s.tell(Event{Kind: EventNotice, Path: n.path, Text: n.text})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failLocked(&outgoing{entry: tree.Entry{Path: n.path}}, errors.New(n.text))
}

// forgetLocked gives an entry's place in the window away.
func (s *sender) forgetLocked(o *outgoing) {
	delete(s.entries, o.number)
	o.gone = true
	s.text -= o.size
	s.meter.hide(o.forget())
	s.changed.Broadcast()
}

// next waits for work for a stream; jobNone is the end.
func (s *sender) next() job {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.ended:
			return job{}
		case len(s.urgent) > 0:
			j := s.urgent[0]
			s.urgent = append(s.urgent[:0], s.urgent[1:]...)
			return j
		}
		if j, ok := s.smallLocked(); ok {
			return j
		}
		if j, ok := s.largeLocked(); ok {
			return j
		}
		s.changed.Wait()
	}
}

// smallLocked takes as many small files as one chunk holds.
func (s *sender) smallLocked() (job, bool) {
	j := job{kind: jobPack}
	var bytes int64
	for s.small.len() > 0 && len(j.files) < packFiles {
		o := s.small.front()
		if bytes+o.entry.Size > s.chunk {
			break
		}
		bytes += o.entry.Size
		j.files = append(j.files, s.small.pop())
	}
	return j, len(j.files) > 0
}

// largeLocked takes the next chunk of the first large file that has one.
func (s *sender) largeLocked() (job, bool) {
	for s.large.len() > 0 && s.large.front().gone {
		s.large.pop()
	}
	if s.large.len() == 0 {
		return job{}, false
	}
	o := s.large.front()
	if o.entry.Size < 0 {
		s.large.pop()
		return job{kind: jobStream, file: o}, true
	}
	if len(o.ranges) == 0 { // nothing is missing but the end
		s.large.pop()
		return job{kind: jobChunk, file: o, chunk: -1}, true
	}
	r := &o.ranges[0]
	j := job{kind: jobChunk, file: o, chunk: r[0]}
	if r[0]++; r[0] == r[1] {
		if o.ranges = o.ranges[1:]; len(o.ranges) == 0 {
			s.large.pop()
		}
	}
	return j, true
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

// fifo is a queue of files.
type fifo struct {
	list []*outgoing
	head int
}

func (q *fifo) len() int         { return len(q.list) - q.head }
func (q *fifo) front() *outgoing { return q.list[q.head] }
func (q *fifo) push(o *outgoing) { q.list = append(q.list, o) }

func (q *fifo) pop() *outgoing {
	o := q.list[q.head]
	q.list[q.head] = nil
	if q.head++; q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	} else if q.head > 1024 && q.head > len(q.list)/2 {
		q.list = append(q.list[:0], q.list[q.head:]...)
		q.head = 0
	}
	return o
}
