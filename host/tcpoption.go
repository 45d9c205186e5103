package host

import (
	"net"
	"time"

	"dialtone/transport/tcp"
)

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *TCPConn) SetDeadline(t time.Time) error { return c.setDeadline(t, &c.read, &c.write) }

// SetReadDeadline sets when Read gives up with os.ErrDeadlineExceeded, those that wait
// already and all later ones; the zero Time is never.
func (c *TCPConn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, &c.read) }

// SetWriteDeadline is SetReadDeadline for Write, which may have taken some bytes by then.
func (c *TCPConn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, &c.write) }

func (c *TCPConn) setDeadline(t time.Time, sides ...*side) error {
	now, err := c.lockOpen()
	if err != nil {
		return err
	}
	deadline := c.host.since(t)
	for _, s := range sides {
		s.deadline = deadline
	}
	c.schedule(now)
	c.mu.Unlock()
	for _, s := range sides {
		if deadline <= now {
			s.wake()
		}
	}
	return nil
}

// since is a point in time as the host counts it; of the zero Time it is never.
func (h *Host) since(t time.Time) time.Duration {
	if t.IsZero() {
		return never
	}
	return t.Sub(h.start)
}

// lockOpen is lock for calls that set something.
func (c *TCPConn) lockOpen() (now time.Duration, err error) {
	now = c.lock()
	if c.closed || c.host.closed.Load() {
		c.mu.Unlock()
		return now, &net.OpError{Op: "set", Net: "tcp", Addr: c.LocalAddr(), Err: net.ErrClosed}
	}
	return now, nil
}

// set lets the machine know of a change.
func (c *TCPConn) set(change func(m *tcp.Conn)) error {
	now, err := c.lockOpen()
	if err != nil {
		return err
	}
	change(c.machine)
	c.unlock(now)
	return nil
}

// SetLinger says what Close does with bytes that are not acknowledged: with sec 0 it
// drops them and resets the connection, else they are sent in the background.
func (c *TCPConn) SetLinger(sec int) error {
	return c.set(func(*tcp.Conn) { c.reset = sec == 0 })
}

// SetNoDelay says whether small writes go out at once, as they do on a new connection;
// false is Nagle's algorithm (RFC 9293 §3.7.4).
func (c *TCPConn) SetNoDelay(noDelay bool) error {
	return c.set(func(m *tcp.Conn) { m.SetNoDelay(noDelay) })
}

// SetReadBuffer sets how many bytes may wait to be read.
func (c *TCPConn) SetReadBuffer(bytes int) error {
	return c.set(func(m *tcp.Conn) { m.SetBuffers(0, bytes) })
}

// SetWriteBuffer sets how many bytes may wait to be acknowledged.
func (c *TCPConn) SetWriteBuffer(bytes int) error {
	return c.set(func(m *tcp.Conn) { m.SetBuffers(bytes, 0) })
}

// SetUserTimeout sets how long bytes may be unacknowledged until the connection is
// given up (RFC 5482); 0: for 15 retransmissions, about a quarter of an hour.
func (c *TCPConn) SetUserTimeout(d time.Duration) error {
	return c.set(func(m *tcp.Conn) { m.SetUserTimeout(d) })
}

// SetKeepAlive says whether a silent peer is asked from time to time whether it is
// still there, as it is on a new connection: after 15 seconds, nine times.
func (c *TCPConn) SetKeepAlive(keepalive bool) error {
	return c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: keepalive})
}

// SetKeepAlivePeriod sets the time between such questions.
func (c *TCPConn) SetKeepAlivePeriod(d time.Duration) error {
	return c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: d, Interval: d})
}

// SetKeepAliveConfig sets all there is to set about them; fields that are not above 0
// are package net's defaults.
func (c *TCPConn) SetKeepAliveConfig(config net.KeepAliveConfig) error {
	return c.set(func(m *tcp.Conn) { m.SetKeepAlive(keepAlive(config)) })
}

// keepAlive translates with package net's defaults.
func keepAlive(config net.KeepAliveConfig) (k tcp.KeepAlive) {
	if !config.Enable {
		return k
	}
	k = tcp.KeepAlive{Idle: config.Idle, Interval: config.Interval, Count: config.Count}
	if k.Idle <= 0 {
		k.Idle = 15 * time.Second
	}
	if k.Interval <= 0 {
		k.Interval = 15 * time.Second
	}
	if k.Count <= 0 {
		k.Count = 9
	}
	return k
}
