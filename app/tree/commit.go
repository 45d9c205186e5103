package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
)

// A file whose content and metadata are complete is committed: content to the
// disk, final name, name to the disk; journal.go says in which order and why.
// One goroutine commits all that wait together, so that a lone big file does not
// wait and many small ones share two syncs. Without syncs there is nothing to
// share, and each is committed where it was written.

const (
	fewFiles   = 4 // up to so many are synced one by one
	fewFolders = 4
)

// submit hands in, whose content is complete unless err says otherwise, to be
// committed.
func (in *Incoming) submit(err error) {
	in.failed = err
	t := in.t
	t.mu.Lock()
	in.committing = true
	ended := in.ended
	t.mu.Unlock()
	if ended {
		in.done("", errEnded)
		return
	}
	if t.inline || err != nil {
		in.publish()
		return
	}
	t.queue <- in
}

// commitAll commits what is queued until the queue is closed.
func (t *Target) commitAll() {
	group := make([]*Incoming, 0, t.budget)
	for in := range t.queue {
		group = append(group[:0], in)
		for more := true; more && len(group) < t.budget; {
			select {
			case next, ok := <-t.queue:
				if more = ok; ok {
					group = append(group, next)
				}
			default:
				more = false
			}
		}
		t.commitGroup(group)
		clear(group)
	}
}

func (t *Target) commitGroup(group []*Incoming) {
	syncContents(group)
	finals := make([]string, len(group))
	for i, in := range group {
		if in.failed == nil {
			finals[i], in.failed = in.publishName()
		}
	}
	syncFolders(group)
	for i, in := range group {
		in.finish(finals[i])
	}
}

// syncContents brings the group's content to the disk: by one sync of a whole
// file system where it holds several of them, one by one elsewhere.
func syncContents(group []*Incoming) {
	byDevice := map[uint64][]*Incoming{}
	for _, in := range group {
		byDevice[in.f.id.dev] = append(byDevice[in.f.id.dev], in)
	}
	for _, list := range byDevice {
		if len(list) > fewFiles && list[0].f.syncAll() == nil {
			continue
		}
		for _, in := range list {
			if err := in.syncContent(); err != nil {
				in.failed = fmt.Errorf("sync %q: %w", in.e.Path, pathless(err))
			}
		}
	}
}

func (in *Incoming) syncContent() error {
	if in.content != nil {
		return in.content.sync()
	}
	return in.partial.Load().f.Sync()
}

func (f *folder) syncAll() error {
	h, err := f.pin()
	if err != nil {
		return err
	}
	defer f.unpin()
	return h.syncAll()
}

func (f *folder) syncNames() error {
	h, err := f.pin()
	if err != nil {
		return err
	}
	defer f.unpin()
	return h.syncNames()
}

// syncFolders brings the group's names to the disk, and those of the new folders
// they are in.
func syncFolders(group []*Incoming) {
	folders := map[*folder]error{}
	for _, in := range group {
		for f := in.f; in.failed == nil && f != nil; f = f.above() {
			folders[f] = nil
		}
	}
	synced := map[uint64]bool{}
	for f := range folders {
		if len(folders) > fewFolders {
			if _, tried := synced[f.id.dev]; !tried {
				synced[f.id.dev] = f.syncAll() == nil
			}
			if synced[f.id.dev] {
				continue
			}
		}
		folders[f] = f.syncNames()
	}
	for _, in := range group {
		for f := in.f; in.failed == nil && f != nil; f = f.above() {
			if err := folders[f]; err != nil {
				in.failed = fmt.Errorf("sync the folder of %q: %w", in.e.Path, err)
			}
		}
	}
	for f := range folders {
		f.onDisk = f.onDisk || f.above() != nil && folders[f.parent] == nil
	}
}

// above returns the folder that has f's own name, if that may not be on the disk.
func (f *folder) above() *folder {
	if f.fresh && !f.onDisk {
		return f.parent
	}
	return nil
}

