//go:build unix

package tree_test

import (
	"os"
	"syscall"
)

// allocated returns how many bytes f has on the disk.
func allocated(f *os.File) int64 {
	fi, err := f.Stat()
	if err != nil {
		return 0
	}
	return fi.Sys().(*syscall.Stat_t).Blocks * 512
}
