//go:build unix

package tree

import (
	"io/fs"
	"syscall"
)

// addSystem adds what only the kernel's own files tell.
func addSystem(s *status, info fs.FileInfo) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.id = fileID{uint64(st.Dev), uint64(st.Ino)}
		s.links = uint64(st.Nlink)
		s.holes = st.Blocks*512+4096 <= st.Size
	}
}
