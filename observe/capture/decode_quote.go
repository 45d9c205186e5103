package capture

import (
	"dialtone/internet"
	"dialtone/transport/tcp"
	"dialtone/transport/udp"
)

// quote takes the packet apart that an ICMP error quotes: its layers only, as many as
// there are. That it is cut short is no error: eight bytes behind its IP header are
// all that RFC 792 asks for.
func (p *Packet) quote(at, end int) {
	first, whole := p.count, end
	defer func() {
		for i := range p.layers[first:p.count] {
			p.layers[first+i].Quoted = true
		}
	}()
	next, at, end, ok := p.quoteIP(at, end)
	if !ok {
		p.rest(at, whole)
		return
	}
	start := at
	switch {
	case next == internet.TCP && end-at >= 8:
		if _, payload, err := tcp.Parse(p.Data[at:end]); err == nil {
			start = end - len(payload)
		} else {
			start = min(end, at+tcp.HeaderLen)
		}
		p.add(KindTCP, at, start)
	case next == internet.UDP && end-at >= udp.HeaderLen:
		start = at + udp.HeaderLen
		p.add(KindUDP, at, start)
	case (next == internet.ICMP || next == internet.ICMPv6) && end-at >= 8:
		start = at + 8
		if next == internet.ICMP {
			p.add(KindICMPv4, at, start)
		} else {
			p.add(KindICMPv6, at, start)
		}
	}
	p.rest(start, end)
	p.rest(end, whole) // zeros in front of extension objects (RFC 4884 §5)
}

// quoteIP notes the quoted IP headers. It returns where what follows starts and ends,
// with ok false where that is not the beginning of anything.
func (p *Packet) quoteIP(at, end int) (next internet.Protocol, start, stop int, ok bool) {
	b := p.Data[at:end]
	if p.Version == 4 {
		h, payload, err := internet.ParseIPv4(b)
		if err != nil {
			return 0, at, end, false
		}
		start = at + h.Size()
		return h.Protocol, start, start + len(payload), p.add(KindIPv4, at, start) && h.Offset == 0
	}
	h, payload, err := internet.ParseIPv6(b)
	if err != nil || !p.add(KindIPv6, at, at+ipv6Header) {
		return 0, at, end, false
	}
	return p.quoteExtensions(h.NextHeader, at+ipv6Header, at+ipv6Header+len(payload))
}

func (p *Packet) quoteExtensions(next internet.Protocol, at, end int) (internet.Protocol, int, int, bool) {
	for {
		kind, start, after, whole := kindOf(next), at, next, true
		switch kind {
		case KindNone:
			return next, at, end, true
		case KindFragment:
			f, payload, err := internet.ParseFragment(p.Data[at:end])
			if err != nil {
				return 0, at, end, false
			}
			after, start, whole = f.Next, end-len(payload), f.Offset == 0
		default:
			e, payload, err := internet.ParseExtension(next, p.Data[at:end])
			if err != nil {
				return 0, at, end, false
			}
			after, start = e.Next, end-len(payload)
		}
		if !p.add(kind, at, start) || !whole {
			return 0, start, end, false
		}
		next, at = after, start
	}
}
