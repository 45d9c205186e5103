package capture

import (
	"net/netip"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/transport/tcp"
)

// Decode takes a record apart into p, whose Record it becomes, in these steps:
//
//  1. the link layer's header and tags     decode_link.go
//  2. the IP header and its extensions     decode_ip.go
//  3. TCP, UDP, ICMP or IGMP               decode_transport.go
//  4. what an ICMP error quotes            decode_quote.go
//
// It never fails: p.Err says where it stopped, and the layers before are there. What
// the record has of the payload is not looked at: Verify judges checksums.
func Decode(r *Record, p *Packet) {
	p.reset(r)
	b := r.Data
	switch r.Link {
	case LinkEthernet:
		p.ethernet(b)
	case LinkSLL:
		p.cooked(b)
	case LinkSLL2:
		p.cooked2(b)
	case LinkNull, LinkLoop:
		p.loopback(b)
	case LinkRaw, LinkIPv4, LinkIPv6:
		p.raw(b)
	default:
		p.rest(0, len(b))
	}
}

// reset forgets the packet before, but for its layers, which count counts.
func (p *Packet) reset(r *Record) {
	p.Record, p.count = r, 0
	p.ip, p.transport, p.end = -1, -1, len(r.Data)
	p.VLAN, p.Version, p.Protocol = 0, 0, 0
	p.Src, p.Dst = netip.Addr{}, netip.Addr{}
	p.ID, p.TTL, p.DF, p.More, p.FragOff, p.Total = 0, 0, false, false, 0, 0
	p.SrcPort, p.DstPort, p.HasTCP, p.HasUDP = 0, 0, false, false
	p.TCP = tcp.Header{}
	p.Len, p.Payload, p.Fragments = 0, nil, nil
	p.IPChecksum, p.Checksum = ChecksumUnknown, ChecksumUnknown
	p.Err, p.At = nil, 0
}

var errDeep = &link.HeaderError{Layer: "packet", Rule: "more layers than are taken apart"}

// add notes a layer; false where there are too many.
func (p *Packet) add(kind Kind, start, end int) bool {
	if p.count == MaxLayers {
		p.Err, p.At = errDeep, start
		return false
	}
	p.layers[p.count] = Layer{Kind: kind, Start: uint32(start), End: uint32(end)}
	p.count++
	return true
}

// rest notes bytes that no header explains, if there are any.
func (p *Packet) rest(start, end int) {
	if start < end {
		p.add(KindPayload, start, end)
	}
}

// trailer notes bytes behind the packet.
func (p *Packet) trailer(start int) {
	if start < len(p.Data) {
		p.add(KindTrailer, start, len(p.Data))
	}
}

// stop ends the taking apart at a header that is none.
func (p *Packet) stop(err error, at int) {
	p.Err, _ = err.(*link.HeaderError)
	p.At = at
}

// payload is what the innermost header carries: bytes [start:end) were captured of
// the size that the headers tell.
func (p *Packet) payload(start, end, size int) {
	p.Len, p.Payload = max(size, 0), p.Data[start:end:end]
	p.rest(start, end)
}

// network goes on with the protocol that a link header names.
func (p *Packet) network(t link.EtherType, at, end int) {
	switch t {
	case link.TypeIPv4:
		p.ipv4(at, end)
	case link.TypeIPv6:
		p.ipv6(at, end)
	case link.TypeARP:
		p.arp(KindARP, at, end)
	case link.TypeRARP:
		p.arp(KindRARP, at, end)
	default:
		p.rest(at, end)
		p.trailer(end)
	}
}

func (p *Packet) arp(kind Kind, at, end int) {
	_, padding, err := link.ParseARP(p.Data[at:end])
	if err != nil {
		p.stop(err, at)
		return
	}
	end -= len(padding)
	p.add(kind, at, end)
	p.trailer(end)
}

// kindOf is the kind of an IPv6 extension header that Decode takes apart.
func kindOf(e internet.Protocol) Kind {
	switch e {
	case internet.HopByHop:
		return KindHopByHop
	case internet.Routing:
		return KindRouting
	case internet.Destination:
		return KindDestination
	case internet.AH:
		return KindAuth
	case internet.IPv6Frag:
		return KindFragment
	}
	return KindNone
}
