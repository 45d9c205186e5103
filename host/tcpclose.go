package host

import (
	"net"
	"os"
	"syscall"
	"time"

	"dialtone/transport/tcp"
)

// Close ends the use of the connection. What was written is still sent, and a FIN
// behind it; where something was not read, or comes later, the peer is told by a RST.
// Calls that wait return net.ErrClosed.
func (c *TCPConn) Close() error { return c.end("close", (*tcp.Conn).Close) }

// Abort ends the connection at once: the peer gets a RST, and what was written but is
// not acknowledged is lost. It is Close after SetLinger(0).
func (c *TCPConn) Abort() error { return c.end("close", (*tcp.Conn).Abort) }

func (c *TCPConn) end(op string, how func(*tcp.Conn, time.Duration)) error {
	now := c.lock()
	if c.closed {
		c.mu.Unlock()
		return c.opError(op, net.ErrClosed)
	}
	c.closed = true
	if c.reset {
		how = (*tcp.Conn).Abort
	}
	how(c.machine, now)
	c.unlock(now)
	c.read.wake()
	c.write.wake()
	return nil
}

// CloseWrite ends the bytes to the peer, who reads io.EOF behind the last: half-close.
func (c *TCPConn) CloseWrite() error {
	return c.shut((*tcp.Conn).CloseWrite, &c.write)
}

// CloseRead ends reading: it returns io.EOF from now on, and what still comes is
// acknowledged and dropped.
func (c *TCPConn) CloseRead() error {
	return c.shut((*tcp.Conn).CloseRead, &c.read)
}

func (c *TCPConn) shut(how func(*tcp.Conn, time.Duration), s *side) error {
	now := c.lock()
	if c.closed {
		c.mu.Unlock()
		return c.opError("close", net.ErrClosed)
	}
	if c.machine.State() == tcp.Closed {
		c.mu.Unlock()
		return c.opError("close", os.NewSyscallError("shutdown", syscall.ENOTCONN))
	}
	how(c.machine, now)
	c.unlock(now)
	s.wake()
	return nil
}
