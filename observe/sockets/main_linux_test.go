package sockets

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestMain lets one process of these tests run at a time, with its children: the source
// Tracepoint shows the connections of all namespaces, and another process has the same.
func TestMain(m *testing.M) {
	const held = "DIALTONE_TEST_SOCKETS_LOCK"
	if os.Getenv(held) == "" {
		path := filepath.Join(os.TempDir(), "dialtone-sockets-test.lock")
		if fd, err := unix.Open(path, unix.O_CREAT|unix.O_RDWR|unix.O_CLOEXEC, 0o666); err == nil {
			_ = unix.Flock(fd, unix.LOCK_EX) // until the process ends
			os.Setenv(held, "1")
		}
	}
	goleak.VerifyTestMain(m)
}
