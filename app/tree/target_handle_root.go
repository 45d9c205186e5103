package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"time"
)

// rootHandle is a folder by os.Root. Where the system has no call that does a
// step in one, the step is two, and somebody else who writes to the same folder
// can come between them; the worst that happens then is that of two files with
// one name the later wins.
type rootHandle struct {
	r    *os.Root
	top  *os.Root // of the target, for what takes two folders
	path string   // below top
}

func openRootHandle(dir string) (handle, error) {
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return rootHandle{r, r, "."}, nil
}

func (h rootHandle) lstat(name string) (stat, error) {
	fi, err := h.r.Lstat(name)
	if err != nil {
		return stat{}, err
	}
	return statOf(fi), nil
}

func (h rootHandle) mkdir(name string) error { return h.r.Mkdir(name, 0o700) }

func (h rootHandle) openDir(name string) (handle, error) {
	before, err := h.r.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotFolder}
	}
	r, err := h.r.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	// OpenRoot follows links that stay inside: what was opened must be what
	// was there, which was no link.
	after, err := r.Stat(".")
	if err == nil && !os.SameFile(before, after) {
		err = &fs.PathError{Op: "open", Path: name, Err: errReplaced}
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return rootHandle{r, h.top, path.Join(h.path, name)}, nil
}

func (h rootHandle) remove(name string) error             { return h.r.Remove(name) }
func (h rootHandle) symlink(text, name string) error      { return h.r.Symlink(text, name) }
func (h rootHandle) readlink(name string) (string, error) { return h.r.Readlink(name) }
func (h rootHandle) touch(string, time.Time) error        { return errors.ErrUnsupported }
func (h rootHandle) rename(from, to string) error         { return h.r.Rename(from, to) }
func (h rootHandle) chmod(mode fs.FileMode) error         { return h.r.Chmod(".", mode) }
func (h rootHandle) plainModes() bool                     { return false }
func (h rootHandle) syncAll() error                       { return errors.ErrUnsupported }
func (h rootHandle) free() (int64, error)                 { return freeSpace(h.r.Name()) }
func (h rootHandle) traits() traits                       { return rootTraits() }
func (h rootHandle) close() error                         { return h.r.Close() }

// link goes through the top folder, since os.Root links within one root only.
func (h rootHandle) link(name string, to handle, as string) error {
	return h.top.Link(path.Join(h.path, name), path.Join(to.(rootHandle).path, as))
}

// renameNew is a link and a removal, which replaces nothing; on file systems
// without hard links it is a look and a rename.
func (h rootHandle) renameNew(from, to string) error {
	if err := h.r.Link(from, to); err == nil {
		return h.r.Remove(from)
	} else if errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := h.r.Lstat(to); err == nil {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	}
	return h.r.Rename(from, to)
}

func (h rootHandle) create(name string) (*os.File, error) {
	return h.r.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

func (h rootHandle) open(name string) (*os.File, error)     { return h.openPlain(name, os.O_RDWR) }
func (h rootHandle) openRead(name string) (*os.File, error) { return h.openPlain(name, os.O_RDONLY) }

// openPlain opens a regular file and nothing else.
func (h rootHandle) openPlain(name string, how int) (*os.File, error) {
	before, err := h.r.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotFile}
	}
	f, err := h.r.OpenFile(name, how|openNonblock, 0)
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err == nil && !os.SameFile(before, after) {
		err = &fs.PathError{Op: "open", Path: name, Err: errReplaced}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (h rootHandle) keep(f *os.File, name string, e *Entry, r reporter) error {
	reportXAttrs(e, r)
	if err := f.Chmod(plainMode(e, r)); err != nil {
		r.lost(fmt.Sprintf("its mode: %v", err))
	}
	if err := h.r.Chtimes(name, e.ModTime, e.ModTime); err != nil {
		r.lost(fmt.Sprintf("its time: %v", err))
	}
	return nil
}

func (h rootHandle) keepSelf(e *Entry, r reporter) error {
	reportXAttrs(e, r)
	if err := h.r.Chtimes(".", e.ModTime, e.ModTime); err != nil {
		r.lost(fmt.Sprintf("its time: %v", err))
	}
	if err := h.r.Chmod(".", plainMode(e, r)); err != nil {
		r.lost(fmt.Sprintf("its mode: %v", err))
	}
	return nil
}

func (h rootHandle) whole(*Entry, []byte, bool, reporter) (unnamed, error) {
	return nil, errors.ErrUnsupported
}

func (h rootHandle) self() (stat, error) {
	fi, err := h.r.Stat(".")
	if err != nil {
		return stat{}, err
	}
	return statOf(fi), nil
}

func (h rootHandle) syncNames() error {
	f, err := h.r.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFolder(f)
}

// reportXAttrs says that extended attributes are not kept here.
func reportXAttrs(e *Entry, r reporter) {
	if len(e.XAttrs) > 0 {
		r.lost("its extended attributes: they are kept on Linux only")
	}
}

// plainMode returns the mode a file or folder is given. What makes a program run
// as somebody else is not taken from elsewhere.
func plainMode(e *Entry, r reporter) fs.FileMode {
	mode := e.Mode & (fs.ModePerm | fs.ModeSticky | fs.ModeSetgid | fs.ModeSetuid)
	if e.Kind == Dir {
		return mode &^ fs.ModeSetuid
	}
	if mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		r.lost("its setuid or setgid bit: not taken from another machine")
	}
	return mode & fs.ModePerm
}

func statOf(fi fs.FileInfo) stat {
	s := stat{mode: fi.Mode(), size: fi.Size(), mtime: fi.ModTime(), links: 1}
	statSystem(fi, &s)
	return s
}

// rootTraits returns what is known without asking: NTFS counts times in 100 ns.
func rootTraits() traits {
	if runtime.GOOS == "windows" {
		return traits{precision: 100 * time.Nanosecond}
	}
	return traits{}
}
