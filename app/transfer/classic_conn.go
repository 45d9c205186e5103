package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// classicConn is a connection on which both ends speak in turns, without frames.
type classicConn struct {
	net.Conn
	ctx     context.Context // of the one transfer on this connection
	in      *bufio.Reader   // as long as the longest message
	timeout time.Duration   // of one silence; a year for never
	release func()
}

// newClassicConn takes c over until hangUp or abort; the end of ctx aborts it.
func newClassicConn(ctx context.Context, c net.Conn, timeout time.Duration) *classicConn {
	switch {
	case timeout == 0:
		timeout = classicTimeout
	case timeout < 0:
		timeout = 365 * 24 * time.Hour
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(done); classicReset(c) })
	release := func() {
		if !stop() {
			<-done
		}
	}
	return &classicConn{Conn: c, ctx: ctx, in: bufio.NewReaderSize(c, classicMessage), timeout: timeout, release: release}
}

// close ends the connection: with FIN if all went well, else with a reset.
func (c *classicConn) close(err error) {
	c.release()
	if err != nil {
		classicReset(c.Conn)
		return
	}
	c.Conn.Close()
}

// classicReset closes c so that its peer cannot take this for the end of the
// stream, where c's network can say so.
func classicReset(c net.Conn) {
	if l, ok := below[interface{ SetLinger(sec int) error }](c); ok {
		l.SetLinger(0) // an error: it is closed already
	}
	c.Close()
}

// below returns c or the first connection under it that can do T.
func below[T any](c net.Conn) (T, bool) {
	for {
		if can, ok := c.(T); ok {
			return can, true
		}
		n, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return *new(T), false
		}
		c = n.NetConn()
	}
}

// say writes all of p unless ctx is done, and bears with a peer that takes it slowly.
func (c *classicConn) say(p []byte) (n int, err error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	for n < len(p) {
		c.SetWriteDeadline(time.Now().Add(c.timeout))
		k, err := c.Write(p[n:])
		n += k
		if err != nil && (k == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return n, err
		}
	}
	return n, nil
}

// Read waits for at most the time-out.
func (c *classicConn) Read(p []byte) (int, error) {
	if c.in.Buffered() == 0 {
		c.SetReadDeadline(time.Now().Add(c.timeout))
	}
	return c.in.Read(p)
}

// await waits for the first byte of what comes next, at most for d.
func (c *classicConn) await(d time.Duration) error {
	c.SetReadDeadline(time.Now().Add(d))
	_, err := c.in.Peek(1)
	return err
}

// classicEnding is how a message came to its end.
type classicEnding int

const (
	endEnough classicEnding = iota // the caller has seen enough, or there is no room for more
	endQuiet                       // nothing more came for a while
	endStream                      // the peer has ended its side
)

// gather returns what has arrived as soon as it is enough, nothing more came
// for the time quiet, or the peer has ended its side after something. It takes
// nothing out of c.in: the caller does. The whole message must arrive within the
// time-out.
func (c *classicConn) gather(quiet time.Duration, enough func(p []byte) bool) ([]byte, classicEnding, error) {
	last := time.Now().Add(c.timeout)
	for {
		p, _ := c.in.Peek(c.in.Buffered())
		if len(p) > 0 && enough(p) || len(p) == classicMessage {
			return p, endEnough, nil
		}
		until := last
		if soon := time.Now().Add(quiet); len(p) > 0 && soon.Before(last) {
			until = soon
		}
		c.SetReadDeadline(until)
		_, err := c.in.Peek(len(p) + 1)
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && until.Before(last):
			return p, endQuiet, nil
		case errors.Is(err, io.EOF) && len(p) > 0:
			return p, endStream, nil
		default:
			return nil, endStream, err
		}
	}
}

// hangUp ends our side and waits for the peer to end its own, so that nothing
// on its way is lost to a reset: closing with something unread would be one.
// It returns how much the peer still said, os.ErrDeadlineExceeded if it stayed,
// and nil if it has ended its side.
func (c *classicConn) hangUp() (extra int64, err error) {
	half, ok := below[interface{ CloseWrite() error }](c.Conn)
	if !ok {
		return 0, c.Conn.Close()
	}
	if err := half.CloseWrite(); err != nil {
		return 0, err
	}
	c.SetReadDeadline(time.Now().Add(min(classicLinger, c.timeout)))
	return io.Copy(io.Discard, c.in)
}

// cause makes err, met while waiting for or sending what, a sentence that tells
// who did something.
func (c *classicConn) cause(err error, what string) error {
	var op *net.OpError
	var call *os.SyscallError
	switch {
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case errors.Is(err, io.EOF):
		return &classicPeerError{fmt.Sprintf("the connection ended before %s", what), io.ErrUnexpectedEOF}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &classicPeerError{fmt.Sprintf("nothing happened for %v before %s", c.timeout, what), os.ErrDeadlineExceeded}
	case errors.As(err, &call):
		err = call.Err
	case errors.As(err, &op):
		err = op.Err
	}
	return fmt.Errorf("the connection failed before %s: %w", what, err)
}

// classicPeerError says in its own words what is also the error is.
type classicPeerError struct {
	text string
	is   error
}

func (e *classicPeerError) Error() string { return e.text }
func (e *classicPeerError) Unwrap() error { return e.is }
