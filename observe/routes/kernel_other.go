//go:build !linux

package routes

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
)

func ask(netip.Addr, []Interface) (hop, error) { return hop{}, unsupported() }

func neighbors() ([]Neighbor, error) { return nil, unsupported() }

// unsupported is the answer of systems whose tables nobody has taught us to read.
func unsupported() error {
	return fmt.Errorf("not available on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
