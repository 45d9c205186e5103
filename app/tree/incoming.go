package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"sync"
	"sync/atomic"

	"dialtone/app/digest"
)

// Incoming is a File that is being received, or a Link that waits for its File.
// It has no open file before the first byte is written. Its methods may be called
// by several goroutines, but what ends it (WriteWhole, Commit, Suspend, Discard,
// Resolve) by one, after the others are done.
type Incoming struct {
	t     *Target
	e     Entry
	f     *folder
	chunk int64

	name     string // that was asked for
	final    string // that it will have, as far as is known
	pick     int    // final is candidate number pick
	looked   bool   // what is there was looked at
	replaces bool   // final is taken, by seen, which is to be replaced
	seen     stat   // what was found at final
	origin   fileID // of a Link: the file it is to name

	partial    atomic.Pointer[partial]
	opening    sync.Mutex
	broken     atomic.Pointer[error] // the first write that failed; such a file is not committed
	unmarked   atomic.Int64          // bytes verified since the last mark
	marking    sync.Mutex            // held while a mark is made
	background sync.WaitGroup        // of marks

	content unnamed // of a small file that waits for its commit
	failed  error   // what went wrong before publishing
	done    func(final string, err error)

	// The target's mutex guards what follows.
	committing bool
	ended      bool
	links      []*Incoming // wait for this one
	made       *madeLink   // what became of a Link before Commit was called
}

// Path returns the entry's path.
func (in *Incoming) Path() string { return in.e.Path }

// lost reports what could not be kept.
func (in *Incoming) lost(what string) { in.t.notice(in.e.Path, what) }

// chunks returns how many chunks the content has, 0 when that is not known.
func (in *Incoming) chunks() int64 { return (max(in.e.Size, 0) + in.chunk - 1) / in.chunk }

// journalled reports whether what arrives is worth resuming.
func (in *Incoming) journalled() bool { n := in.chunks(); return n > 1 && n <= maxJournalled }

// Missing yields the ranges [from, to) of chunk numbers that are not verified
// yet: all of them unless an earlier run left some. Of a stream, whose size is not
// known, it yields nothing.
func (in *Incoming) Missing() iter.Seq2[int64, int64] {
	if p := in.partial.Load(); p != nil && p.journal != nil {
		return p.journal.missing()
	}
	return func(yield func(int64, int64) bool) {
		if n := in.chunks(); n > 0 {
			yield(0, n)
		}
	}
}

// Have yields the chunks that an earlier run verified, with their chaining
// values, each once and in the order in which they came.
func (in *Incoming) Have() iter.Seq2[int64, digest.Sum] {
	if p := in.partial.Load(); p != nil && p.journal != nil {
		return p.journal.all()
	}
	return func(func(int64, digest.Sum) bool) {}
}

// WriteAt writes into the partial, which it makes at first use. Bytes that are
// never written are a hole. More than the entry's size is an error. After a write
// that failed the file cannot be committed, unless Changed starts it anew.
func (in *Incoming) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || in.e.Size >= 0 && off+int64(len(p)) > in.e.Size {
		return 0, fmt.Errorf("write %q: bytes %d to %d of %d", in.e.Path, off, off+int64(len(p)), in.e.Size)
	}
	part, err := in.openPartial()
	if err != nil {
		return 0, err
	}
	n := 0
	if err = in.reserve(int64(len(p))); err == nil {
		n, err = part.f.WriteAt(p, off)
	}
	if err != nil {
		err = fmt.Errorf("write %q: %w", in.e.Path, pathless(err))
		in.broken.CompareAndSwap(nil, &err)
	}
	return n, err
}

