//go:build unix

package serve

import "golang.org/x/sys/unix"

const (
	canReadFD = true
	errAgain  = unix.EAGAIN
)

// readFD is read(2), started again when a signal interrupts it.
func readFD(fd uintptr, p []byte) (int, error) {
	for {
		n, err := unix.Read(int(fd), p)
		if err != unix.EINTR {
			return n, err
		}
	}
}
