package tree

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"
)

// A walk goes through each folder once or twice:
//
//  1. The names are read in batches. The files and links of each batch are
//     visited in byte order; the names of sub-folders are kept.
//  2. The sub-folders are entered, in byte order. Where there were too many to
//     keep, the names are read again, and each batch's sub-folders entered.
//
// So memory follows the depth, not the number of files, and the first file of a
// large folder is visited when the first batch is read. Only the folders next to
// where the walk is are open.
const (
	batchSize  = 1 << 14 // names read at once, more or less
	smallBatch = 1 << 10 // the same, the second time
	keptNames  = 1 << 14 // of sub-folders, for each folder that the walk is in
	keptTotal  = 1 << 16 // of sub-folders, all in all, before keptNames becomes
	keptScarce = 1 << 6  // this
	openLevels = 32      // folders open at once
)

// level is a folder that the walk is in. A name is bytes with a NUL behind them.
type level interface {
	read(list *names, n int) error // adds about n names; io.EOF with the last
	rewind() error
	lstat(name []byte) (status, error)
	readlink(name []byte) (string, error)
	xattrs(name []byte) ([]XAttr, error)        // nil: the folder's own
	enter(name []byte) (level, status, error)   // never through a link
	park()                                      // to be resumed before it is used again
	resume(child level, rel string) (err error) // rel is the folder's path from its root
	close()
}

// status is what a file system says of one thing.
type status struct {
	mode    fs.FileMode // with the type
	modTime time.Time
	size    int64  // -1: not known
	holes   bool   // perhaps
	id      fileID // zero: not known
	links   uint64
}

// keep is what an Entry's Mode keeps.
const keep = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

type walker struct {
	ctx     context.Context
	visit   func(Entry) error
	notice  func(path, what string)
	xattrs  bool
	oneFS   bool
	exclude rules
	include rules

	path    []byte  // where the walk is
	inner   int     // where in path begins what patterns see, which is behind the root
	levels  []level // the folders on the way there
	waiting []Entry // the last of them, not visited before there is something in them to send
	kept    int     // names of sub-folders, all levels
	dev     uint64  // of the root
	links   links
	found   names // of the batch at hand
}

// Walk visits everything to be sent, depth first: for each folder its Dir, its
// files and links, its sub-folders, each with what is in it, and its Leave. The
// files and links of a folder are visited in the order of their names' bytes, and
// so are its sub-folders; those of a folder with more than about 16,000 names
// only in parts. What cannot be sent goes to Notice. A file without permission
// to read is visited all the same: its Open fails.
//
// Walk ends with the error of visit, with that of ctx when it ends, or with why
// the root of an fs.FS or of a file system cannot be read.
func (s *Source) Walk(ctx context.Context, visit func(Entry) error) error {
	return s.newWalker(ctx, visit).walk(s.roots)
}

func (s *Source) newWalker(ctx context.Context, visit func(Entry) error) *walker {
	w := &walker{
		ctx: ctx, visit: visit, notice: s.options.Notice,
		xattrs: s.options.XAttrs, oneFS: s.options.OneFileSystem,
		exclude: s.exclude, include: s.include,
		links: links{first: map[fileID]*linked{}},
	}
	if w.notice == nil {
		w.notice = func(string, string) {}
	}
	return w
}

func (w *walker) walk(roots []*root) error {
	for _, r := range roots {
		if err := w.root(r); err != nil {
			return err
		}
	}
	return w.ctx.Err()
}

// root visits one argument. Patterns do not touch it.
func (w *walker) root(r *root) error {
	w.path = append(w.path[:0], r.name...)
	w.inner = len(w.path)
	if w.inner > 0 {
		w.inner++ // the slash
	}
	if !r.folder {
		return w.single(r)
	}
	l, st, err := r.enter()
	switch {
	case err != nil && r.name == "":
		return err
	case err != nil:
		w.leftOut(r.name, err)
		return nil
	}
	defer l.close()
	w.dev = st.id.dev
	if r.name == "" {
		return w.content(l, len(w.include) == 0)
	}
	return w.folder(l, st, len(w.include) == 0)
}

// single visits an argument that is no folder.
func (w *walker) single(r *root) error {
	st, err := r.status()
	if err != nil {
		w.leftOut(r.name, err)
		return nil
	}
	w.dev = st.id.dev
	return w.entry(r, nil, st)
}

