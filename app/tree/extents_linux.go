package tree

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// extent returns where the first data at or after off begins and ends (lseek(2),
// SEEK_DATA and SEEK_HOLE). A file system that does not know says that all is.
func extent(f *os.File, off int64) (start, end int64, err error) {
	start, err = seek(f, off, unix.SEEK_DATA)
	switch err {
	case nil:
	case unix.ENXIO:
		return 0, 0, io.EOF
	case unix.EINVAL: // not known here
		return off, 1<<63 - 1, nil
	default:
		return 0, 0, &os.PathError{Op: "seek", Path: f.Name(), Err: err}
	}
	if end, err = seek(f, start, unix.SEEK_HOLE); err != nil {
		return start, 1<<63 - 1, nil // it shrank: reading will tell
	}
	return start, end, nil
}

// seek does not go through f.Seek, which would take the lock that reads wait for.
func seek(f *os.File, off int64, whence int) (to int64, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	if failed := raw.Control(func(fd uintptr) { to, err = unix.Seek(int(fd), off, whence) }); failed != nil {
		return 0, failed
	}
	return to, err
}