// publish commits in without syncs.
func (in *Incoming) publish() {
	var final string
	if in.failed == nil {
		final, in.failed = in.publishName()
	}
	in.finish(final)
}

// publishName gives the file its final name and returns its path in the target.
func (in *Incoming) publishName() (string, error) {
	h, err := in.f.pin()
	if err != nil {
		return "", err
	}
	defer in.f.unpin()
	if err := in.publishIn(h); err != nil {
		return "", fmt.Errorf("save %q: %w", in.e.Path, pathless(err))
	}
	if in.f.final == in.f.path && in.final == in.name && in.t.o.Rename == "" {
		return in.e.Path, nil // no new string
	}
	return in.f.below(in.final), nil
}

func (in *Incoming) publishIn(h handle) error {
	id := in.newID()
	part := in.partial.Load()
	if part != nil {
		if err := in.removeJournal(h, part); err != nil {
			return err
		}
		if runtime.GOOS == "windows" { // which does not rename an open file
			part.f.Close()
		}
	}
	if in.replaces {
		if done, err := in.replace(h, part); done || err != nil {
			return err
		}
	}
	for ; in.pick <= maxCandidates; in.pick++ {
		in.final = candidate(in.name, in.pick, false)
		err := in.publishNew(h, part)
		if err == nil {
			in.rememberNew(id)
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if c := in.t.o.OnConflict; c == Skip || c == Fail {
			return fmt.Errorf("%w since it was begun: %w", ErrConflict, fs.ErrExist)
		}
	}
	return ErrConflict
}

func (in *Incoming) publishNew(h handle, part *partial) error {
	if part == nil {
		return in.content.publish(h, in.final)
	}
	return h.renameNew(part.name, in.final)
}

// replace puts the file where another is, if that is still the one that was seen.
func (in *Incoming) replace(h handle, part *partial) (bool, error) {
	now, err := h.lstat(in.final)
	if err != nil || !sameThing(now, in.seen) {
		if err == nil {
			in.lost("its name was taken by something new meanwhile; both are kept")
		}
		return false, nil //nolint:nilerr // it is gone, so nothing is replaced
	}
	id := part.id
	if err := h.rename(part.name, in.final); err != nil {
		return false, err
	}
	in.rememberNew(id)
	return true, nil
}

func sameThing(a, b stat) bool {
	if a.ino != 0 || b.ino != 0 {
		return a.id() == b.id()
	}
	return a.size == b.size && a.mtime.Equal(b.mtime)
}

// newID returns the id of the file to be published, where it will be needed.
func (in *Incoming) newID() (id fileID) {
	if part := in.partial.Load(); part != nil {
		return part.id
	}
	if !in.f.fresh && in.t.o.OnConflict == Overwrite {
		if st, err := in.content.stat(); err == nil {
			id = st.id()
		}
	}
	return id
}

// rememberNew keeps later entries of this run from replacing this one; only
// Overwrite replaces at all.
func (in *Incoming) rememberNew(id fileID) {
	if in.t.o.OnConflict == Overwrite {
		in.f.remember(id)
	}
}

// finish closes what is open, removes what failed, and tells everybody.
func (in *Incoming) finish(final string) {
	err := in.drop(in.failed == nil)
	if in.failed == nil && err != nil {
		in.failed = fmt.Errorf("close %q: %w", in.e.Path, err)
	}
	v := Done
	if in.failed != nil {
		final, v = "", Refused
	}
	in.t.settled(in, v, in.failed)
	in.end(final, in.failed)
}

// end takes in from those that go on, makes the links that wait for it, and calls
// done. Only the first call counts.
func (in *Incoming) end(final string, err error) {
	t := in.t
	t.mu.Lock()
	if in.ended {
		t.mu.Unlock()
		return
	}
	in.ended = true
	if t.going[in.e.Path] == in {
		delete(t.going, in.e.Path)
	}
	links := in.links
	in.links = nil
	t.mu.Unlock()
	for _, l := range links {
		t.makeLater(l, in, err)
	}
	t.release(in.f)
	if in.done != nil {
		in.done(final, err)
	}
}
