//go:build !linux

package sockets

import (
	"errors"
	"fmt"
	"runtime"
)

// Table reads the sockets of a network namespace.
type Table struct{}

// Open answers that this system has no table that we can read.
func Open(Config) (*Table, error) {
	return nil, fmt.Errorf("not available on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Close does nothing.
func (*Table) Close() error { return nil }

// Read returns nothing.
func (*Table) Read(Query) ([]*Socket, error) { return nil, errors.ErrUnsupported }