// pathless takes the name of the partial, which nobody asked for, out of err.
func pathless(err error) error {
	if pe := new(fs.PathError); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// reserve looks whether n more bytes leave enough free.
func (in *Incoming) reserve(n int64) error {
	s := in.t.space
	if s.keep < 0 || s.since.Load()+n < spaceStep {
		s.since.Add(n)
		return nil
	}
	h, err := in.f.pin()
	if err != nil {
		return err
	}
	defer in.f.unpin()
	return s.take(h, n)
}

// File returns the partial, made at first use, for a caller that moves n bytes
// into it by the kernel; the space for them is looked for as WriteAt does. It must
// not be closed, and it is the caller's to keep to the entry's size.
func (in *Incoming) File(n int64) (*os.File, error) {
	part, err := in.openPartial()
	if err != nil {
		return nil, err
	}
	return part.f, in.reserve(n)
}

// Verified records that chunk has been written and is right, so that no later
// run asks for it again.
func (in *Incoming) Verified(chunk int64, cv digest.Sum) error {
	if !in.journalled() {
		return nil
	}
	if chunk < 0 || chunk >= in.chunks() {
		return fmt.Errorf("verified %q: chunk %d of %d", in.e.Path, chunk, in.chunks())
	}
	part, err := in.openPartial()
	if err != nil {
		return err
	}
	j, err := in.openJournal(part)
	if err == nil {
		err = j.add(chunk, cv)
	}
	if err != nil {
		return fmt.Errorf("verified %q: %w", in.e.Path, err)
	}
	if !in.t.inline && in.unmarked.Add(in.chunk) >= syncEvery {
		in.mark(part, j)
	}
	return nil
}

// mark starts a sync in the background, unless one is under way.
func (in *Incoming) mark(part *partial, j *journal) {
	if !in.marking.TryLock() {
		return
	}
	in.unmarked.Store(0)
	in.background.Go(func() {
		defer in.marking.Unlock()
		if err := j.mark(part.f); err != nil {
			in.opening.Lock()
			part.syncFailed = err
			in.opening.Unlock()
		}
	})
}

// WriteWhole writes all of a small file, whose content is p, and commits it: see
// Commit. When the entry's size is known, p has it.
func (in *Incoming) WriteWhole(p []byte, done func(final string, err error)) {
	in.done = done
	err := in.writeWhole(p)
	if err != nil {
		err = fmt.Errorf("write %q: %w", in.e.Path, pathless(err))
	}
	in.submit(err)
}

func (in *Incoming) writeWhole(p []byte) error {
	if in.e.Size >= 0 && int64(len(p)) != in.e.Size {
		return fmt.Errorf("%d bytes of %d", len(p), in.e.Size)
	}
	h, err := in.f.pin()
	if err != nil {
		return err
	}
	defer in.f.unpin()
	if err := in.t.space.take(h, int64(len(p))); err != nil {
		return err
	}
	if !in.replaces && !in.t.noUnnamed.Load() && in.partial.Load() == nil {
		in.content, err = h.whole(&in.e, p, in.f.plainModes, in)
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		in.t.noUnnamed.Store(true)
	}
	part, err := in.openPartial()
	if err != nil {
		return err
	}
	if _, err := part.f.WriteAt(p, 0); err != nil {
		return err
	}
	return in.complete(h, part, int64(len(p)))
}

// Commit gives the file, all of whose content has been written, its size and
// metadata, brings it to the disk and gives it its name. It returns at once or
// waits for its turn; done is called when the file is there, from another
// goroutine or from this one, with the path it has in the target, and must not
// wait. Of a Link, done is called when it is made.
func (in *Incoming) Commit(size int64, done func(final string, err error)) {
	if in.e.Kind == Link {
		in.t.linkDone(in, done)
		return
	}
	in.done = done
	err := in.finishContent(size)
	if err != nil {
		err = fmt.Errorf("finish %q: %w", in.e.Path, pathless(err))
	}
	in.submit(err)
}

func (in *Incoming) finishContent(size int64) error {
	if size < 0 || in.e.Size >= 0 && size != in.e.Size {
		return fmt.Errorf("size %d of %d", size, in.e.Size)
	}
	if err := in.broken.Load(); err != nil {
		return *err
	}
	part, err := in.openPartial() // an empty file may have had no write
	if err != nil {
		return err
	}
	in.background.Wait()
	if part.syncFailed != nil {
		return part.syncFailed
	}
	h, err := in.f.pin()
	if err != nil {
		return err
	}
	defer in.f.unpin()
	return in.complete(h, part, size)
}

// complete sets a partial's size and metadata.
func (in *Incoming) complete(h handle, part *partial, size int64) error {
	if err := part.f.Truncate(size); err != nil {
		return err
	}
	return h.keep(part.f, part.name, &in.e, in)
}

// Changed forgets all that has been written, because the source is not what it
// was. The entry stays as it is: when size or time have changed, Discard this and
// Begin anew.
func (in *Incoming) Changed() error {
	in.background.Wait()
	in.broken.Store(nil)
	part := in.partial.Load()
	if part == nil {
		return nil
	}
	err := part.f.Truncate(0)
	if err == nil && part.journal != nil {
		err = part.journal.restart()
	}
	if err != nil {
		return fmt.Errorf("start %q anew: %w", in.e.Path, pathless(err))
	}
	return nil
}

// Suspend ends an interrupted file: a partial that has a journal stays, to be
// resumed; one that has none is removed.
func (in *Incoming) Suspend() error {
	part := in.partial.Load()
	keep := part != nil && part.journal != nil && part.journal.count() > 0
	return in.stop(keep)
}

// Discard ends a file that failed for good and removes what is there of it.
func (in *Incoming) Discard() error { return in.stop(false) }

func (in *Incoming) stop(keep bool) error {
	in.background.Wait()
	err := in.drop(keep)
	if err != nil {
		err = fmt.Errorf("leave %q: %w", in.e.Path, err)
	}
	in.end("", errEnded)
	return err
}
