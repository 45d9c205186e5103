package capture

import (
	"net/netip"

	"dialtone/internet"
)

// ipv4 takes a packet apart that starts at at; the link layer has it end at end, or
// later than was captured.
func (p *Packet) ipv4(at, end int) {
	var h internet.IPv4
	payload, err := h.Parse(p.Data[at:end])
	if err != nil {
		p.stop(err, at)
		return
	}
	start := at + h.Size()
	p.add(KindIPv4, at, start)
	p.ip, p.Version = at, 4
	p.Src, p.Dst = netip.AddrFrom4(h.Src), netip.AddrFrom4(h.Dst)
	p.ID, p.TTL, p.DF = uint32(h.ID), h.TTL, h.Flags&internet.DontFragment != 0
	p.More, p.FragOff = h.Flags&internet.MoreFragments != 0, int(h.Offset)*8
	p.total(at, int(h.TotalLength), h.TotalLength == 0)
	p.end = start + len(payload)
	if p.FragOff > 0 { // what follows is the middle of something
		p.carried(h.Protocol, start)
	} else {
		p.inside(h.Protocol, start)
	}
	p.trailer(p.end)
}

func (p *Packet) ipv6(at, end int) {
	var h internet.IPv6
	payload, err := h.Parse(p.Data[at:end])
	if err != nil {
		p.stop(err, at)
		return
	}
	start := at + ipv6Header
	p.add(KindIPv6, at, start)
	p.ip, p.Version = at, 6
	p.Src, p.Dst = netip.AddrFrom16(h.Src), netip.AddrFrom16(h.Dst)
	p.TTL, p.DF = h.HopLimit, true
	p.total(at, ipv6Header+int(h.PayloadLength), h.PayloadLength == 0 && h.NextHeader != internet.NoNext)
	p.end = start + len(payload)
	p.inside(h.NextHeader, start)
	p.trailer(p.end)
}

const ipv6Header = 40

// total notes how long a packet is by its header, which cannot be more than the frame
// had room for. A super-packet that is too long for the field has 0 there.
func (p *Packet) total(at, size int, super bool) {
	p.Total = max(p.Wire, len(p.Data)) - at
	if !super {
		p.Total = min(p.Total, size)
	}
}

// inside goes through extension headers, to what a packet carries.
func (p *Packet) inside(next internet.Protocol, at int) {
	for {
		switch kindOf(next) {
		case KindNone:
			p.carried(next, at)
			return
		case KindFragment:
			f, _, err := internet.ParseFragment(p.Data[at:p.end])
			if !p.extension(KindFragment, at, at+8, err) {
				return
			}
			p.ID, p.More, p.FragOff = f.ID, f.Flags&internet.MoreFragments != 0, int(f.Offset)*8
			next, at = f.Next, at+8
			if p.FragOff > 0 {
				p.carried(next, at)
				return
			}
		default:
			e, payload, err := internet.ParseExtension(next, p.Data[at:p.end])
			if !p.extension(kindOf(next), at, p.end-len(payload), err) {
				return
			}
			if next == internet.HopByHop && p.Version == 6 {
				p.jumbo(&e)
			}
			next, at = e.Next, p.end-len(payload)
		}
	}
}

// extension notes an extension header; false where there is none to go on from.
func (p *Packet) extension(kind Kind, at, end int, err error) bool {
	if err != nil {
		p.stop(err, at)
		p.transport = at
		return false
	}
	return p.add(kind, at, end)
}

// jumbo takes a packet's length from its jumbo payload option (RFC 2675 §2).
func (p *Packet) jumbo(e *internet.Extension) {
	for options := e.Options(); ; {
		o, rest, err := options.Next()
		if err != nil {
			return
		}
		if n, ok := o.Jumbo(); ok {
			p.total(p.ip, ipv6Header+int(n), false)
			return
		}
		options = rest
	}
}

// carried goes on with the transport protocol behind all IP headers.
func (p *Packet) carried(protocol internet.Protocol, at int) {
	p.Protocol, p.transport = protocol, at
	size := p.Total - (at - p.ip) // bytes behind the IP headers, captured or not
	if p.FragOff > 0 {
		p.payload(at, p.end, size)
		return
	}
	switch protocol {
	case internet.TCP:
		p.tcp(at, size)
	case internet.UDP:
		p.udp(at, size)
	case internet.ICMP, internet.ICMPv6:
		p.icmp(at, size)
	case internet.IGMP:
		p.igmp(at, size)
	default:
		p.payload(at, p.end, size)
	}
}
