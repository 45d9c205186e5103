package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// partial is an open file that is being received, locked so that no other
// receiver takes it. Only who holds the lock may rename or remove it.
type partial struct {
	f          *os.File
	name       string
	number     int // in name, and in its journal's
	id         fileID
	journal    *journal
	syncFailed error
	resumed    bool
}

const maxPartials = 1000 // receivers of one name at a time

// openPartial returns in's partial, which it makes when there is none yet.
func (in *Incoming) openPartial() (*partial, error) {
	if part := in.partial.Load(); part != nil {
		return part, nil
	}
	in.opening.Lock()
	defer in.opening.Unlock()
	if part := in.partial.Load(); part != nil {
		return part, nil
	}
	part, err := in.makePartial()
	if err != nil {
		return nil, fmt.Errorf("begin %q: %w", in.e.Path, pathless(err))
	}
	in.partial.Store(part)
	return part, nil
}

func (in *Incoming) makePartial() (*partial, error) {
	h, err := in.f.pin()
	if err != nil {
		return nil, err
	}
	defer in.f.unpin()
	for number := 1; number <= maxPartials; number++ {
		part, err := claimPartial(h, in.name, number, true)
		if errors.Is(err, errLocked) {
			continue
		} else if err != nil {
			return nil, err
		}
		if err := in.empty(h, part); err != nil {
			part.f.Close()
			_ = h.remove(part.name) // the first error says more
			return nil, err
		}
		return part, nil
	}
	return nil, errLocked
}

// claimPartial opens and locks partial number of name, and makes it if so wished.
// It returns errLocked when that one is not to be had.
func claimPartial(h handle, name string, number int, create bool) (*partial, error) {
	part := &partial{name: hiddenName(name, number, "part"), number: number}
	for range 100 { // each time somebody else was faster
		f, err := h.open(part.name)
		if errors.Is(err, fs.ErrNotExist) {
			if !create {
				return nil, err
			}
			f, err = h.create(part.name)
			if errors.Is(err, fs.ErrExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
		} else if err != nil { // a link, a folder, another user's: not ours
			return nil, errLocked
		}
		part.f = f
		ok, err := part.lock(h)
		if ok {
			return part, nil
		}
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return nil, errLocked
}

// lock makes sure that the open file is this receiver's alone and is still the
// one that has the name: whoever had the lock before may have given it its final
// name. It returns false without an error when it is not, and should be opened
// again.
func (p *partial) lock(h handle) (bool, error) {
	if err := lock(p.f); err != nil {
		return false, err
	}
	fi, err := p.f.Stat()
	if err != nil {
		return false, err
	}
	st := statOf(fi)
	p.id = st.id()
	if !st.mode.IsRegular() || st.foreign || st.links > 1 {
		return false, errLocked
	}
	now, err := h.lstat(p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && now.id() == p.id, err
}

// empty makes a partial ready for content from its first byte.
func (in *Incoming) empty(h handle, part *partial) error {
	if err := h.remove(hiddenName(in.name, part.number, "journal")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := part.f.Truncate(0); err != nil {
		return err
	}
	if in.e.Size < spaceStep || in.e.Sparse || in.t.traits.memory {
		return nil
	}
	if err := in.t.space.fits(h, in.e.Size); err != nil {
		return err
	}
	return allocate(part.f, in.e.Size)
}

// openJournal returns the journal of part, which it starts when there is none.
func (in *Incoming) openJournal(part *partial) (*journal, error) {
	in.opening.Lock()
	defer in.opening.Unlock()
	if part.journal != nil {
		return part.journal, nil
	}
	h, err := in.f.pin()
	if err != nil {
		return nil, err
	}
	defer in.f.unpin()
	f, err := h.create(hiddenName(in.name, part.number, "journal"))
	if err != nil {
		return nil, err
	}
	part.journal, err = newJournal(f, headerOf(&in.e, in.name, in.chunk, part.id.ino, in.t.boot))
	if err != nil {
		f.Close()
		return nil, err
	}
	return part.journal, nil
}

// resume takes up what an earlier run left of in, if it is of the same file;
// what it left of another file with its name is removed.
func (in *Incoming) resume(h handle) {
	if in.f.fresh || !in.journalled() || in.t.resumed.Load() >= int64(in.t.budget) {
		return
	}
	for number := 1; number <= maxPartials; number++ {
		part, err := claimPartial(h, in.name, number, false)
		if errors.Is(err, fs.ErrNotExist) && number > 1 {
			return
		}
		if err != nil {
			continue
		}
		if in.resumeFrom(h, part) == nil {
			part.resumed = true
			in.t.resumed.Add(1)
			in.partial.Store(part)
			return
		}
		removeLeft(h, in.name, part)
	}
}

// clean removes what an earlier run left of a file that needs no partial.
func (in *Incoming) clean(h handle) {
	if part, err := claimPartial(h, in.name, 1, false); err == nil {
		removeLeft(h, in.name, part)
	}
}

// removeLeft removes a partial that is locked, and its journal. What cannot be
// removed stays.
func removeLeft(h handle, name string, part *partial) {
	_ = h.remove(hiddenName(name, part.number, "journal"))
	_ = h.remove(part.name)
	part.f.Close()
}

func (in *Incoming) resumeFrom(h handle, part *partial) error {
	fi, err := part.f.Stat()
	if err != nil {
		return err
	}
	f, err := h.open(hiddenName(in.name, part.number, "journal"))
	if err != nil {
		return err
	}
	head := headerOf(&in.e, in.name, in.chunk, part.id.ino, in.t.boot)
	part.journal, err = resumeJournal(f, head, part.f, fi.Size())
	if err != nil {
		f.Close()
	}
	return err
}

// drop closes the partial and, unless it is to be kept, removes it and its
// journal first, while the lock is held.
func (in *Incoming) drop(keep bool) error {
	if in.content != nil {
		_ = in.content.close() // nothing of it is wanted
		in.content = nil
	}
	part := in.partial.Load()
	if part == nil {
		return nil
	}
	var err error
	if !keep {
		err = in.removePartial(part)
	}
	return errors.Join(err, in.closePartial(part))
}

func (in *Incoming) removePartial(part *partial) error {
	h, err := in.f.pin()
	if err != nil {
		return err
	}
	defer in.f.unpin()
	err = in.removeJournal(h, part)
	if e := h.remove(part.name); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}

func (in *Incoming) removeJournal(h handle, part *partial) error {
	if part.journal == nil {
		return nil
	}
	err := h.remove(hiddenName(in.name, part.number, "journal"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (in *Incoming) closePartial(part *partial) error {
	if part.resumed {
		part.resumed = false
		in.t.resumed.Add(-1)
	}
	if part.journal != nil {
		_ = part.journal.f.Close() // its records were written or their errors returned
	}
	err := part.f.Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
