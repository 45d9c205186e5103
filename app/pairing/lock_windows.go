package pairing

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// lock keeps other processes out until unlock. It waits for who is in: they only
// rewrite a small file.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("pairing: lock: %w", err)
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("pairing: lock %s: %w", name, err)
	}
	return func() { f.Close() }, nil
}
