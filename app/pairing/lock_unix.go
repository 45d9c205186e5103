//go:build unix && !solaris && !illumos && !aix

package pairing

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lock keeps other processes out until unlock. It waits for who is in: they only
// rewrite a small file.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("pairing: lock: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("pairing: lock %s: %w", name, err)
	}
	return func() { f.Close() }, nil
}
