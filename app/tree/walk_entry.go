package tree

import (
	"bytes"
	"errors"
	"io/fs"
	"syscall"
)

// leaf is where what is behind a name can be asked for: a level, or the place of
// a root, whose name is nil.
type leaf interface {
	readlink(name []byte) (string, error)
	xattrs(name []byte) ([]XAttr, error)
}

// push makes name, in the folder at w.path, where the walk is; pop undoes it.
func (w *walker) push(name []byte) (end int) {
	end = len(w.path)
	if end > 0 {
		w.path = append(w.path, '/')
	}
	w.path = append(w.path, name...)
	return end
}

func (w *walker) pop(end int) { w.path = w.path[:end] }

// at returns where the walk is, for people.
func (w *walker) at() string {
	if len(w.path) == 0 {
		return "."
	}
	return string(w.path)
}

// name visits name in l unless it is a folder that is to be entered later.
func (w *walker) name(l level, name []byte, mode fs.FileMode, wanted bool) (isFolder bool, err error) {
	defer w.pop(w.push(name))
	if !isElement(name) {
		w.notice(w.at(), "is no name that a file can have: left out")
		return false, nil
	}
	var st status
	known := mode == unknown
	if known {
		if st, err = l.lstat(name); err != nil {
			w.leftOut(string(w.path), err)
			return false, nil
		}
		mode = st.mode.Type()
	}
	if w.leaves(mode == fs.ModeDir, wanted) {
		return false, nil
	}
	switch what := special(mode); {
	case ours(name):
		w.notice(string(w.path), "is part of an unfinished transfer: left out")
		return false, nil
	case mode == fs.ModeDir:
		return true, nil
	case what != "":
		w.notice(string(w.path), "is a "+what+": left out")
		return false, nil
	}
	if !known {
		if st, err = l.lstat(name); err != nil {
			w.leftOut(string(w.path), err)
			return false, nil
		}
	}
	return false, w.entry(l, name, st)
}

// isFolder reports whether name in l is a folder to be entered.
func (w *walker) isFolder(l level, name []byte, mode fs.FileMode) bool {
	defer w.pop(w.push(name))
	if mode == unknown && isElement(name) {
		if st, err := l.lstat(name); err == nil {
			mode = st.mode.Type()
		}
	}
	return isElement(name) && mode == fs.ModeDir && !ours(name) && !w.leaves(true, true)
}

// leaves reports whether the patterns leave out what is at w.path. A folder that
// is not wanted is entered all the same: something in it may be.
func (w *walker) leaves(isFolder, wanted bool) bool {
	path := w.path[w.inner:]
	return w.exclude.match(path, isFolder, false) || !isFolder && !w.include.match(path, false, wanted)
}

// isElement guards against an fs.FS that names "." or a path.
func isElement(name []byte) bool {
	switch string(name) {
	case "", ".", "..":
		return false
	}
	return bytes.IndexByte(name, '/') < 0 && bytes.IndexByte(name, 0) < 0
}

// ours reports whether name is of an unfinished transfer.
func ours(name []byte) bool { return name[0] == hidden[0] && isHidden(string(name)) }

// entry visits the file or link at w.path.
func (w *walker) entry(from leaf, name []byte, st status) (err error) {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	e := Entry{Path: string(w.path), Kind: File, ModTime: st.modTime}
	switch st.mode.Type() {
	case 0:
		if first, ok := w.links.again(st, e.Path, w.notice); ok {
			e = Entry{Path: e.Path, Kind: Link, Target: first}
			break
		}
		e.Mode, e.Size, e.Sparse = st.mode&keep, st.size, st.holes
		if w.xattrs {
			e.XAttrs = w.attributes(from, name)
		}
	case fs.ModeSymlink:
		e.Kind = Symlink
		if e.Target, err = from.readlink(name); err != nil {
			w.leftOut(e.Path, err)
			return nil
		}
	default:
		w.leftOut(e.Path, ErrChanged)
		return nil
	}
	if err := w.announce(); err != nil {
		return err
	}
	return w.visit(e)
}

// attributes returns the extended attributes of what is at w.path.
func (w *walker) attributes(from leaf, name []byte) []XAttr {
	list, err := from.xattrs(name)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		w.notice(w.at(), "extended attributes cannot be read: "+reason(err))
	}
	return list
}

// leftOut tells that what is at path is not sent.
func (w *walker) leftOut(path string, err error) {
	if path == "" {
		path = "."
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.notice(path, "vanished while the tree was read")
	case errors.Is(err, ErrChanged):
		w.notice(path, "changed while the tree was read: left out")
	default:
		w.notice(path, "cannot be read: "+reason(err))
	}
}

// reason returns err without the operation and the path around it.
func reason(err error) string {
	var pe *fs.PathError
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &pe):
		return pe.Err.Error()
	}
	return err.Error()
}
