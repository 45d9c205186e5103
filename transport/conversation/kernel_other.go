//go:build !linux

package conversation

import "errors"

// NewKernel makes an end of the Linux kernel's, of which there is none here.
func NewKernel(*Script) (End, error) { return nil, errors.ErrUnsupported }

// Punctual lets this process go before others where there is a kernel to be in time for.
func Punctual() (undo func()) { return func() {} }
