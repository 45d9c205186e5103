package host

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/transport"
	"dialtone/transport/tcp"
	"dialtone/transport/udp"
)

// udpSockets are a host's, by their ports. A socket's lock may be taken while mu is
// held, not the other way round.
type udpSockets struct {
	host  *Host
	mu    sync.RWMutex
	ports map[uint16][]*UDPConn
	next  ephemeral
	done  bool
}

func (s *udpSockets) init(h *Host) {
	s.host = h
	s.ports = map[uint16][]*UDPConn{}
}

// add gives a socket its place, and a port where it has none.
func (s *udpSockets) add(c *UDPConn, digest uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return net.ErrClosed
	}
	addr := c.local.Addr()
	free := func(port uint16) bool { return !s.taken(c, netip.AddrPortFrom(addr, port)) }
	if c.local.Port() == 0 {
		port, ok := s.next.each(digest, free)
		if !ok {
			return syscall.EAGAIN // as Linux says
		}
		c.local = netip.AddrPortFrom(addr, port)
	} else if !free(c.local.Port()) {
		return syscall.EADDRINUSE
	}
	s.ports[c.local.Port()] = append(s.ports[c.local.Port()], c)
	return nil
}

// taken says whether another socket has an address and port, or one that includes it;
// those for multicast share it.
func (s *udpSockets) taken(c *UDPConn, local netip.AddrPort) bool {
	return slices.ContainsFunc(s.ports[local.Port()], func(o *UDPConn) bool {
		same := o.local.Addr() == local.Addr() || o.local.Addr().IsUnspecified() || local.Addr().IsUnspecified()
		return same && !(c.shared && o.shared)
	})
}

func (s *udpSockets) remove(c *UDPConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	port := c.local.Port()
	s.ports[port] = slices.DeleteFunc(s.ports[port], func(o *UDPConn) bool { return o == c })
	if len(s.ports[port]) == 0 {
		delete(s.ports, port)
	}
}

// find returns the socket that fits best: connected to the sender, or with the very
// address, or with any.
func (s *udpSockets) find(local, remote netip.AddrPort) (best *UDPConn) {
	most := 0
	for _, c := range s.ports[local.Port()] {
		if score := c.score(local, remote); score > most {
			best, most = c, score
		}
	}
	return best
}

// score is 0 for a socket that a datagram is not for, and more the closer it fits.
func (c *UDPConn) score(local, remote netip.AddrPort) int {
	score := 1
	switch c.local.Addr() {
	case local.Addr():
		score++
	case netip.IPv4Unspecified():
	default:
		return 0
	}
	switch c.remote {
	case remote:
		score += 2
	case netip.AddrPort{}:
	default:
		return 0
	}
	return score
}

// inputUDP takes a datagram to this host.
func (h *Host) inputUDP(p *packet, out *outbox) {
	header, payload, err := udp.Parse(p.data)
	if err != nil || int(header.Length) > len(p.data) {
		h.drop(DropHeader, p.whole)
		return
	}
	datagram := p.data[:header.Length]
	pseudo := transport.PseudoSum4(p.src.As4(), p.dst.As4(), internet.UDP, len(datagram))
	// RFC 1122 §4.1.3.4: if the checksum is wrong, the datagram MUST be silently discarded.
	if p.checksum == link.ChecksumUnknown && !udp.Check(pseudo, datagram) {
		h.drop(DropChecksum, p.whole)
		return
	}
	local, remote := netip.AddrPortFrom(p.dst, header.DstPort), netip.AddrPortFrom(p.src, header.SrcPort)
	switch {
	case p.toMany:
		h.inputToMany(p, payload, local, remote, out)
	case !h.inputToOne(p, payload, local, remote, out):
		h.drop(DropNoSocket, p.whole)
		// RFC 1122 §4.1.3.1: SHOULD send an ICMP port unreachable.
		h.report(p, internet.ICMPv4Unreachable, internet.ICMPv4PortUnreachable, 0, out)
	}
}

func (h *Host) inputToOne(p *packet, payload []byte, local, remote netip.AddrPort, out *outbox) bool {
	h.udp.mu.RLock()
	defer h.udp.mu.RUnlock()
	c := h.udp.find(local, remote)
	if c != nil {
		c.put(p, payload, remote, out)
	}
	return c != nil
}

// inputToMany gives a broadcast or multicast to all sockets that it is for.
func (h *Host) inputToMany(p *packet, payload []byte, local, remote netip.AddrPort, out *outbox) {
	h.udp.mu.RLock()
	defer h.udp.mu.RUnlock()
	found := false
	for _, c := range h.udp.ports[local.Port()] {
		if c.score(local, remote) == 0 {
			continue
		}
		found = true
		f := link.NewFrame(len(payload)) // each has its own
		copy(f.Data, payload)
		copied := packet{whole: p.whole, frame: f}
		c.put(&copied, f.Data, remote, out)
		copied.free()
	}
	if !found {
		h.drop(DropNoSocket, p.whole)
	}
}

// unreachableUDP tells a socket what has become of its datagram.
func (h *Host) unreachableUDP(u *unreachable, out *outbox) {
	header, _, err := udp.Parse(u.quoted)
	if err != nil {
		return
	}
	local, remote := netip.AddrPortFrom(u.local, header.SrcPort), netip.AddrPortFrom(u.remote, header.DstPort)
	h.udp.mu.RLock()
	defer h.udp.mu.RUnlock()
	c := h.udp.find(local, remote)
	if c == nil {
		return
	}
	if u.err == errMessageSize {
		h.learnMTU(u)
	}
	// As Linux has it, who is not connected is not told, and nobody of what may pass.
	if c.remote.IsValid() && (u.hard || u.err == errMessageSize) {
		c.fail(u.err, out)
	}
}

// close ends all sockets.
func (s *udpSockets) close() {
	s.mu.Lock()
	s.done = true
	var all []*UDPConn
	for _, list := range s.ports {
		all = append(all, list...)
	}
	s.mu.Unlock()
	for _, c := range all {
		c.Close()
	}
}

// udpSockets appends the rows of the table of sockets.
func (h *Host) udpSockets(list []Socket) []Socket {
	h.udp.mu.RLock()
	defer h.udp.mu.RUnlock()
	for _, sockets := range h.udp.ports {
		for _, c := range sockets {
			c.mu.Lock()
			list = append(list, Socket{Network: "udp", Local: c.local, Remote: c.remote, State: tcp.State(0), RecvQueue: c.queue.bytes})
			c.mu.Unlock()
		}
	}
	return list
}
