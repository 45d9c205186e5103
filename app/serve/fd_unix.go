//go:build unix && !linux

package serve

import (
	"net"

	"golang.org/x/sys/unix"
)

const (
	canReadFD = true
	errAgain  = unix.EAGAIN
)

type header struct{}

// readFD is read(2), started again when a signal interrupts it.
func readFD(fd uintptr, b *buffers) (n int, drained bool, err error) {
	for {
		n, err := unix.Read(int(fd), b.in[:])
		if err != unix.EINTR {
			return n, false, err
		}
	}
}

// writeFD leaves the writing to package net.
func writeFD(uintptr, []byte) (int, error) { return 0, nil }

func askForRest(net.Listener) {}
