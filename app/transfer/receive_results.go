package transfer

import (
	"errors"
	"slices"
	"syscall"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

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
