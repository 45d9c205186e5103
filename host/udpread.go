package host

import (
	"net"
	"net/netip"
	"os"
)

// msgTrunc is Linux's MSG_TRUNC.
const msgTrunc = 0x20

// Read reads a datagram: what of it is longer than p is lost, as with package net.
func (c *UDPConn) Read(p []byte) (int, error) {
	n, _, _, err := c.receive(p)
	return n, c.opError("read", nil, err)
}

// ReadFrom reads a datagram and says who sent it. The error is a [*net.OpError] of
// net.ErrClosed, os.ErrDeadlineExceeded or, of a connected socket, a syscall.Errno such
// as ECONNREFUSED: nobody is there.
func (c *UDPConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, _, err := c.receive(p)
	return n, udpAddr(from), c.opError("read", nil, err)
}

// ReadFromUDP is ReadFrom.
func (c *UDPConn) ReadFromUDP(p []byte) (int, *net.UDPAddr, error) {
	n, from, _, err := c.receive(p)
	if err != nil {
		return n, nil, c.opError("read", nil, err)
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// ReadFromUDPAddrPort is ReadFrom without garbage.
func (c *UDPConn) ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error) {
	n, from, _, err := c.receive(p)
	return n, from, c.opError("read", nil, err)
}

// ReadMsgUDP is ReadFromUDP, and says in flags whether the datagram was longer than p:
// 0x20, Linux's MSG_TRUNC. There are no messages for oob.
func (c *UDPConn) ReadMsgUDP(p, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, oobn, flags, from, err := c.ReadMsgUDPAddrPort(p, oob)
	if err == nil {
		addr = net.UDPAddrFromAddrPort(from)
	}
	return n, oobn, flags, addr, err
}

// ReadMsgUDPAddrPort is ReadMsgUDP without garbage.
func (c *UDPConn) ReadMsgUDPAddrPort(p, _ []byte) (n, oobn, flags int, addr netip.AddrPort, err error) {
	n, from, cut, err := c.receive(p)
	if cut {
		flags = msgTrunc
	}
	return n, 0, flags, from, c.opError("read", nil, err)
}

// receive waits for a datagram.
func (c *UDPConn) receive(p []byte) (n int, from netip.AddrPort, cut bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := c.usable(c.read.deadline); err != nil {
			return 0, from, false, err
		}
		if err := c.takeError("read"); err != nil {
			return 0, from, false, err
		}
		if c.queue.count > 0 {
			break
		}
		c.read.cond.Wait()
	}
	d := c.queue.pop()
	n = copy(p, d.data)
	d.frame.Free()
	return n, d.from, n < len(d.data), nil
}

// takeError returns what ICMP said, once.
func (c *UDPConn) takeError(call string) error {
	err := c.err
	c.err = nil
	return os.NewSyscallError(call, err)
}
