package transfer

import (
	"errors"
	"fmt"
	"io"
	"net"
)

// lost says what the end of a connection before that of the transfer means.
// Other errors stay as they are.
func lost(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &lineError{"the other end closed the connection in the middle of the transfer", io.ErrUnexpectedEOF}
	case !errors.As(err, &op):
		return err
	case op.Timeout():
		return &lineError{"the other end has fallen silent", op.Err}
	}
	return &lineError{"the connection to the other end broke", op.Err}
}

// lineError is a connection that ended before the transfer did.
type lineError struct {
	what string
	err  error
}

func (e *lineError) Error() string { return e.what + ": " + e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// meetPeer checks the hello of a peer that is to have the given role.
func meetPeer(f frameIn, want role) error {
	if f.kind == frameAbort {
		return peerAborted(f.head)
	}
	if f.kind != frameHello {
		return broken("a frame of type %d instead of a hello", f.kind)
	}
	h, err := parseHello(f.head)
	if err != nil {
		return err
	}
	if h.role != want {
		return fmt.Errorf("both ends want to %v", h.role)
	}
	return nil
}

// PeerError is why the other end stopped.
type PeerError struct {
	Interrupted bool   // its user stopped it
	Refused     bool   // it does not want the transfer
	Reason      string // its words; untrusted
}

func (e *PeerError) Error() string {
	switch {
	case e.Interrupted:
		return "the other end was stopped by its user"
	case e.Refused:
		return "the other end refuses: " + e.Reason
	}
	return "the other end failed: " + e.Reason
}

func peerAborted(head []byte) error {
	a, err := parseAbort(head)
	if err != nil {
		return err
	}
	return &PeerError{a.code == abortInterrupted, a.code == abortRefused, a.reason}
}
