package connect

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// Error says which step of a conversation failed, with whom, and why.
type Error struct {
	Op      string // "connect to", "send to", "receive from", "read the input", "write the output"
	Address string // the server's; empty for input and output
	Err     error
}

func (e *Error) Error() string {
	if e.Address == "" {
		return fmt.Sprintf("%s: %v", e.Op, cause(e.Err))
	}
	return fmt.Sprintf("%s %s: %v", e.Op, e.Address, cause(e.Err))
}

// Unwrap returns the whole chain: errors.Is(err, syscall.ECONNRESET) holds for a reset.
func (e *Error) Unwrap() error { return e.Err }

// cause leaves out what package net repeats: operation, addresses and system call.
func cause(err error) error {
	var op *net.OpError
	var call *os.SyscallError
	switch {
	case isType(err, &op):
		return cause(op.Err)
	case isType(err, &call):
		return call.Err
	}
	return err
}

// isType is errors.As without unwrapping: an error that says more stays whole.
func isType[T error](err error, target *T) bool {
	e, ok := err.(T)
	if ok {
		*target = e
	}
	return ok
}

// ErrCut is the end of a connection over TLS or a WebSocket without the
// protocol's own goodbye: anybody on the way could have ended it.
var ErrCut = errors.New("the connection was cut before the server ended the conversation: what arrived may not be all")

// noAnswer is the cause of a Dial that took too long.
type noAnswer time.Duration

func (n noAnswer) Error() string { return fmt.Sprintf("no answer within %v", time.Duration(n)) }

// Is makes it what package net reports for a passed deadline.
func (n noAnswer) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// gone reports whether err of a write or a half-close only says that the server has closed,
// which the reader learns better.
func gone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ENOTCONN) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)
}
