//go:build !linux

package conversation

import "errors"

// NewKernel makes an end of the Linux kernel's, of which there is none here.
func NewKernel(*Script) (End, error) { return nil, errors.ErrUnsupported }
