package host

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// A UDPConn is a socket for datagrams: a [net.PacketConn], and a [net.Conn] where it
// is connected, with the methods that [net.UDPConn] has beyond that. All may be called
// at the same time.
type UDPConn struct {
	host    *Host
	network string         // as it was asked for
	local   netip.AddrPort // its address may be unspecified: any of the host's
	remote  netip.AddrPort // invalid where it is not connected
	shared  bool           // the port, with others who share it

	mu     sync.Mutex
	read   side
	write  time.Duration // deadline; never
	alarm  alarm         // of read
	queue  udpQueue
	err    error // what ICMP said, for the next call
	route  *route
	out    udpOptions
	joined []groupOn
	closed bool
}

// udpOptions are what datagrams are sent with.
type udpOptions struct {
	ttl, groupTTL uint8
	notBack       bool       // multicasts are not for this host's own sockets
	groupFrom     netip.Addr // whose interface multicasts leave by; invalid: by route
}

func (h *Host) newUDPConn(network string, local, remote netip.AddrPort) *UDPConn {
	c := &UDPConn{host: h, network: network, local: local, remote: remote}
	c.read.cond.L = &c.mu
	c.read.deadline, c.write = never, never
	c.queue.limit = defaultReceive
	c.out.groupTTL = 1 // RFC 1112 §6.1
	c.alarm.init(c)
	return c
}

// usable says why nothing can be done any more, or for now.
func (c *UDPConn) usable(deadline time.Duration) error {
	switch {
	case c.closed || c.host.closed.Load():
		return net.ErrClosed
	case deadline <= c.host.now():
		return os.ErrDeadlineExceeded
	}
	return nil
}

// put adds a datagram that has come, and takes its frame.
func (c *UDPConn) put(p *packet, payload []byte, from netip.AddrPort, out *outbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if !c.queue.push(datagram{from: from, data: payload, frame: p.frame}) {
		c.host.drop(DropReceiveFull, p.whole)
		return
	}
	p.take()
	c.host.count(countDatagramsIn)
	out.wake(&c.read)
}

// fail keeps an error for the next call.
func (c *UDPConn) fail(err error, out *outbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	out.wake(&c.read)
}

// expire is the alarm's: somebody's deadline has come.
func (c *UDPConn) expire(time.Duration, *outbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read.deadline > c.host.now() {
		c.host.arm(&c.alarm, c.read.deadline)
		return
	}
	c.read.wake()
}

// Close ends the socket; calls that wait return net.ErrClosed.
func (c *UDPConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return c.opError("close", nil, net.ErrClosed)
	}
	c.closed = true
	c.queue.clear()
	joined := c.joined
	c.read.wake()
	c.mu.Unlock()
	c.host.disarm(&c.alarm)
	c.host.udp.remove(c)
	for _, on := range joined {
		c.host.leaveGroup(on)
	}
	return nil
}

// LocalAddr is a [*net.UDPAddr].
func (c *UDPConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.local) }

// RemoteAddr is a [*net.UDPAddr]; nil where the socket is not connected.
func (c *UDPConn) RemoteAddr() net.Addr { return udpAddr(c.remote) }

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *UDPConn) SetDeadline(t time.Time) error {
	return c.set(func() { c.setRead(t); c.write = c.host.since(t) })
}

// SetReadDeadline sets when reading gives up with os.ErrDeadlineExceeded, for those
// that wait already and all later ones; the zero Time is never.
func (c *UDPConn) SetReadDeadline(t time.Time) error { return c.set(func() { c.setRead(t) }) }

// SetWriteDeadline sets when writing gives up. As it never waits, only one that has
// passed has an effect.
func (c *UDPConn) SetWriteDeadline(t time.Time) error {
	return c.set(func() { c.write = c.host.since(t) })
}

func (c *UDPConn) setRead(t time.Time) {
	c.read.deadline = c.host.since(t)
	if c.read.deadline <= c.host.now() {
		c.read.wake()
		return
	}
	c.host.arm(&c.alarm, c.read.deadline)
}

// set changes a setting of an open socket.
func (c *UDPConn) set(change func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.setError(net.ErrClosed)
	}
	change()
	return nil
}

// SetReadBuffer sets how much memory datagrams may take that wait to be read: as on
// Linux, twice the bytes that are asked for.
func (c *UDPConn) SetReadBuffer(bytes int) error {
	return c.set(func() { c.queue.limit = 2 * max(bytes, 1152) })
}

// SetWriteBuffer does nothing: what is written is on its way when Write returns.
func (c *UDPConn) SetWriteBuffer(int) error { return c.set(func() {}) }

// setError is what package net says about a setting: of the local address alone.
func (c *UDPConn) setError(err error) error {
	return &net.OpError{Op: "set", Net: c.network, Addr: c.LocalAddr(), Err: err}
}

// opError is what package net says about an error.
func (c *UDPConn) opError(op string, to net.Addr, err error) error {
	if err == nil {
		return nil
	}
	if to == nil {
		to = c.RemoteAddr()
	}
	return &net.OpError{Op: op, Net: c.network, Source: c.LocalAddr(), Addr: to, Err: err}
}