// folder visits the folder l at w.path. Wanted says that all in it is to be sent,
// unless a pattern says otherwise.
func (w *walker) folder(l level, st status, wanted bool) error {
	path := string(w.path)
	e := Entry{Path: path, Kind: Dir, Mode: st.mode & keep, ModTime: st.modTime}
	if w.xattrs {
		e.XAttrs = w.attributes(l, nil)
	}
	w.waiting = append(w.waiting, e)
	if wanted || len(w.levels) == 0 {
		if err := w.announce(); err != nil {
			return err
		}
	}
	if w.oneFS && st.id.dev != w.dev {
		w.notice(path, "is on another file system: sent empty")
	} else if err := w.content(l, wanted); err != nil {
		return err
	}
	if n := len(w.waiting); n > 0 { // nothing in it was wanted
		w.waiting = w.waiting[:n-1]
		return nil
	}
	return w.visit(Entry{Path: path, Kind: Leave})
}

// announce visits the folders that lead to what is visited next.
func (w *walker) announce() error {
	for _, e := range w.waiting {
		if err := w.visit(e); err != nil {
			return err
		}
	}
	w.waiting = w.waiting[:0]
	return nil
}

// errMoved ends the reading of a folder that was moved meanwhile.
var errMoved = errors.New("was moved while it was read: the rest of it is left out")

// content visits what is in l.
func (w *walker) content(l level, wanted bool) error {
	w.levels = append(w.levels, l)
	defer func() { w.levels = w.levels[:len(w.levels)-1] }()
	if n := len(w.levels); n > openLevels {
		w.levels[n-1-openLevels].park()
	}
	folders, all, err := w.files(l, wanted)
	if err == nil && all {
		w.kept += len(folders.list)
		err = w.folders(l, &folders, wanted)
		w.kept -= len(folders.list)
	} else if err == nil {
		err = w.streamFolders(l, wanted)
	}
	if err == errMoved {
		w.notice(w.at(), err.Error())
		return nil
	}
	return err
}

// files visits the files and links in l, and returns the names of its
// sub-folders; all says that these are all of them.
func (w *walker) files(l level, wanted bool) (folders names, all bool, err error) {
	limit := keptNames
	if w.kept > keptTotal {
		limit = keptScarce
	}
	all = true
	for more := true; more; {
		if more, err = w.batch(l, &w.found, batchSize); err != nil {
			return folders, false, err
		}
		for _, n := range w.found.list {
			name := w.found.bytes(n)
			isFolder, err := w.name(l, name, n.mode, wanted)
			switch {
			case err != nil:
				return folders, false, err
			case isFolder && len(folders.list) < limit:
				folders.add(name, fs.ModeDir)
			case isFolder:
				all = false
			}
		}
	}
	folders.sort()
	return folders, all, nil
}

// batch reads the next names of l, sorted, and reports whether there may be more.
func (w *walker) batch(l level, into *names, n int) (more bool, err error) {
	if err := w.ctx.Err(); err != nil {
		return false, err
	}
	into.reset()
	err = l.read(into, n)
	if err != nil && err != io.EOF {
		w.notice(w.at(), "cannot be read to its end: "+reason(err))
	}
	into.sort()
	return err == nil, nil
}

// folders enters the sub-folders of l in list.
func (w *walker) folders(l level, list *names, wanted bool) error {
	for _, n := range list.list {
		if err := w.sub(l, list.bytes(n), wanted); err != nil {
			return err
		}
	}
	return nil
}

// streamFolders enters the sub-folders of an l that has too many to keep.
func (w *walker) streamFolders(l level, wanted bool) error {
	if err := l.rewind(); err != nil {
		w.leftOut(w.at(), err)
		return nil
	}
	list := names{raw: w.found.raw}
	for more := true; more; {
		var err error
		if more, err = w.batch(l, &list, smallBatch); err != nil {
			return err
		}
		list.list = slices.DeleteFunc(list.list, func(n found) bool { return !w.isFolder(l, list.bytes(n), n.mode) })
		if err := w.folders(l, &list, wanted); err != nil {
			return err
		}
	}
	return nil
}

// sub visits the sub-folder name of l.
func (w *walker) sub(l level, name []byte, wanted bool) error {
	end := w.push(name)
	defer w.pop(end)
	child, st, err := l.enter(name)
	if err != nil {
		w.leftOut(string(w.path), err)
		return nil
	}
	defer child.close()
	if err := w.folder(child, st, w.include.match(w.path[w.inner:], true, wanted)); err != nil {
		return err
	}
	if err := l.resume(child, string(w.path[min(w.inner, end):end])); err != nil {
		return errMoved
	}
	return nil
}
