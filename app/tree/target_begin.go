package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"
)

// sayPrecision says once that times are not kept to the nanosecond here.
func (t *Target) sayPrecision(e *Entry) {
	p := t.traits.precision
	if p > 0 && !t.precisionSaid && !e.ModTime.Truncate(p).Equal(e.ModTime) {
		t.precisionSaid = true
		t.notice(e.Path, fmt.Sprintf("its time, and that of others: this file system keeps times to %v", p))
	}
}

// beginFile decides about a File.
func (t *Target) beginFile(in *Incoming) (Verdict, error) {
	t.sayPrecision(&in.e)
	if in.f.absent {
		return Want, nil
	}
	if in.f.fresh && in.e.Size < spaceStep {
		t.start(in) // nothing is there; if that is wrong, publish finds out
		return Want, nil
	}
	h, err := in.f.pin()
	if err != nil {
		return Refused, err
	}
	defer in.f.unpin()
	v := Want
	if !in.f.fresh {
		v, err = in.choose(h)
	}
	switch {
	case v == Want && err == nil:
		return t.want(in, h)
	case v == Compare:
		t.start(in)
	case v == Have:
		in.had(h)
	}
	return v, err
}

// had ends with what is there already.
func (in *Incoming) had(h handle) {
	in.f.remember(in.seen.id())
	if !in.t.o.DryRun {
		in.clean(h)
	}
}

// want looks for a partial of an earlier run, and for space, before a File's
// content is wanted.
func (t *Target) want(in *Incoming, h handle) (Verdict, error) {
	if t.o.DryRun {
		return Want, nil
	}
	if in.journalled() {
		in.resume(h)
	} else {
		in.clean(h)
	}
	if in.partial.Load() == nil && in.e.Size >= spaceStep && !in.e.Sparse {
		if err := t.space.fits(h, in.e.Size); err != nil {
			return Refused, err
		}
	}
	t.start(in)
	return Want, nil
}

// start makes in one of those that go on.
func (t *Target) start(in *Incoming) {
	t.mu.Lock()
	defer t.mu.Unlock()
	in.f.refs++
	t.going[in.e.Path] = in
}

// choose finds the name for in, from candidate number pick on: the first that is
// free or holds the same already. What is at the name that was asked for is dealt
// with as OnConflict says.
func (in *Incoming) choose(h handle) (Verdict, error) {
	in.replaces = false
	for ; in.pick <= maxCandidates; in.pick++ {
		in.final = candidate(in.name, in.pick, in.e.Kind == Dir)
		st, err := h.lstat(in.final)
		if errors.Is(err, fs.ErrNotExist) {
			return Want, nil
		} else if err != nil {
			return Refused, err
		}
		in.seen = st
		if v := in.match(h, st); v != Want {
			return v, nil
		}
		if v, err := in.conflict(st); v != 0 {
			return v, err
		}
	}
	return Refused, fmt.Errorf("%w, and %d more that are called alike", ErrConflict, maxCandidates)
}

// conflict decides about st, which has the name that was asked for. It returns 0
// when another name is to be found.
func (in *Incoming) conflict(st stat) (Verdict, error) {
	if in.pick > 1 {
		return 0, nil
	}
	switch in.t.o.OnConflict {
	case Skip:
		return Skipped, nil
	case Fail:
		return Refused, fmt.Errorf("%w: %w", ErrConflict, fs.ErrExist)
	case Overwrite:
		if in.f.ours(st.id()) { // never another entry of this run
			return 0, nil
		}
		if st.mode.IsDir() {
			return Refused, fmt.Errorf("%w: %w", ErrConflict, errFolderHere)
		}
		in.replaces = true
		return Want, nil
	}
	return 0, nil
}

// match returns Have or Compare when what is there may be the same as in, and
// Want when it is not.
func (in *Incoming) match(h handle, st stat) Verdict {
	switch in.e.Kind {
	case Dir:
		if st.mode.IsDir() && !in.f.ours(st.id()) {
			return Have
		}
	case Symlink:
		if text, err := h.readlink(in.final); st.mode&fs.ModeSymlink != 0 && err == nil && text == in.e.Target {
			return Have
		}
	case Link:
		if st.mode.IsRegular() && st.ino != 0 && st.id() == in.origin {
			return Have
		}
	case File:
		return in.matchFile(st)
	}
	return Want
}

func (in *Incoming) matchFile(st stat) Verdict {
	if !st.mode.IsRegular() || st.size != in.e.Size {
		return Want
	}
	sameTime := in.t.sameTime(st.mtime, in.e.ModTime)
	switch {
	case sameTime && !in.t.o.Compare:
		return Have
	case sameTime, in.pick == 1:
		return Compare
	}
	return Want
}

