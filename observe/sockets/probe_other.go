//go:build !linux

package sockets

import "errors"

func openProbed(*Socket) (Probe, error) { return nil, errors.ErrUnsupported }
