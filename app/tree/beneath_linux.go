package tree

import (
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxPiece is the longest path that one call is given: below PATH_MAX.
const maxPiece = 4000

// openBeneath opens rel, of any length, from the folder dir, through no symbolic
// link and to no place outside. It remembers in plain that there is no openat2(2)
// (before Linux 5.6, or forbidden by a sandbox).
func openBeneath(dir int, rel string, flags int, plain *atomic.Bool) (int, error) {
	var buf [512]byte
	at := dir
	for {
		piece, rest := rel, ""
		if cut := strings.LastIndexByte(rel[:min(len(rel), maxPiece)], '/'); len(rel) > maxPiece && cut > 0 {
			piece, rest = rel[:cut], rel[cut+1:]
		}
		f := flags
		if rest != "" {
			f = unix.O_PATH | unix.O_DIRECTORY
		}
		fd, err := openPiece(at, piece, f, &buf, plain)
		if at != dir {
			unix.Close(at)
		}
		if err != nil || rest == "" {
			return fd, err
		}
		at, rel = fd, rest
	}
}

// openPiece opens a path that is short enough, without an allocation if it is
// very short.
func openPiece(at int, path string, flags int, buf *[512]byte, plain *atomic.Bool) (int, error) {
	if strings.IndexByte(path, 0) >= 0 {
		return -1, unix.EINVAL
	}
	name := buf[:]
	if len(path) >= len(buf) {
		name = make([]byte, len(path)+1)
	}
	name[copy(name, path)] = 0
	if !plain.Load() {
		fd, err := openat2(at, &name[0], flags)
		if err != unix.ENOSYS && err != unix.EPERM {
			return fd, err
		}
		if fd, err = openByName(at, path, flags); err == nil {
			plain.Store(true)
		}
		return fd, err
	}
	return openByName(at, path, flags)
}

func openat2(at int, path *byte, flags int) (int, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_BENEATH,
	}
	for try := 0; ; {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT2, uintptr(at), uintptr(unsafe.Pointer(path)),
			uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
		switch errno {
		case 0:
			return int(fd), nil
		case unix.EINTR:
			continue
		case unix.EAGAIN: // openat2(2): a rename elsewhere may have come in between
			if try++; try < 16 {
				continue
			}
		}
		return -1, errno
	}
}

// openByName opens path one name after the other.
func openByName(at int, path string, flags int) (int, error) {
	dir := at
	for {
		name, rest, more := strings.Cut(path, "/")
		if name == "" || name == "." || name == ".." {
			return -1, unix.EXDEV
		}
		f := flags
		if more {
			f = unix.O_PATH | unix.O_DIRECTORY
		}
		fd, err := retry(func() (int, error) {
			return unix.Openat(dir, name, f|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		})
		if dir != at {
			unix.Close(dir)
		}
		if err != nil || !more {
			return fd, err
		}
		dir, path = fd, rest
	}
}
