package host

import (
	"net/netip"

	"dialtone/internet"
	"dialtone/link"
)

// input takes frames from the link, on its goroutine, and owns them.
func (n *nic) input(frames []*link.Frame) {
	out := n.host.outbox()
	defer out.release()
	n.counts.in(frames)
	for _, f := range frames {
		n.inputFrame(f, out)
	}
	if len(n.segments) > 0 {
		n.host.inputTCP(n.segments, out)
	}
	for i := range n.segments {
		n.segments[i].free()
	}
	n.segments = n.segments[:0]
}

// inputFrame looks at the Ethernet header.
func (n *nic) inputFrame(f *link.Frame, out *outbox) {
	h, body, err := link.ParseEthernet(f.Data)
	switch {
	case err != nil:
		n.host.dropFrame(DropHeader, f)
	case n.index > 0 && h.Dst != n.mac && !h.Dst.IsMulticast():
		n.host.dropFrame(DropOtherStation, f)
	case len(h.Tags) > 0:
		n.host.dropFrame(DropEtherType, f)
	case h.Type == link.TypeIPv4:
		n.inputIPv4(f, body, h.Dst.IsMulticast(), out)
	case h.Type == link.TypeARP && n.index > 0:
		n.inputARP(h.Dst, body, out)
		f.Free()
	default:
		n.host.dropFrame(DropEtherType, f)
	}
}

// inputIPv4 checks a packet and finds out whom it is for.
func (n *nic) inputIPv4(f *link.Frame, b []byte, toMany bool, out *outbox) {
	h := n.host
	header, data, err := internet.ParseIPv4(b)
	if err != nil || header.Size()+len(data) != int(header.TotalLength) {
		h.dropFrame(DropHeader, f)
		return
	}
	// RFC 1122 §3.2.1.2: a host MUST verify the checksum and silently discard.
	if !internet.CheckIPv4(b) {
		h.dropFrame(DropHeaderChecksum, f)
		return
	}
	p := packet{
		src: netip.AddrFrom4(header.Src), dst: netip.AddrFrom4(header.Dst),
		data: data, whole: b[:header.TotalLength], checksum: f.Offload.Checksum,
		tos: header.TOS, ttl: header.TTL, toMany: toMany, nic: n, frame: f,
	}
	switch why := n.acceptAgain(&p, &header); {
	case why == DropNotOurs && h.forward && !toMany:
		h.forwardIPv4(&p, &header, out)
	case why != DropNone:
		h.drop(why, p.whole)
	default:
		h.inputPacket(&p, &header, out)
	}
	p.free()
}

// acceptAgain is accept, which has nothing to look up where the packet before had the
// same addresses: of one host's to another's it is the same answer, always.
func (n *nic) acceptAgain(p *packet, header *internet.IPv4) Reason {
	if n.accepted == [2]netip.Addr{p.src, p.dst} && !p.toMany && len(header.Options) == 0 {
		return DropNone
	}
	why := n.accept(p, header)
	if why == DropNone && !p.toMany {
		n.accepted = [2]netip.Addr{p.src, p.dst}
	}
	return why
}

// accept says whether a packet is for this host: DropNone, or why not.
func (n *nic) accept(p *packet, header *internet.IPv4) Reason {
	h := n.host
	switch {
	// RFC 1122 §3.2.1.3: MUST silently discard what has no host's address as its source.
	case n.index > 0 && (h.isOwn(p.src) || p.dst.IsLoopback()), p.src.IsMulticast(), h.isBroadcast(p.src),
		p.src.IsUnspecified() && !h.isBroadcast(p.dst) && !p.dst.IsMulticast():
		return DropMartian
	// RFC 1122 §3.2.1.8 (c): Linux, too, takes no packet that chose its way itself.
	case hasSourceRoute(header.Options):
		return DropSourceRoute
	case h.isBroadcast(p.dst), p.dst.IsMulticast() && h.inGroup(n, p.dst):
		p.toMany = true
		return DropNone
	case p.dst.IsMulticast(), !h.isOwn(p.dst):
		return DropNotOurs
	// RFC 1122 §3.3.6: SHOULD discard what came to all stations but is for one host.
	case p.toMany:
		return DropMartian
	}
	return DropNone
}

func hasSourceRoute(options []byte) bool {
	list := internet.IPv4Options(options)
	for option, rest, err := list.Next(); err == nil; option, rest, err = rest.Next() {
		if option.Kind == internet.LooseRoute || option.Kind == internet.StrictRoute {
			return true
		}
	}
	return false
}

// inputPacket puts fragments together.
func (h *Host) inputPacket(p *packet, header *internet.IPv4, out *outbox) {
	if header.Offset == 0 && header.Flags&internet.MoreFragments == 0 {
		h.deliver(p, header.Protocol, out)
		return
	}
	if whole, ok := h.reassemble(p, header); ok {
		h.deliver(&whole, header.Protocol, out)
		whole.free()
	}
}

// deliver hands a whole packet to its protocol. TCP gets its own at the end of the
// batch.
func (h *Host) deliver(p *packet, proto internet.Protocol, out *outbox) {
	switch proto {
	case internet.TCP:
		if p.toMany { // RFC 9293 §3.9.2.3, MUST-57
			h.drop(DropNotOurs, p.whole)
			return
		}
		n := p.nic
		n.segments = append(n.segments, *p)
		p.frame = nil // it is the batch's
	case internet.UDP:
		h.inputUDP(p, out)
	case internet.ICMP:
		h.inputICMP(p, out)
	case internet.IGMP:
		h.inputIGMP(p, out)
	default:
		h.drop(DropProtocol, p.whole)
		h.report(p, internet.ICMPv4Unreachable, internet.ICMPv4ProtocolUnreachable, 0, out)
	}
}
