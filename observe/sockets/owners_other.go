//go:build !linux

package sockets

import (
	"errors"
	"fmt"
	"runtime"
)

func owners(string, uint16) ([]Socket, error) { return nil, unsupported() }

// unsupported is the answer of systems whose tables nobody has taught us to read.
func unsupported() error {
	return fmt.Errorf("not available on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
