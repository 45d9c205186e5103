//go:build !linux

package tap

import (
	"errors"
	"fmt"

	"dialtone/link"
)

// Device is an open TAP device; there is none on this system.
type Device struct{}

// Open fails: TAP devices are Linux's.
func Open(c Config) (*Device, error) {
	return nil, fmt.Errorf("open TAP device %s: %w", c.Name, errors.ErrUnsupported)
}

// Name returns the name of the kernel's interface.
func (d *Device) Name() string { return "" }

// MTU implements [link.Port].
func (d *Device) MTU() int { return 0 }

// FillsChecksums implements [link.ChecksumFiller].
func (d *Device) FillsChecksums() bool { return false }

// Counts returns what the device has done until now.
func (d *Device) Counts() Counts { return Counts{} }

// Close closes the device.
func (d *Device) Close() error { return nil }

// Attach implements [link.Port].
func (d *Device) Attach(func([]*link.Frame)) {}

// Send implements [link.Port].
func (d *Device) Send([]*link.Frame) {}
