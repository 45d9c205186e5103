package tree

import "golang.org/x/sys/unix"

// retry repeats a system call that a signal interrupted, as network file systems
// let happen.
func retry[T any](call func() (T, error)) (T, error) {
	for {
		if v, err := call(); err != unix.EINTR {
			return v, err
		}
	}
}
