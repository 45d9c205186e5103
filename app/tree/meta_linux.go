package tree

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func (h *linuxHandle) touch(name string, mtime time.Time) error {
	ts := twice(mtime)
	return unix.UtimesNanoAt(h.fd, name, ts[:], unix.AT_SYMLINK_NOFOLLOW)
}

func twice(t time.Time) [2]unix.Timespec {
	ts := unix.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
	return [2]unix.Timespec{ts, ts}
}

// futimens sets the times of an open file: utimensat(2) without a path.
func futimens(fd int, t time.Time) error {
	ts := twice(t)
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func (h *linuxHandle) keep(f *os.File, _ string, e *Entry, r reporter) error {
	keepFD(int(f.Fd()), e, plainMode(e, r), true, r)
	return nil
}

func (h *linuxHandle) keepSelf(e *Entry, r reporter) error {
	keepFD(h.fd, e, plainMode(e, r), true, r)
	return nil
}

// keepFD sets extended attributes, mode and times, in this order: the first two
// need or touch what follows them.
func keepFD(fd int, e *Entry, mode fs.FileMode, chmod bool, r reporter) {
	for _, x := range e.XAttrs {
		if err := setXAttr(fd, x); err != nil {
			r.lost(fmt.Sprintf("its extended attribute %q: %v", x.Name, err))
		}
	}
	if chmod {
		if err := unix.Fchmod(fd, systemMode(mode)); err != nil {
			r.lost(fmt.Sprintf("its mode: %v", err))
		}
	}
	if e.ModTime.IsZero() { // not known
		return
	}
	if err := futimens(fd, e.ModTime); err != nil {
		r.lost(fmt.Sprintf("its time: %v", err))
	}
}

// setXAttr sets what an owner may say of a file. Attributes that the system
// itself obeys (security, trusted) are not taken from another machine.
func setXAttr(fd int, x XAttr) error {
	switch {
	case strings.HasPrefix(x.Name, "user."), strings.HasPrefix(x.Name, "system.posix_acl_"):
		return unix.Fsetxattr(fd, x.Name, x.Value, 0)
	}
	return errNotTaken
}

func systemMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	if m&fs.ModeSetgid != 0 {
		mode |= unix.S_ISGID
	}
	if m&fs.ModeSticky != 0 {
		mode |= unix.S_ISVTX
	}
	return mode
}

func (h *linuxHandle) chmod(mode fs.FileMode) error { return unix.Fchmod(h.fd, systemMode(mode)) }

// processUmask reads the umask without changing it, which would be seen by every
// thread; a mask of everything when it cannot, so that modes are always set.
func processUmask() fs.FileMode {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return fs.ModePerm
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "Umask:"); ok {
			if mask, err := strconv.ParseUint(strings.TrimSpace(text), 8, 12); err == nil {
				return fs.FileMode(mask) & fs.ModePerm
			}
		}
	}
	return fs.ModePerm
}