// sameTime reports whether the time on disk is what the file system can keep of
// the one that was sent.
func (t *Target) sameTime(disk, sent time.Time) bool {
	if disk.Equal(sent) {
		return true
	}
	p := t.traits.precision
	d := disk.Sub(sent)
	return p > 0 && -p < d && d < p
}

// beginDir makes or enters a folder.
func (t *Target) beginDir(in *Incoming) (Verdict, error) {
	f := &folder{t: t, parent: in.f, path: in.e.Path, e: in.e}
	v, err := t.makeDir(in, f)
	f.name, f.final, f.verdict = in.final, in.f.below(in.final), v
	t.enter(f)
	return v, err
}

func (t *Target) makeDir(in *Incoming, f *folder) (Verdict, error) {
	if in.f.absent {
		f.absent = true
		return Done, nil
	}
	h, err := in.f.pin()
	if err != nil {
		return Refused, err
	}
	defer in.f.unpin()
	for {
		v := Want
		if !in.f.fresh || in.looked {
			if v, err = in.choose(h); err != nil || v == Skipped {
				return v, err
			}
		}
		in.looked = true
		switch {
		case v == Have:
			return Done, f.merge(in, h)
		case t.o.DryRun:
			f.absent = true
			return Done, nil
		case in.replaces:
			if err := h.remove(in.final); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return Refused, err
			}
		}
		if err := h.mkdir(in.final); err == nil {
			t.dirty.Store(true)
			f.fresh = true
			if !in.f.fresh {
				if st, err := h.lstat(in.final); err == nil {
					in.f.remember(st.id())
				}
			}
			return Done, nil
		} else if !errors.Is(err, fs.ErrExist) {
			return Refused, err
		}
	}
}

// merge takes a folder that is there.
func (f *folder) merge(in *Incoming, h handle) error {
	in.f.remember(in.seen.id())
	f.id, f.known = in.seen.id(), true
	const need = 0o700
	if in.t.o.DryRun || in.seen.mode&need == need {
		return nil
	}
	f.restore, f.before = true, in.seen.mode&(fs.ModePerm|fs.ModeSetgid|fs.ModeSticky)
	own, err := h.openDir(in.final)
	if err != nil {
		return err
	}
	defer own.close()
	if err := own.chmod(in.seen.mode.Perm() | need); err != nil {
		return fmt.Errorf("the folder that is there cannot be written to: %w", err)
	}
	return nil
}

// beginSymlink makes a symbolic link. Its text is kept as it is.
func (t *Target) beginSymlink(in *Incoming) (Verdict, error) {
	if in.f.absent {
		return Done, nil
	}
	h, err := in.f.pin()
	if err != nil {
		return Refused, err
	}
	defer in.f.unpin()
	v, err := in.place(h, func(name string) error { return h.symlink(in.e.Target, name) })
	if v != Done || t.o.DryRun {
		return v, err
	}
	if !in.e.ModTime.IsZero() {
		if err := h.touch(in.final, in.e.ModTime); err != nil {
			in.lost(fmt.Sprintf("its time: %v", err))
		}
	}
	if leadsOut(in.e.Path, in.e.Target) {
		in.lost(fmt.Sprintf("it leads outside, to %q; it is kept and not followed", in.e.Target))
	}
	return Done, nil
}

// leadsOut reports whether text, read as a path from the link called p, leaves
// the tree.
func leadsOut(p, text string) bool {
	to := path.Join(path.Dir(p), text)
	return path.IsAbs(text) || to == ".." || len(to) > 2 && to[:3] == "../"
}

// place makes something that has no content by makeIt, under the name that
// choose finds.
func (in *Incoming) place(h handle, makeIt func(name string) error) (Verdict, error) {
	for {
		if !in.f.fresh || in.looked {
			if v, err := in.choose(h); v != Want {
				return v, err
			}
		}
		in.looked = true
		if in.t.o.DryRun {
			return Done, nil
		}
		err := in.placeOnce(h, makeIt)
		if err == nil {
			in.t.dirty.Store(true)
			if st, err := h.lstat(in.final); err == nil && !in.f.fresh {
				in.f.remember(st.id())
			}
			return Done, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return Refused, err
		}
	}
}

func (in *Incoming) placeOnce(h handle, makeIt func(name string) error) error {
	if !in.replaces {
		return makeIt(in.final)
	}
	tmp := hiddenName(in.name, 1, "link")
	if err := h.remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeIt(tmp); err != nil {
		return err
	}
	err := h.rename(tmp, in.final)
	if err != nil {
		_ = h.remove(tmp) // the first error says more
	}
	return err
}
