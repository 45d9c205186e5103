package tree

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
)

// fsPlace is a file or folder of an fs.FS.
type fsPlace struct {
	fsys fs.FS
	base string // its name in fsys
	bare bool   // fsys may know no permissions
}

func (p *fsPlace) close() error { return nil }

func (p *fsPlace) join(rel string) string { return path.Join(p.base, rel) }

func (p *fsPlace) statusOf(info fs.FileInfo) status {
	s := status{mode: info.Mode(), modTime: info.ModTime(), size: info.Size()}
	switch {
	case !p.bare || s.mode.Perm() != 0:
	case s.mode.IsDir():
		s.mode |= 0o755
	default:
		s.mode |= 0o644
	}
	addSystem(&s, info)
	return s
}

func (p *fsPlace) lstat(name string) (status, error) {
	info, err := fs.Lstat(p.fsys, name)
	if err != nil {
		return status{}, err
	}
	return p.statusOf(info), nil
}

func (p *fsPlace) status() (status, error)         { return p.lstat(p.base) }
func (p *fsPlace) readlink([]byte) (string, error) { return fs.ReadLink(p.fsys, p.base) }
func (p *fsPlace) xattrs([]byte) ([]XAttr, error)  { return nil, nil }
func (p *fsPlace) enter() (level, status, error)   { return p.folder(p.base) }

func (p *fsPlace) folder(name string) (level, status, error) {
	l := &fsLevel{place: p, name: name}
	if err := l.rewind(); err != nil {
		return nil, status{}, err
	}
	info, err := l.dir.Stat()
	if err != nil {
		l.close()
		return nil, status{}, err
	}
	return l, p.statusOf(info), nil
}

// fsLevel is a folder of an fs.FS.
type fsLevel struct {
	place *fsPlace
	name  string
	dir   fs.ReadDirFile // nil: parked, or closed
}

func (l *fsLevel) rewind() error {
	l.close()
	f, err := l.place.fsys.Open(l.name)
	if err != nil {
		return err
	}
	var ok bool
	if l.dir, ok = f.(fs.ReadDirFile); !ok {
		f.Close()
		return &fs.PathError{Op: "readdir", Path: l.name, Err: errors.ErrUnsupported}
	}
	return nil
}

func (l *fsLevel) close() {
	if l.dir != nil {
		l.dir.Close()
		l.dir = nil
	}
}

// park lets the folder be open: an fs.FS cannot open it again where it was read
// to. All but a few have been read to their end.
func (l *fsLevel) park()                      {}
func (l *fsLevel) resume(level, string) error { return nil }

func (l *fsLevel) read(into *names, n int) error {
	if l.dir == nil {
		return io.EOF
	}
	list, err := l.dir.ReadDir(n)
	for _, d := range list {
		into.add([]byte(d.Name()), d.Type())
	}
	if err != nil {
		l.close()
	}
	return err
}

func (l *fsLevel) join(name []byte) string { return path.Join(l.name, string(name)) }

func (l *fsLevel) lstat(name []byte) (status, error) { return l.place.lstat(l.join(name)) }
func (l *fsLevel) readlink(name []byte) (string, error) {
	return fs.ReadLink(l.place.fsys, l.join(name))
}
func (l *fsLevel) xattrs([]byte) ([]XAttr, error) { return nil, nil }

func (l *fsLevel) enter(name []byte) (level, status, error) {
	return l.place.folder(l.join(name))
}

func (p *fsPlace) open(rel string, e Entry) (SourceFile, error) {
	f, err := p.checked(rel, &e)
	switch file := f.(type) {
	case nil:
		return nil, fsError("open", e.Path, err)
	case *os.File:
		return &kernelFile{file, e}, nil
	}
	at, _ := f.(io.ReaderAt)
	again := func() (fs.File, error) { return p.checked(rel, &e) }
	return &fsFile{e: e, again: again, at: at, f: f}, nil
}

// checked opens a file that is what e says.
func (p *fsPlace) checked(rel string, e *Entry) (fs.File, error) {
	name := p.join(rel)
	f, err := p.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = checkInfo(info, e)
	}
	if links, ok := p.fsys.(fs.ReadLinkFS); ok && err == nil {
		if now, failed := links.Lstat(name); failed == nil && !now.Mode().IsRegular() {
			err = ErrChanged // a link in its place, and f what it leads to
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (p *fsPlace) readSmall(rel string, e Entry, buf []byte) (n int, err error) {
	f, err := p.open(rel, e)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if e.Size >= 0 {
		buf = buf[:e.Size]
	}
	if n, err = f.ReadAt(buf, 0); n < len(buf) && err != io.EOF {
		return 0, fsError("read", e.Path, err)
	}
	if e.Size < 0 && n == len(buf) {
		var one [1]byte
		if m, _ := f.ReadAt(one[:], int64(n)); m > 0 {
			return 0, fsError("read", e.Path, io.ErrShortBuffer)
		}
	}
	return n, f.Changed()
}

func fsError(op, path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// fsFile is a SourceFile of an fs.FS that is no file of the kernel. Where it
// cannot be read anywhere, it is read from the front again.
type fsFile struct {
	e     Entry
	again func() (fs.File, error)
	at    io.ReaderAt // f, if it is one

	mu  sync.Mutex
	f   fs.File
	pos int64
}

func (f *fsFile) File() *os.File { return nil }

func (f *fsFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.f.Close()
}

func (f *fsFile) Data(off int64) (start, end int64, err error) {
	if f.e.Size >= 0 && off >= f.e.Size {
		return 0, 0, io.EOF
	}
	return off, dataEnd(&f.e), nil
}

func (f *fsFile) Changed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := f.f.Stat()
	if err == nil {
		err = checkInfo(info, &f.e)
	}
	if err != nil {
		return fsError("read", f.e.Path, err)
	}
	return nil
}

func (f *fsFile) ReadAt(p []byte, off int64) (n int, err error) {
	if f.at != nil {
		n, err = f.at.ReadAt(p, off)
	} else {
		n, err = f.readFrom(p, off)
	}
	switch {
	case err == io.EOF && off+int64(n) < f.e.Size:
		err = fsError("read", f.e.Path, ErrChanged)
	case err != nil && err != io.EOF:
		err = fsError("read", f.e.Path, err)
	}
	return n, err
}

// readFrom goes to off, and reads all of p.
func (f *fsFile) readFrom(p []byte, off int64) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.seek(off); err != nil {
		return 0, err
	}
	n, err = io.ReadFull(f.f, p)
	f.pos += int64(n)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

func (f *fsFile) seek(off int64) error {
	if s, ok := f.f.(io.Seeker); ok && f.pos != off {
		pos, err := s.Seek(off, io.SeekStart)
		if err == nil {
			f.pos = pos
		}
		return err
	}
	if off < f.pos {
		fresh, err := f.again()
		if err != nil {
			return err
		}
		f.f.Close()
		f.f, f.pos = fresh, 0
	}
	n, err := io.CopyN(io.Discard, f.f, off-f.pos)
	f.pos += n
	return err
}
