//go:build unix

package tree

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const openNonblock = syscall.O_NONBLOCK

// statSystem adds what only the system's own structure says.
func statSystem(fi fs.FileInfo, s *stat) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		s.dev, s.ino, s.links = uint64(st.Dev), uint64(st.Ino), uint64(st.Nlink)
		s.foreign = int(st.Uid) != os.Geteuid()
	}
}

func syncFolder(f *os.File) error {
	if err := f.Sync(); !errors.Is(err, syscall.EINVAL) { // some file systems do not sync folders
		return err
	}
	return nil
}
