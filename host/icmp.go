package host

import (
	"net/netip"
	"sync"
	"syscall"

	"dialtone/internet"
	"dialtone/link"
)

// inputICMP takes messages to this host.
func (h *Host) inputICMP(p *packet, out *outbox) {
	m, payload, err := internet.ParseICMP(p.data)
	switch {
	case err != nil:
		h.drop(DropHeader, p.whole)
	case !internet.CheckICMPv4(p.data):
		h.drop(DropChecksum, p.whole)
	case m.IsError(internet.ICMP):
		h.count(countErrorsIn)
		h.inputError(p, &m, payload, out)
	case m.Type == internet.ICMPv4Echo && p.toMany:
		// RFC 1122 §3.2.2.6: MAY be silently discarded, and Linux does.
		h.drop(DropNotOurs, p.whole)
	case m.Type == internet.ICMPv4Echo:
		h.echo(p, out)
	case m.Type == internet.ICMPv4EchoReply:
		h.inputEchoReply(p, &m, out)
	default: // RFC 1122 §3.2.2: of unknown type, it MUST be silently discarded
		h.drop(DropProtocol, p.whole)
	}
}

// echo answers a request.
//
// RFC 1122 §3.2.2.6: the source address in the reply MUST be the request's destination,
// and data received MUST be entirely included.
func (h *Host) echo(p *packet, out *outbox) {
	r, err := h.routeFrom(p.dst, p.src)
	if err != nil {
		h.drop(DropNoRoute, p.whole)
		return
	}
	// Linux's echo may be fragmented on its way: DontFragment is not set.
	b := out.packetWith(r, internet.ICMP, len(p.data), internet.IPv4{TOS: p.tos, Flags: mayFragment})
	copy(b, p.data)
	b[0] = internet.ICMPv4EchoReply
	internet.FillICMPv4(b)
	h.count(countEchoed)
}

// report sends an ICMP error about a packet that came here, where that is allowed.
func (h *Host) report(p *packet, kind, code uint8, rest uint32, out *outbox) {
	if p.toMany || h.isBroadcast(p.dst) || h.isBroadcast(p.src) || !internet.MayReport(p.whole) {
		return
	}
	src := p.dst
	if !h.isOwn(src) { // forwarded: that of the link by which the error leaves (RFC 1812 §4.3.2.4)
		src = netip.Addr{}
	}
	h.reportFrom(src, p.src, kind, code, rest, p.whole, out)
}

func (h *Host) reportFrom(src, dst netip.Addr, kind, code uint8, rest uint32, packet []byte, out *outbox) {
	r, err := h.routeFrom(src, dst)
	if err != nil {
		return
	}
	if r.nic.index > 0 && !h.allowError(dst) {
		h.count(countErrorsLimited)
		return
	}
	size := internet.ICMPv4ErrorSize(packet)
	// RFC 1812 §4.3.2.5: SHOULD be sent with the precedence of internetwork control.
	b := out.packetWith(r, internet.ICMP, size, internet.IPv4{TOS: 0xc0, Flags: mayFragment})
	internet.AppendICMPv4Error(b[:0], kind, code, rest, packet)
	h.count(countErrorsOut)
}

// errorLimit is what errors were sent lately.
type errorLimit struct {
	mu    sync.Mutex
	limit internet.ErrorLimit
}

// allowError says whether an error may be sent now.
func (h *Host) allowError(dst netip.Addr) bool {
	h.errors.mu.Lock()
	defer h.errors.mu.Unlock()
	return h.errors.limit.Allow(h.now(), dst)
}

// inputError takes an error about a packet that was sent from here.
func (h *Host) inputError(p *packet, m *internet.ICMPHeader, payload []byte, out *outbox) {
	u, proto, ok := h.quoted(m, payload)
	u.from = p.src
	if !ok {
		h.drop(DropNotOurs, p.whole)
		return
	}
	h.unreachable(u, proto, out)
}

