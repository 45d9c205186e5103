package tree

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// unnamedFile is made by O_TMPFILE: a file that vanishes with its last
// descriptor, so that a crash leaves nothing and nobody else can open it.
type unnamedFile struct {
	fd     int
	shared *linuxShared
}

func (h *linuxHandle) whole(e *Entry, p []byte, plainModes bool, r reporter) (unnamed, error) {
	mode := plainMode(e, r)
	born := mode
	if len(e.XAttrs) > 0 {
		born |= 0o200 // without it the owner may not set any
	}
	fd, err := retry(func() (int, error) {
		return unix.Openat(h.fd, ".", unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, uint32(born))
	})
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return nil, errors.ErrUnsupported
	case err != nil:
		return nil, os.NewSyscallError("openat", err)
	}
	for len(p) > 0 {
		n, err := retry(func() (int, error) { return unix.Write(fd, p) })
		if err != nil {
			unix.Close(fd)
			return nil, os.NewSyscallError("write", err)
		}
		p = p[n:]
	}
	exact := plainModes && born == mode && mode&h.shared.umask == 0
	keepFD(fd, e, mode, !exact, r)
	return &unnamedFile{fd, h.shared}, nil
}

// publish gives the file its name. By its descriptor this needs Linux 6.10 or a
// privilege, by /proc anything else.
func (u *unnamedFile) publish(to handle, name string) error {
	dir := to.(*linuxHandle).fd
	if !u.shared.viaProc.Load() {
		err := unix.Linkat(u.fd, "", dir, name, unix.AT_EMPTY_PATH)
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EPERM) {
			return err
		}
	}
	err := unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(u.fd), dir, name, unix.AT_SYMLINK_FOLLOW)
	if err == nil {
		u.shared.viaProc.Store(true)
	}
	return err
}

func (u *unnamedFile) stat() (stat, error) { return fstat(u.fd) }
func (u *unnamedFile) sync() error         { return unix.Fsync(u.fd) }
func (u *unnamedFile) close() error        { return unix.Close(u.fd) }
