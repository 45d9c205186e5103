package tree

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelLevel is an open folder.
type kernelLevel struct {
	place   *kernelPlace
	fd      int // -1: parked, or closed
	id      fileID
	unsized bool // its files' sizes mean nothing
}

func (p *kernelPlace) enter() (level, status, error) {
	dir, held, err := p.anchor()
	if err != nil {
		return nil, status{}, openError("open", p.path, err)
	}
	fd, err := openFolder(dir, ".")
	p.done(dir, held)
	if err != nil {
		return nil, status{}, openError("open", p.path, err)
	}
	return newLevel(p, fd, nil)
}

func (l *kernelLevel) enter(name []byte) (level, status, error) {
	fd, err := openFolder(l.fd, unsafeString(name))
	if err != nil {
		return nil, status{}, openError("open", string(name), err)
	}
	return newLevel(l.place, fd, l)
}

func openFolder(at int, name string) (int, error) {
	return retry(func() (int, error) {
		return unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
}

// newLevel takes fd.
func newLevel(p *kernelPlace, fd int, parent *kernelLevel) (level, status, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, status{}, err
	}
	l := &kernelLevel{place: p, fd: fd, id: fileID{uint64(st.Dev), st.Ino}}
	if parent != nil && parent.id.dev == l.id.dev {
		l.unsized = parent.unsized
	} else {
		l.unsized = unsized(fd)
	}
	return l, statusOf(&st), nil
}

func (l *kernelLevel) close() { l.park() }

func (l *kernelLevel) park() {
	if l.fd >= 0 {
		unix.Close(l.fd)
		l.fd = -1
	}
}

// resume opens a folder again, from a sub-folder of it if that is still where it
// was. It must be the same folder, or names would be looked up in another.
func (l *kernelLevel) resume(child level, rel string) error {
	if l.fd >= 0 {
		return nil
	}
	if c := child.(*kernelLevel); c.fd >= 0 {
		if fd, err := openFolder(c.fd, ".."); err == nil && l.take(fd) {
			return nil
		}
	}
	dir, held, err := l.place.anchor()
	if err != nil {
		return err
	}
	defer l.place.done(dir, held)
	fd := -1
	if rel == "" {
		fd, err = openFolder(dir, ".")
	} else {
		fd, err = openBeneath(dir, rel, unix.O_RDONLY|unix.O_DIRECTORY, &l.place.plain)
	}
	if err == nil && !l.take(fd) {
		err = errMoved
	}
	return err
}

// take makes fd the level's, if it is the same folder.
func (l *kernelLevel) take(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || l.id != (fileID{uint64(st.Dev), st.Ino}) {
		unix.Close(fd)
		return false
	}
	l.fd = fd
	return true
}

func (l *kernelLevel) rewind() error {
	_, err := unix.Seek(l.fd, 0, io.SeekStart)
	return err
}

func (l *kernelLevel) lstat(name []byte) (status, error) {
	var st unix.Stat_t
	err := unix.Fstatat(l.fd, unsafeString(name), &st, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT)
	if err != nil {
		return status{}, err
	}
	s := statusOf(&st)
	if l.unsized {
		s.size, s.holes = -1, false
	}
	return s, nil
}

// status is of the argument itself; its folder may be reached through links.
func (p *kernelPlace) status() (status, error) {
	var st unix.Stat_t
	if err := unix.Lstat(p.path, &st); err != nil {
		return status{}, err
	}
	s := statusOf(&st)
	if fd, err := unix.Open(p.path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); err == nil {
		if unsized(fd) {
			s.size, s.holes = -1, false
		}
		unix.Close(fd)
	}
	return s, nil
}

func statusOf(st *unix.Stat_t) status {
	return status{
		mode:    modeOf(uint32(st.Mode)),
		modTime: time.Unix(st.Mtim.Unix()),
		size:    st.Size,
		// A page at least: what is less is how file systems round, or store tiny files.
		holes: st.Blocks*512+4096 <= st.Size,
		id:    fileID{uint64(st.Dev), st.Ino},
		links: uint64(st.Nlink),
	}
}

func modeOf(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	for _, b := range [...]struct {
		bit  uint32
		mode fs.FileMode
	}{{unix.S_ISUID, fs.ModeSetuid}, {unix.S_ISGID, fs.ModeSetgid}, {unix.S_ISVTX, fs.ModeSticky}} {
		if m&b.bit != 0 {
			mode |= b.mode
		}
	}
	return mode | typeOf(uint8(m&unix.S_IFMT>>12))
}

// typeOf takes a DT_ constant, which is what a mode has in its upper bits.
func typeOf(dt uint8) fs.FileMode {
	switch dt {
	case unix.DT_REG:
		return 0
	case unix.DT_DIR:
		return fs.ModeDir
	case unix.DT_LNK:
		return fs.ModeSymlink
	case unix.DT_FIFO:
		return fs.ModeNamedPipe
	case unix.DT_SOCK:
		return fs.ModeSocket
	case unix.DT_BLK:
		return fs.ModeDevice
	case unix.DT_CHR:
		return fs.ModeDevice | fs.ModeCharDevice
	}
	return unknown
}

// unsized reports whether fd is on a file system whose files are made while they
// are read, so that their size is said to be 0 or a page.
func unsized(fd int) bool {
	var st unix.Statfs_t
	if unix.Fstatfs(fd, &st) != nil {
		return false
	}
	switch uint32(st.Type) {
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC,
		unix.SECURITYFS_MAGIC, unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC:
		return true
	}
	return false
}

// direntBytes is for one getdents(2): some 1,000 names.
const direntBytes = 32 << 10

func (l *kernelLevel) read(into *names, n int) error {
	if into.raw == nil {
		into.raw = make([]byte, direntBytes)
	}
	for len(into.list) < n {
		got, err := retry(func() (int, error) { return unix.Getdents(l.fd, into.raw) })
		if err != nil {
			return os.NewSyscallError("getdents", err)
		}
		if got <= 0 {
			return io.EOF
		}
		parseDirents(into.raw[:got], into)
	}
	return nil
}

// parseDirents takes the names from what getdents64(2) wrote.
func parseDirents(b []byte, into *names) {
	const (
		offLen  = unsafe.Offsetof(unix.Dirent{}.Reclen)
		offType = unsafe.Offsetof(unix.Dirent{}.Type)
		offName = unsafe.Offsetof(unix.Dirent{}.Name)
	)
	for len(b) > int(offName) {
		size := int(*(*uint16)(unsafe.Pointer(&b[offLen])))
		if size <= int(offName) || size > len(b) {
			return
		}
		name := b[offName:size]
		if i := bytes.IndexByte(name, 0); i >= 0 {
			name = name[:i]
		}
		if s := unsafeString(name); s != "." && s != ".." && s != "" {
			into.add(name, typeOf(b[offType]))
		}
		b = b[size:]
	}
}

func (l *kernelLevel) readlink(name []byte) (string, error) {
	return readlink(func(buf []byte) (int, error) { return unix.Readlinkat(l.fd, unsafeString(name), buf) })
}

func (p *kernelPlace) readlink([]byte) (string, error) {
	return readlink(func(buf []byte) (int, error) { return unix.Readlink(p.path, buf) })
}

// readlink is the text of a link, which is shorter than PATH_MAX.
func readlink(call func([]byte) (int, error)) (string, error) {
	var buf [4096]byte
	n, err := call(buf[:])
	if err == unix.EINVAL {
		err = ErrChanged // no link any more
	}
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// unsafeString is name for the duration of a call.
func unsafeString(name []byte) string { return unsafe.String(unsafe.SliceData(name), len(name)) }
