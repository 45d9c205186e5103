//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package tree

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock takes f for this open file alone until it is closed; errLocked when
// another has it. On file systems without locks it does nothing.
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return errLocked
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOLCK):
		return nil
	}
	return os.NewSyscallError("flock", err)
}
