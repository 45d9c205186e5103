package tree

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock takes f for this open file alone until it is closed; errLocked when
// another has it. What is locked is a byte that no file has, since locks on
// Windows keep others from reading.
func lock(f *os.File) error {
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return os.NewSyscallError("LockFileEx", err)
}
