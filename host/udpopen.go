package host

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
)

// ListenPacket opens a socket for datagrams, as [net.ListenConfig.ListenPacket] does:
// network is udp or udp4, the host of address empty or unspecified for all of the host's
// addresses, its port 0 or empty for any that is free. Of a group's address the port
// alone counts, which others may have too: see [UDPConn.JoinGroup]. The result is a
// [*UDPConn].
func (h *Host) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	local, err := h.resolveUDP(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: asGiven(address, local), Err: dialError(err)}
	}
	c, err := h.openUDP(network, local, netip.AddrPort{}, local.Addr().IsMulticast())
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: asGiven(address, local), Err: err}
	}
	return c, nil
}

// asGiven is the address that an error names: where there was no host, there is none.
func asGiven(address string, local netip.AddrPort) net.Addr {
	if strings.HasPrefix(address, ":") {
		return &net.UDPAddr{Port: int(local.Port())}
	}
	return udpAddr(local)
}

// ListenMulticast opens a socket for the datagrams to a group, "224.0.0.251:5353", and
// joins it on the interface that packets to it leave by.
func (h *Host) ListenMulticast(ctx context.Context, network, address string) (*UDPConn, error) {
	group, err := h.resolveUDP(network, address)
	if err == nil && !group.Addr().IsMulticast() {
		err = &net.AddrError{Err: "not a multicast address", Addr: address}
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	p, err := h.ListenPacket(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := p.(*UDPConn)
	if err := c.JoinGroup(group.Addr(), netip.Addr{}); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// dialUDP opens a socket that is connected to an address.
func (h *Host) dialUDP(ctx context.Context, network, address string) (net.Conn, error) {
	remote, err := h.resolveUDP(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if remote.Addr().IsUnspecified() {
		remote = netip.AddrPortFrom(loopbackAddr, remote.Port())
	}
	c, err := h.connectUDP(ctx, network, remote)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: udpAddr(remote), Err: err}
	}
	return c, nil
}

func (h *Host) connectUDP(ctx context.Context, network string, remote netip.AddrPort) (*UDPConn, error) {
	if err := ctx.Err(); err != nil {
		return nil, dialError(err)
	}
	r, err := h.routeTo(remote.Addr())
	if err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	return h.openUDP(network, netip.AddrPortFrom(r.src, 0), remote, false)
}

func (h *Host) resolveUDP(network, address string) (netip.AddrPort, error) {
	if network != "udp" && network != "udp4" && network != "udp6" {
		return netip.AddrPort{}, net.UnknownNetworkError(network)
	}
	return h.resolve(network, address)
}

func (h *Host) openUDP(network string, local, remote netip.AddrPort, shared bool) (*UDPConn, error) {
	if shared {
		local = netip.AddrPortFrom(netip.IPv4Unspecified(), local.Port())
	}
	if a := local.Addr(); !a.IsUnspecified() && !h.isOwn(a) && !h.isBroadcast(a) {
		return nil, os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)
	}
	c := h.newUDPConn(network, local, remote)
	c.shared = shared
	if err := h.udp.add(c, h.portDigest(local.Addr(), remote)); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	return c, nil
}

// JoinGroup makes the host one of a multicast group, on the interface with the address
// on, or, where that is not valid, the one that packets to the group leave by. What
// comes to a group that any socket has joined is for all that have its port.
func (c *UDPConn) JoinGroup(group, on netip.Addr) error {
	return c.group(group, on, c.host.joinGroup, func(g groupOn) error {
		if slices.Contains(c.joined, g) {
			return syscall.EADDRINUSE
		}
		c.joined = append(c.joined, g)
		return nil
	})
}

// LeaveGroup takes JoinGroup back, as Close does.
func (c *UDPConn) LeaveGroup(group, on netip.Addr) error {
	return c.group(group, on, c.host.leaveGroup, func(g groupOn) error {
		at := slices.Index(c.joined, g)
		if at < 0 {
			return syscall.EADDRNOTAVAIL
		}
		c.joined = slices.Delete(c.joined, at, at+1)
		return nil
	})
}

// group notes a change, and tells the routers of the link without the lock.
func (c *UDPConn) group(group, on netip.Addr, tell func(groupOn), note func(groupOn) error) error {
	n, err := c.host.groupLink(group, on)
	if err != nil {
		return c.setError(os.NewSyscallError("setsockopt", err))
	}
	g := groupOn{group, n.index}
	if e := c.set(func() { err = note(g) }); e != nil {
		return e
	}
	if err != nil {
		return c.setError(os.NewSyscallError("setsockopt", err))
	}
	tell(g)
	return nil
}

// SetTTL sets the hops that datagrams may take, 1 to 255; those to groups have their own.
func (c *UDPConn) SetTTL(hops uint8) error { return c.set(func() { c.out.ttl = hops }) }

// SetMulticastTTL sets the hops that datagrams to groups may take: 1, unless it is set.
func (c *UDPConn) SetMulticastTTL(hops uint8) error { return c.set(func() { c.out.groupTTL = hops }) }

// SetMulticastInterface sets whose interface datagrams to groups leave by: the one with
// the address.
func (c *UDPConn) SetMulticastInterface(addr netip.Addr) error {
	return c.set(func() { c.out.groupFrom, c.route = addr, nil })
}

// SetMulticastLoopback says whether datagrams to groups are for this host's own sockets
// too, as they are unless it is set.
func (c *UDPConn) SetMulticastLoopback(on bool) error { return c.set(func() { c.out.notBack = !on }) }
