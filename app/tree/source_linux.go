package tree

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	nonblock   = unix.O_NONBLOCK
	separators = "/"
)

// kernelPlace is a file or folder that was named on a command line. What is in
// the folder is opened from the folder's descriptor, through no link.
type kernelPlace struct {
	path   string // as it was given
	folder bool
	hold   bool        // keep the descriptor
	plain  atomic.Bool // this kernel has no openat2

	mu  sync.Mutex
	dir *os.File // O_PATH, once it was needed
}

func newPlace(path string, folder, hold bool) place {
	return &kernelPlace{path: path, folder: folder, hold: hold}
}

// anchor returns the folder's descriptor, which done lets go of.
func (p *kernelPlace) anchor() (fd int, held bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dir != nil {
		return int(p.dir.Fd()), true, nil
	}
	fd, err = retry(func() (int, error) { // a slash at the end follows a link all the same
		return unix.Open(p.path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err == nil && p.hold {
		p.dir = os.NewFile(uintptr(fd), p.path)
	}
	return fd, p.hold, err
}

func (p *kernelPlace) done(fd int, held bool) {
	if !held {
		unix.Close(fd)
	}
	runtime.KeepAlive(p)
}

func (p *kernelPlace) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dir == nil {
		return nil
	}
	err := p.dir.Close()
	p.dir = nil
	return err
}

// descriptor opens what is at rel from the place.
func (p *kernelPlace) descriptor(rel string, flags int) (int, error) {
	fd, err := p.try(rel, flags)
	if err == unix.EAGAIN && flags&unix.O_NONBLOCK != 0 {
		return p.wait(rel)
	}
	return fd, err
}

func (p *kernelPlace) try(rel string, flags int) (int, error) {
	if !p.folder {
		return retry(func() (int, error) {
			return unix.Open(p.path, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		})
	}
	dir, held, err := p.anchor()
	if err != nil {
		return -1, err
	}
	fd, err := openBeneath(dir, rel, flags, &p.plain)
	p.done(dir, held)
	return fd, err
}

// wait opens a regular file whose lease somebody holds, as file servers do
// (fcntl(2), F_SETLEASE): the kernel asks for it back, and that takes a moment.
func (p *kernelPlace) wait(rel string) (int, error) {
	at, err := p.try(rel, unix.O_PATH)
	if err != nil {
		return -1, err
	}
	defer unix.Close(at)
	var st unix.Stat_t
	if err := unix.Fstat(at, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return -1, cmp.Or(err, error(ErrChanged))
	}
	return retry(func() (int, error) {
		return unix.Open("/proc/self/fd/"+strconv.Itoa(at), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	})
}

func (p *kernelPlace) open(rel string, e Entry) (SourceFile, error) {
	fd, err := p.descriptor(rel, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, openError("open", e.Path, err)
	}
	if err := checkFD(fd, &e); err != nil {
		unix.Close(fd)
		return nil, &fs.PathError{Op: "open", Path: e.Path, Err: err}
	}
	unix.FcntlInt(uintptr(fd), unix.F_SETFL, 0) // a plain file from here on, not one to poll
	return &kernelFile{os.NewFile(uintptr(fd), e.Path), e}, nil
}

func (p *kernelPlace) readSmall(rel string, e Entry, buf []byte) (int, error) {
	fd, err := p.descriptor(rel, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return 0, openError("read", e.Path, err)
	}
	n, err := readFD(fd, &e, buf)
	// Looked at last, it speaks for all that was read.
	if now := checkFD(fd, &e); err == nil || now == ErrChanged {
		err = now
	}
	unix.Close(fd)
	if err != nil {
		return 0, &fs.PathError{Op: "read", Path: e.Path, Err: err}
	}
	return n, nil
}

// readFD reads as much as e says, or all there is if it does not.
func readFD(fd int, e *Entry, buf []byte) (n int, err error) {
	if e.Size >= 0 {
		buf = buf[:e.Size]
	}
	for n < len(buf) {
		r, err := retry(func() (int, error) { return unix.Read(fd, buf[n:]) })
		switch {
		case err != nil:
			return n, err
		case r == 0 && e.Size >= 0:
			return n, ErrChanged
		case r == 0:
			return n, nil
		}
		n += r
	}
	if e.Size >= 0 {
		return n, nil
	}
	return n, atEnd(fd)
}

// atEnd reports io.ErrShortBuffer when there is more to be read.
func atEnd(fd int) error {
	var one [1]byte
	r, err := retry(func() (int, error) { return unix.Read(fd, one[:]) })
	if err == nil && r > 0 {
		err = io.ErrShortBuffer
	}
	return err
}

// checkFD returns ErrChanged when the open file is not e.
func checkFD(fd int, e *Entry) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return ErrChanged
	}
	if e.Size < 0 {
		return nil
	}
	sec, nsec := st.Mtim.Unix()
	if st.Size != e.Size || sec != e.ModTime.Unix() || nsec != int64(e.ModTime.Nanosecond()) {
		return ErrChanged
	}
	return nil
}

// openError says in our words what the kernel says of a file that is none now.
func openError(op, path string, err error) error {
	for _, e := range []error{unix.ELOOP, unix.ENOTDIR, unix.ENXIO, unix.EXDEV} {
		if errors.Is(err, e) {
			err = ErrChanged
		}
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}
