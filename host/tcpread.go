package host

import (
	"io"
	"net"
	"os"
	"time"
)

// Read reads what has come, and waits while there is nothing. The error is io.EOF
// behind the peer's last byte; else it is a [*net.OpError] of net.ErrClosed,
// os.ErrDeadlineExceeded or a syscall.Errno such as ECONNRESET. Bytes that came before
// a connection was reset can be read.
func (c *TCPConn) Read(p []byte) (int, error) {
	n, err := c.readOnce(p)
	return n, c.opError("read", err)
}

func (c *TCPConn) readOnce(p []byte) (int, error) {
	now := c.lock()
	for {
		if err := c.read.usable(c, now); err != nil {
			c.mu.Unlock()
			return 0, err
		}
		if !c.read.taken {
			if n := c.machine.Read(now, p); n > 0 || len(p) == 0 {
				c.unlock(now) // the window may have opened
				return n, nil
			}
			if err := c.readEnd(); err != nil {
				c.unlock(now) // an empty TIME_WAIT becomes a record
				return 0, err
			}
		}
		c.read.cond.Wait()
		now = c.host.now()
	}
}

// usable says why nothing can be done in a direction any more, or for now.
func (s *side) usable(c *TCPConn, now time.Duration) error {
	switch {
	case c.closed || c.host.closed.Load():
		return net.ErrClosed
	case s.deadline <= now:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// readEnd says why there is nothing to read any more; nil while there may be.
func (c *TCPConn) readEnd() error {
	// As Linux does: behind the peer's FIN it is the end, whatever came afterwards.
	if _, end := c.machine.Readable(); end {
		return io.EOF
	}
	if err := c.machine.Err(); err != nil {
		c.reported = true
		return os.NewSyscallError("read", err)
	}
	return nil
}

// WriteTo writes to w all that comes, up to the peer's last byte, from where it lies:
// nothing is copied in between. Other calls that read wait while w takes a piece.
func (c *TCPConn) WriteTo(w io.Writer) (written int64, err error) {
	for {
		p, err := c.borrow()
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, c.opError("writeto", err)
		}
		n, err := w.Write(p)
		c.giveBack(n)
		written += int64(n)
		if err == nil && n < len(p) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return written, err
		}
	}
}

// borrow waits for bytes and shows them; until giveBack nobody else reads.
func (c *TCPConn) borrow() (p []byte, err error) {
	now := c.lock()
	for ; ; now = c.host.now() {
		if err = c.read.usable(c, now); err != nil {
			break
		}
		if !c.read.taken {
			if p = c.machine.Peek(); len(p) > 0 {
				c.read.taken = true
				break
			}
			if err = c.readEnd(); err != nil {
				break
			}
		}
		c.read.cond.Wait()
	}
	c.unlock(now)
	return p, err
}

// giveBack takes n bytes as read.
func (c *TCPConn) giveBack(n int) {
	now := c.lock()
	c.read.taken = false
	c.machine.Discard(now, n)
	c.unlock(now)
	c.read.wake() // who reads next
}

// opError is what package net says about an error of a connection; nil and io.EOF stay
// what they are.
func (c *TCPConn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
