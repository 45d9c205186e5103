package capture

import (
	"os"

	"golang.org/x/sys/unix"
)

// populate brings a part of a mapping in by one call instead of a fault for each few
// pages (Linux 5.14). It may fail: then the faults do it.
func populate(mapped []byte, from, to int) {
	from -= from % os.Getpagesize()
	if from < to {
		_ = unix.Madvise(mapped[from:to], unix.MADV_POPULATE_READ)
	}
}
