package transfer

import (
	"context"
	"errors"
	"fmt"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

// named answers the sender's next entry.
func (r *receiver) named(e tree.Entry) error {
	if r.out.room() != nil {
		return nil // the sender does not listen: it may still say why, but nothing more is done for it
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
		return r.tooMuch()
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
			r.count(a)
			break
		}
		ans = r.want(a)
		r.keep(a) // and nobody ends it before
		a.wanted.Store(true)
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
	if len(missing) > maxRanges { // rather send some again
		missing = append(missing[:maxRanges-1], [2]int64{missing[maxRanges-1][0], chunks})
	}
	a.kept = size
	for _, m := range missing {
		a.kept -= min(m[1]*r.chunk, size) - m[0]*r.chunk
	}
	r.meter.skippedBytes.Add(a.kept)
	return answer{verdict: verdictRest, ranges: missing}
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
	if a == nil || a.wanted.Load() || a.told || a.entry.Kind != tree.File {
		return broken("the hash of a file that is not compared")
	}
	a.theirs, a.told = &sum, true
	r.compares = append(r.compares, a)
	r.changed.Broadcast()
	return nil
}

// gaveUp ends a file that the sender cannot read.
func (r *receiver) gaveUp(number int64, changed bool, reason string) error {
	r.mu.Lock()
	a := r.entries[number]
	comparing := a != nil && !a.wanted.Load() && a.told
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
