package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// A Link names a File of the same run that came before it. Most files are where
// the manifest says; past remembers those that are not.

const maxPast = 1 << 16

// past is what became of entries that are finished, unless it is what their path
// says.
type past struct {
	renamed map[string]string  // File or Dir → its path in the target
	failed  map[string]Verdict // File → Skipped or Refused
	full    bool               // more than fits; what is not in here is not known
}

// settled remembers what became of in.
func (t *Target) settled(in *Incoming, v Verdict, err error) {
	if in.e.Kind != File && in.e.Kind != Dir || in.f.verdict == Skipped || in.f.verdict == Refused {
		return
	}
	bad := v == Skipped || v == Refused || err != nil
	if !bad && in.final == in.name && in.t.o.Rename == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.past.renamed)+len(t.past.failed) >= maxPast {
		t.past.full = true
		return
	}
	if bad {
		if t.past.failed == nil {
			t.past.failed = map[string]Verdict{}
		}
		t.past.failed[in.e.Path] = v
		return
	}
	if t.past.renamed == nil {
		t.past.renamed = map[string]string{}
	}
	t.past.renamed[in.e.Path] = in.f.below(in.final)
}

var (
	errNotHere   = errors.New("it did not arrive")
	errForgotten = errors.New("so many have other names here that it is not known where it is")
)

// whereLocked returns the path in the target of the File that was called name.
func (p *past) whereLocked(name string) (string, Verdict, error) {
	for prefix := name; prefix != "."; prefix = path.Dir(prefix) {
		if v, ok := p.failed[prefix]; ok {
			return "", v, errNotHere
		}
	}
	for prefix := name; prefix != "."; prefix = path.Dir(prefix) {
		if final, ok := p.renamed[prefix]; ok {
			return final + name[len(prefix):], Done, nil
		}
	}
	if p.full {
		return "", Refused, errForgotten
	}
	return name, Done, nil
}

// madeLink is what became of a Link.
type madeLink struct {
	final string
	err   error
}

// beginLink makes a hard link, or has it made when its File is finished.
func (t *Target) beginLink(in *Incoming) (Verdict, error) {
	if err := CheckPath(in.e.Target); err != nil {
		return Refused, fmt.Errorf("its file: %w", err)
	}
	if t.o.DryRun {
		return Done, nil
	}
	t.mu.Lock()
	if file := t.going[in.e.Target]; file != nil && file.e.Kind == File {
		file.links = append(file.links, in)
		in.f.refs++
		t.going[in.e.Path] = in
		t.mu.Unlock()
		return Later, nil
	}
	where, v, err := t.past.whereLocked(in.e.Target)
	t.mu.Unlock()
	if v == Skipped {
		return Skipped, nil
	}
	var from handle
	var name string
	if err == nil {
		from, name, err = t.find(where)
	}
	if err != nil {
		return Refused, fmt.Errorf("its file %q: %w", in.e.Target, err)
	}
	defer from.close()
	return in.makeLink(from, name)
}

// find opens the folder of a path in the target, following no link.
func (t *Target) find(where string) (handle, string, error) {
	top := t.stack[0]
	h, err := top.h.openDir(".")
	if err != nil {
		return nil, "", err
	}
	for {
		first, rest, more := strings.Cut(where, "/")
		if !more {
			return h, first, nil
		}
		next, err := h.openDir(first)
		h.close()
		if err != nil {
			return nil, "", err
		}
		h, where = next, rest
	}
}

// makeLater makes a Link whose File is finished now.
func (t *Target) makeLater(in, file *Incoming, failed error) {
	t.mu.Lock()
	ended := in.ended
	t.mu.Unlock()
	if ended {
		return
	}
	result := madeLink{err: failed}
	if failed == nil {
		result = t.linkTo(in, file)
	} else if !errors.Is(failed, errEnded) {
		result.err = fmt.Errorf("link %q: its file did not arrive: %w", in.e.Path, failed)
	}
	t.mu.Lock()
	done := in.done
	in.made = &result
	t.mu.Unlock()
	in.endLink(result, done)
}

func (t *Target) linkTo(in, file *Incoming) madeLink {
	h, err := file.f.pin()
	if err != nil {
		return madeLink{err: err}
	}
	defer file.f.unpin()
	v, err := in.makeLink(h, file.final)
	switch {
	case err != nil:
		return madeLink{err: fmt.Errorf("link %q: %w", in.e.Path, err)}
	case v == Skipped:
		return madeLink{err: fmt.Errorf("link %q: skipped: %w", in.e.Path, ErrConflict)}
	}
	return madeLink{final: in.f.below(in.final)}
}

func (in *Incoming) endLink(result madeLink, done func(string, error)) {
	t := in.t
	t.mu.Lock()
	first := !in.ended
	in.ended = true
	if t.going[in.e.Path] == in {
		delete(t.going, in.e.Path)
	}
	t.mu.Unlock()
	if first {
		t.release(in.f)
	}
	if done != nil {
		done(result.final, result.err)
	}
}

// linkDone has done called when the link is made, or at once when it is.
func (t *Target) linkDone(in *Incoming, done func(string, error)) {
	t.mu.Lock()
	made := in.made
	if made == nil {
		in.done = done
	}
	t.mu.Unlock()
	if made != nil {
		done(made.final, made.err)
	}
}

// makeLink gives the file called name in from another name. Where there are no
// hard links, or not across these folders, it is copied.
func (in *Incoming) makeLink(from handle, name string) (Verdict, error) {
	st, err := from.lstat(name)
	if err != nil {
		return Refused, err
	}
	if !st.mode.IsRegular() {
		return Refused, errNotFile
	}
	in.origin = st.id()
	h, err := in.f.pin()
	if err != nil {
		return Refused, err
	}
	defer in.f.unpin()
	v, err := in.place(h, func(as string) error { return from.link(name, h, as) })
	if err == nil || errors.Is(err, ErrConflict) || errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	why := pathless(err)
	if v, err = in.copyFile(from, name); err == nil {
		in.lost(fmt.Sprintf("it is a copy, not a further name of %q: %v", in.e.Target, why))
	}
	return v, err
}

// copyFile makes in a copy of the file called name in from.
func (in *Incoming) copyFile(from handle, name string) (Verdict, error) {
	f, err := from.openRead(name)
	if err != nil {
		return Refused, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return Refused, err
	}
	st := statOf(fi)
	in.e.Size, in.e.Mode, in.e.ModTime = st.size, st.mode, st.mtime
	part, err := in.openPartial()
	if err != nil {
		return Refused, err
	}
	if _, err = io.Copy(part.f, f); err == nil {
		err = in.finishContent(st.size)
	}
	if err == nil && !in.t.inline {
		err = in.syncContent()
	}
	if err == nil {
		_, err = in.publishName()
	}
	return Done, errors.Join(err, in.drop(err == nil))
}
