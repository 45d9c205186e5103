//go:build !linux

package capture

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// Live is a Source of frames as they pass an interface: on Linux alone.
type Live struct{}

// OpenLive fails: only Linux has packet sockets.
func OpenLive(context.Context, LiveConfig) (*Live, error) {
	return nil, fmt.Errorf("no live capture on %s, only on Linux: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Next fails.
func (*Live) Next() (*Record, error) { return nil, errors.ErrUnsupported }

// Link returns 0.
func (*Live) Link() LinkType { return 0 }

// Stats returns zeroes.
func (*Live) Stats() LiveStats { return LiveStats{} }

// Close does nothing.
func (*Live) Close() error { return nil }
