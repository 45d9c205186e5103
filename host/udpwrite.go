package host

import (
	"net"
	"net/netip"
	"os"
	"syscall"

	"dialtone/internet"
	"dialtone/transport/udp"
)

// maxDatagram is the most bytes that a datagram carries over IPv4 without options.
const maxDatagram = maxPacket - 20 - udp.HeaderLen

// Write sends a datagram to whom the socket is connected to. The error is a
// [*net.OpError] of a syscall.Errno: EMSGSIZE above 65507 bytes, or what was heard of
// an earlier datagram. One that is larger than the path can carry is fragmented.
func (c *UDPConn) Write(p []byte) (int, error) {
	if !c.remote.IsValid() {
		return 0, c.opError("write", nil, os.NewSyscallError("write", syscall.EDESTADDRREQ))
	}
	n, err := c.send(p, c.remote, "write")
	return n, c.opError("write", nil, err)
}

// WriteTo sends a datagram to addr, a [*net.UDPAddr].
func (c *UDPConn) WriteTo(p []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok || to == nil {
		return 0, c.opError("write", addr, syscall.EINVAL)
	}
	return c.WriteToUDP(p, to)
}

// WriteToUDP is WriteTo.
func (c *UDPConn) WriteToUDP(p []byte, addr *net.UDPAddr) (int, error) {
	return c.WriteToUDPAddrPort(p, addr.AddrPort())
}

// WriteToUDPAddrPort is WriteTo without garbage.
func (c *UDPConn) WriteToUDPAddrPort(p []byte, addr netip.AddrPort) (int, error) {
	if c.remote.IsValid() {
		return 0, c.opError("write", udpAddr(addr), net.ErrWriteToConnected)
	}
	to, err := c.destination(addr)
	n := 0
	if err == nil {
		n, err = c.send(p, to, "sendto")
	}
	if err != nil {
		return n, c.opError("write", udpAddr(addr), err)
	}
	return n, nil
}

// WriteMsgUDP is WriteToUDP, or Write where addr is nil; there are no messages in oob.
func (c *UDPConn) WriteMsgUDP(p, _ []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	if addr == nil {
		n, err = c.Write(p)
	} else {
		n, err = c.WriteToUDP(p, addr)
	}
	return n, 0, err
}

// WriteMsgUDPAddrPort is WriteMsgUDP without garbage.
func (c *UDPConn) WriteMsgUDPAddrPort(p, _ []byte, addr netip.AddrPort) (n, oobn int, err error) {
	if !addr.IsValid() {
		n, err = c.Write(p)
	} else {
		n, err = c.WriteToUDPAddrPort(p, addr)
	}
	return n, 0, err
}

// destination is an address as this stack has it. As on Linux, nobody's address is the
// host itself.
func (c *UDPConn) destination(addr netip.AddrPort) (netip.AddrPort, error) {
	ip := addr.Addr().Unmap()
	switch {
	case !ip.Is4():
		return addr, &net.AddrError{Err: "non-IPv4 address", Addr: ip.String()}
	case addr.Port() == 0:
		return addr, os.NewSyscallError("sendto", syscall.EINVAL)
	case ip.IsUnspecified():
		ip = loopbackAddr
	}
	return netip.AddrPortFrom(ip, addr.Port()), nil
}

// send sends one datagram.
func (c *UDPConn) send(p []byte, to netip.AddrPort, call string) (int, error) {
	out := c.host.outbox()
	defer out.release()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(c.write); err != nil {
		return 0, err
	}
	if err := c.takeError(call); err != nil {
		return 0, err
	}
	if len(p) > maxDatagram {
		return 0, os.NewSyscallError(call, errMessageSize)
	}
	r, err := c.routeTo(to.Addr())
	if err != nil {
		return 0, os.NewSyscallError(call, err)
	}
	h := udp.Header{SrcPort: c.local.Port(), DstPort: to.Port(), Length: uint16(udp.HeaderLen + len(p))}
	b := out.packetWith(r, internet.UDP, int(h.Length), c.header(r))
	copy(h.Append(b[:0])[udp.HeaderLen:h.Length], p)
	if c.out.notBack {
		out.hush()
	}
	out.commit()
	c.host.count(countDatagramsOut)
	return len(p), nil
}

// header is what the IP header has that is not as usual.
func (c *UDPConn) header(r *route) internet.IPv4 {
	h := internet.IPv4{TTL: c.out.ttl}
	if r.kind == toGroup {
		h.TTL = c.out.groupTTL
	}
	return h
}

// routeTo is the way to an address: the one that was used last, while it holds.
func (c *UDPConn) routeTo(dst netip.Addr) (*route, error) {
	if r := c.route; r.fresh() && r.dst == dst {
		return r, nil
	}
	src := c.local.Addr()
	if dst.IsMulticast() && c.out.groupFrom.IsValid() {
		src = c.out.groupFrom
	}
	r, err := c.host.routeFrom(src, dst)
	c.route = r
	return r, err
}
