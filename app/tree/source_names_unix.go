//go:build unix && !linux

package tree

import "syscall"

const (
	nonblock   = syscall.O_NONBLOCK
	separators = "/"
)
