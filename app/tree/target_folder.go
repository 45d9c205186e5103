package tree

import (
	"container/list"
	"fmt"
	"io/fs"
	"strings"
)

// A folder of the target lives from its entry until its Leave has come and
// everything in it is finished. Of those that live, some have an open handle;
// the others are opened again from the nearest folder above that has one, and
// must be the same folder still.
type folder struct {
	t      *Target
	parent *folder // nil at the top
	name   string  // in parent, on disk
	path   string  // in the manifest; "" at the top
	final  string  // on disk, from the top; "" at the top
	e      Entry   // its metadata

	fresh   bool    // made in this run: what is in it is ours
	onDisk  bool    // the committer's: its name has been synced
	absent  bool    // a dry run would make it
	verdict Verdict // Skipped or Refused when nothing in it is wanted
	restore bool    // its mode was opened up: before is what it was
	before  fs.FileMode

	// The target's mutex guards what follows.
	refs       int // 1 until its Leave, 1 for each entry below that is not finished
	left       bool
	h          handle
	pins       int // how many use h
	place      *list.Element
	id         fileID
	known      bool // id is known
	opened     bool
	plainModes bool            // see handle; known once it was opened
	made       map[fileID]bool // what this run has made here, in a folder that was there before
}

// lost reports what could not be kept of the folder itself.
func (f *folder) lost(what string) { f.t.notice(f.path, what) }

// below returns the path of name in f.
func (f *folder) below(name string) string {
	if f.final == "" {
		return name
	}
	return f.final + "/" + name
}

// pin returns f's handle, which stays open until unpin.
func (f *folder) pin() (handle, error) {
	t := f.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.h == nil {
		if err := t.reopenLocked(f); err != nil {
			return nil, err
		}
	}
	f.pins++
	if f.place != nil {
		t.open.MoveToBack(f.place)
	}
	return f.h, nil
}

func (f *folder) unpin() {
	f.t.mu.Lock()
	f.pins--
	f.t.mu.Unlock()
}

// reopenLocked opens f, and on the way to it whatever folders are closed.
func (t *Target) reopenLocked(f *folder) error {
	var closed []*folder
	for p := f; p.h == nil; p = p.parent {
		if p.parent == nil {
			return fmt.Errorf("folder %q: %w", t.dir, fs.ErrClosed)
		}
		closed = append(closed, p)
	}
	for i := len(closed) - 1; i >= 0; i-- {
		p := closed[i]
		h, err := p.parent.h.openDir(p.name)
		if err != nil {
			return fmt.Errorf("folder %q: %w", p.final, err)
		}
		if err := p.recognizeLocked(h); err != nil {
			h.close()
			return fmt.Errorf("folder %q: %w", p.final, err)
		}
		p.h = h
		p.place = t.open.PushBack(p)
		t.evictLocked(p)
	}
	return nil
}

// recognizeLocked makes sure that h is the folder that f was before.
func (f *folder) recognizeLocked(h handle) error {
	st, err := h.self()
	if err != nil {
		return err
	}
	if f.known && f.id != st.id() {
		return errReplaced
	}
	if !f.known {
		f.id, f.known = st.id(), true
	}
	if f.opened {
		return nil
	}
	f.opened = true
	if f.fresh {
		f.plainModes = f.parent.plainModes // a default ACL is inherited
	} else {
		f.plainModes = h.plainModes()
	}
	return nil
}

// evictLocked closes the handles used longest ago, except keep's.
func (t *Target) evictLocked(keep *folder) {
	for el := t.open.Front(); el != nil && t.open.Len() > t.maxOpen; {
		f := el.Value.(*folder)
		el = el.Next()
		if f.pins == 0 && f != keep {
			t.shutLocked(f)
		}
	}
}

func (t *Target) shutLocked(f *folder) {
	if f.h == nil {
		return
	}
	f.h.close()
	f.h = nil
	if f.place != nil {
		t.open.Remove(f.place)
		f.place = nil
	}
}

// remember notes that this run made what has id here, so that no later entry of
// the same run replaces it under another spelling of its name.
func (f *folder) remember(id fileID) {
	if f.fresh || id.ino == 0 {
		return
	}
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	if f.made == nil {
		f.made = map[fileID]bool{}
	}
	f.made[id] = true
}

// ours reports whether this run made what has id here.
func (f *folder) ours(id fileID) bool {
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	return f.fresh || f.made[id]
}

// release takes back one reference to f, and finishes it with the last.
func (t *Target) release(f *folder) {
	for f != nil {
		t.mu.Lock()
		f.refs--
		last := f.refs == 0
		t.mu.Unlock()
		if !last {
			return
		}
		f.finish()
		f = f.parent
	}
}

// finish gives the folder its metadata, now that nothing in it will change.
func (f *folder) finish() {
	if f.parent == nil || f.absent || f.verdict == Skipped || f.verdict == Refused {
		return
	}
	h, err := f.pin()
	if err != nil {
		f.lost(fmt.Sprintf("its mode and time: %v", err))
		return
	}
	switch {
	case f.t.o.DryRun:
	case f.left:
		if err := h.keepSelf(&f.e, f); err != nil {
			f.lost(fmt.Sprintf("its mode and time: %v", err))
		}
	case f.restore:
		if err := h.chmod(f.before); err != nil {
			f.lost(fmt.Sprintf("its mode: %v", err))
		}
	}
	f.t.mu.Lock()
	f.pins--
	f.t.shutLocked(f)
	f.t.mu.Unlock()
}

// enter makes f the folder that the entries to come are in.
func (t *Target) enter(f *folder) {
	t.mu.Lock()
	f.refs = 1
	f.parent.refs++
	t.mu.Unlock()
	t.stack = append(t.stack, f)
}

// leave ends the innermost folder.
func (t *Target) leave(p string) error {
	f := t.inner()
	if f.parent == nil || f.path != p {
		return &PathError{p, "it is not the folder to be left"}
	}
	t.stack = t.stack[:len(t.stack)-1]
	t.mu.Lock()
	f.left = true
	t.mu.Unlock()
	t.release(f)
	return nil
}

func (t *Target) inner() *folder { return t.stack[len(t.stack)-1] }

// parentOf returns the folder that an entry called p is in: the innermost.
func (t *Target) parentOf(p string) (*folder, error) {
	f := t.inner()
	if p[:max(strings.LastIndexByte(p, '/'), 0)] != f.path {
		return nil, &PathError{p, "its folder is not the one that was named last"}
	}
	return f, nil
}
