package transfer

import (
	"cmp"
	"context"
	"errors"
	"math"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

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
		s.urgent.push(job{kind: jobCompare, file: o})
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
	if most := min((o.entry.Size+s.chunk-1)/s.chunk+1, mostWrong) * mostRepeat; o.repeats > most || s.urgent.len() > 2*window {
		return broken("chunks are to be sent again without end")
	}
	s.meter.repaired.Add(1)
	s.tell(Event{Kind: EventRepaired, Path: o.entry.Path, Offset: chunk * s.chunk})
	j := job{kind: jobChunk, file: o, chunk: chunk, again: true}
	if o.entry.Size <= s.chunk {
		j = job{kind: jobPack, files: []*outgoing{o}}
	}
	s.urgent.push(j)
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
	s.summary.Links-- // the answer was done
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
