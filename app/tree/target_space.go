package tree

import (
	"fmt"
	"sync/atomic"
	"syscall"
)

const (
	defaultKeepFree = 64 << 20
	spaceStep       = 16 << 20 // bytes written between two looks at what is left
)

// space watches that enough of the file system stays free.
type space struct {
	keep  int64 // bytes; negative: no limit
	since atomic.Int64
}

func newSpace(keepFree int64) *space {
	if keepFree == 0 {
		keepFree = defaultKeepFree
	}
	s := &space{keep: keepFree}
	s.since.Store(spaceStep) // look at once
	return s
}

// take is told that n bytes are about to be written to h's file system. It looks
// whether they fit once in 16 MiB.
func (s *space) take(h handle, n int64) error {
	if s.keep < 0 || s.since.Add(n) < spaceStep {
		return nil
	}
	if err := s.fits(h, n); err != nil {
		return err // and the next looks again
	}
	s.since.Store(0)
	return nil
}

// fits returns an error that is syscall.ENOSPC when n more bytes would leave too
// little.
func (s *space) fits(h handle, n int64) error {
	if s.keep < 0 {
		return nil
	}
	free, err := h.free()
	if err != nil || n <= free-s.keep {
		return nil //nolint:nilerr // where it cannot be known, writing will tell
	}
	return fmt.Errorf("%d bytes do not fit: %d are free, of which %d are kept free: %w",
		n, max(free, 0), s.keep, syscall.ENOSPC)
}