// quoted takes the packet apart that an error is about.
func (h *Host) quoted(m *internet.ICMPHeader, payload []byte) (u unreachable, proto internet.Protocol, ok bool) {
	packet, _ := m.Quoted(internet.ICMP, payload)
	header, segment, err := internet.ParseIPv4(packet)
	u = unreachable{local: netip.AddrFrom4(header.Src), remote: netip.AddrFrom4(header.Dst), quoted: segment, size: int(header.TotalLength)}
	u.err, u.hard = errorOf(m)
	if mtu, tooBig := m.MTU(internet.ICMP); tooBig {
		u.mtu = int(mtu)
	}
	// RFC 1122 §3.2.2: the quoted 8 bytes are what tells whose it was.
	ok = err == nil && u.err != nil && len(segment) >= 8 && header.Offset == 0 && h.isOwn(u.local)
	return u, header.Protocol, ok
}

// unreachable tells whoever sent a packet.
func (h *Host) unreachable(u unreachable, proto internet.Protocol, out *outbox) {
	switch proto {
	case internet.TCP:
		h.unreachableTCP(&u, out)
	case internet.UDP:
		h.unreachableUDP(&u, out)
	case internet.ICMP:
		h.unreachablePing(&u, out)
	}
}

// linkFailed is what becomes of a frame whose next hop does not answer: whoever sent
// it hears of it (RFC 1122 §3.3.2.2 (d); RFC 1812 §5.2.7.1), from ourselves where
// that is who did.
func (h *Host) linkFailed(f *link.Frame, out *outbox) {
	packet := f.Data[link.EthernetLen:]
	h.drop(DropNoNeighbor, packet)
	header, segment, err := internet.ParseIPv4(packet)
	if err == nil && header.Offset == 0 {
		src, dst := netip.AddrFrom4(header.Src), netip.AddrFrom4(header.Dst)
		if h.isOwn(src) {
			// It is no ICMP message, which RFC 9293 §3.9.2.2 would have us bear: our own
			// link says so. A dial ends, as Linux's does.
			hard := header.Protocol == internet.TCP
			u := unreachable{from: src, local: src, remote: dst, quoted: segment, err: syscall.EHOSTUNREACH, hard: hard}
			h.unreachable(u, header.Protocol, out)
		} else if internet.MayReport(packet) {
			h.reportFrom(netip.Addr{}, src, internet.ICMPv4Unreachable, internet.ICMPv4HostUnreachable, 0, packet, out)
		}
	}
	f.Free()
}

// errorOf is what an ICMP error means to a socket, in Linux's words (its table
// icmp_err_convert), and whether it is hard. What means nothing, as a redirect, which a
// host that is not told to does not follow, is nil.
func errorOf(m *internet.ICMPHeader) (err error, hard bool) {
	switch m.Type {
	case internet.ICMPv4TimeExceeded:
		return syscall.EHOSTUNREACH, false
	case internet.ICMPv4ParameterProblem:
		return syscall.EPROTO, true
	case internet.ICMPv4Unreachable:
		return unreachableError(m.Code)
	}
	return nil, false
}

func unreachableError(code uint8) (err error, hard bool) {
	switch code {
	case internet.ICMPv4NetUnreachable, 11:
		return syscall.ENETUNREACH, false
	case internet.ICMPv4HostUnreachable, 12:
		return syscall.EHOSTUNREACH, false
	case internet.ICMPv4ProtocolUnreachable:
		return syscall.ENOPROTOOPT, true
	case internet.ICMPv4PortUnreachable:
		return syscall.ECONNREFUSED, true
	case internet.ICMPv4FragmentationNeeded:
		return syscall.EMSGSIZE, false
	case 5: // source route failed
		return syscall.EOPNOTSUPP, false
	case 6, 9:
		return syscall.ENETUNREACH, true
	case 7:
		return syscall.EHOSTDOWN, true
	}
	return syscall.EHOSTUNREACH, true
}
