package capture

import (
	"encoding/binary"

	"dialtone/internet"
	"dialtone/transport"
)

// Verify judges the checksums of a packet, IPChecksum and Checksum, which costs a
// pass over the bytes that they cover. It says nothing of what it cannot know: a
// fragment, a segment that was not captured whole, a UDP datagram without one.
func (p *Packet) Verify() {
	p.IPChecksum, p.Checksum = ChecksumUnknown, ChecksumUnknown
	if p.ip < 0 {
		return
	}
	if p.Version == 4 {
		p.IPChecksum = verdictIPv4(p.Data[p.ip:p.end])
	}
	if p.transport >= 0 && !p.More && p.FragOff == 0 {
		p.Checksum = p.verdict()
	}
}

// verdictIPv4 judges a header. One that is wrong and 0 was left to the device, as
// Windows and macOS do.
func verdictIPv4(packet []byte) Verdict {
	switch {
	case internet.CheckIPv4(packet):
		return ChecksumGood
	case packet[10] == 0 && packet[11] == 0:
		return ChecksumPartial
	}
	return ChecksumBad
}

// verdict judges the checksum of what the IP packet carries.
func (p *Packet) verdict() Verdict {
	var field int // where the checksum is in the header
	switch {
	case p.HasTCP:
		field = 16
	case p.HasUDP:
		field = 6
	case p.Protocol != internet.ICMP && p.Protocol != internet.ICMPv6 && p.Protocol != internet.IGMP:
		return ChecksumUnknown
	default:
		field = 2
	}
	b, whole := p.segment()
	switch {
	case len(b) < field+2:
		return ChecksumUnknown
	case p.HasUDP && b[field] == 0 && b[field+1] == 0: // RFC 768; in tunnels RFC 6935
		return ChecksumUnknown
	case p.Hints&HintPartial != 0:
		return ChecksumPartial
	case p.Hints&HintGood != 0:
		return ChecksumGood
	}
	pseudo, ok := p.pseudo(p.carriedLen())
	switch {
	case !ok:
		return ChecksumUnknown
	case whole && internet.Fold(internet.Sum(b, pseudo)) == 0:
		return ChecksumGood
	case p.partial(binary.BigEndian.Uint16(b[field:]), pseudo):
		return ChecksumPartial
	case !whole:
		return ChecksumUnknown
	}
	return ChecksumBad
}

// segment is what the checksum covers, as far as it was captured.
func (p *Packet) segment() (b []byte, whole bool) {
	n := p.carriedLen()
	b = p.Data[p.transport:p.end]
	if n < len(b) {
		b = b[:n]
	}
	return b, n == len(b)
}

// carriedLen is how long what the IP packet carries is: a datagram may be shorter
// than its packet.
func (p *Packet) carriedLen() int {
	n := p.Total - (p.transport - p.ip)
	if p.HasUDP {
		if udp := int(binary.BigEndian.Uint16(p.Data[p.transport+4:])); udp != 0 {
			n = udp
		}
	}
	return max(n, 0)
}

// partial says whether a checksum is that of the pseudo-header alone, not inverted:
// so the kernel leaves it to the device, which sums up the rest (and so GRO leaves
// what it has joined). Windows leaves the length out where the device cuts segments.
func (p *Packet) partial(field uint16, pseudo uint32) bool {
	if p.Protocol != internet.TCP && p.Protocol != internet.UDP {
		return false
	}
	without, _ := p.pseudo(0)
	return field == ^internet.Fold(pseudo) || field == ^internet.Fold(without)
}

// pseudo is the partial sum of the pseudo-header for n bytes, 0 where the protocol
// has none. It is not known where a source route hides the last destination.
func (p *Packet) pseudo(n int) (sum uint32, ok bool) {
	switch {
	case p.Protocol == internet.ICMP || p.Protocol == internet.IGMP:
		return 0, true
	case p.Version == 4:
		if p.sourceRouted() {
			return 0, false
		}
		// The kernel sums all of a super-packet's length, which has more than 16 bits.
		return transport.PseudoSum4(p.Src.As4(), p.Dst.As4(), p.Protocol, n&0xffff) + uint32(n>>16), true
	}
	dst, ok := p.lastDestination()
	return transport.PseudoSum6(p.Src.As16(), dst, p.Protocol, n), ok
}

// sourceRouted says whether the IPv4 header has an option that changes the
// destination on the way (RFC 791 §3.1).
func (p *Packet) sourceRouted() bool {
	h, _, _ := internet.ParseIPv4(p.Data[p.ip:p.end])
	for options := internet.IPv4Options(h.Options); ; {
		o, rest, err := options.Next()
		switch {
		case err != nil:
			return false
		case o.Kind == internet.LooseRoute || o.Kind == internet.StrictRoute:
			return true
		}
		options = rest
	}
}

// lastDestination is that of a packet which a routing header still sends on
// (RFC 8200 §8.1, RFC 8754 §4.3): the last address of the older types, the first of
// a segment list.
func (p *Packet) lastDestination() (dst [16]byte, ok bool) {
	for _, l := range p.Layers() {
		if l.Kind != KindRouting || l.Quoted {
			continue
		}
		e, _, err := internet.ParseExtension(internet.Routing, p.Data[l.Start:l.End])
		r, is := e.Route()
		if err != nil || !is || r.Left == 0 {
			continue
		}
		list := r.Addresses()
		switch {
		case len(list) < 16:
			return dst, false
		case r.Type == 4:
			return [16]byte(list), true
		}
		return [16]byte(list[len(list)-16:]), true
	}
	return p.Dst.As16(), true
}
