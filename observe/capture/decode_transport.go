package capture

import (
	"encoding/binary"

	"dialtone/internet"
	"dialtone/transport/udp"
)

// tcp takes a segment apart that starts at at; the IP header has it size bytes long.
func (p *Packet) tcp(at, size int) {
	h := &p.TCP
	payload, err := h.Parse(p.Data[at:p.end])
	if err != nil {
		p.ports(at)
		p.stop(err, at)
		return
	}
	start := p.end - len(payload)
	p.add(KindTCP, at, start)
	p.HasTCP, p.SrcPort, p.DstPort = true, h.SrcPort, h.DstPort
	p.payload(start, p.end, size-(start-at))
}

func (p *Packet) udp(at, size int) {
	h, payload, err := udp.Parse(p.Data[at:p.end])
	if err != nil {
		p.ports(at)
		p.stop(err, at)
		return
	}
	start := at + udp.HeaderLen
	p.add(KindUDP, at, start)
	p.HasUDP, p.SrcPort, p.DstPort = true, h.SrcPort, h.DstPort
	if h.Length != 0 {
		size = min(size, int(h.Length))
	}
	end := start + len(payload)
	p.payload(start, end, size-udp.HeaderLen)
	if end < p.end { // the packet is longer than its datagram
		p.add(KindTrailer, end, p.end)
	}
}

// ports are known even where the rest of a TCP or UDP header is not.
func (p *Packet) ports(at int) {
	if b := p.Data[at:p.end]; len(b) >= 4 {
		p.SrcPort, p.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	}
}

// icmp takes a message apart. Of an echo the data is payload, of an error the packet
// that it quotes follows; any other message is a header as a whole.
func (p *Packet) icmp(at, size int) {
	h, body, err := internet.ParseICMP(p.Data[at:p.end])
	if err != nil {
		p.stop(err, at)
		return
	}
	start := p.end - len(body)
	switch {
	case h.IsError(p.Protocol):
		p.add(KindICMPv4+p.six(), at, start)
		p.Len, p.Payload = max(size-(start-at), 0), body
		quoted, _ := h.Quoted(p.Protocol, body)
		p.quote(start, start+len(quoted))
		p.rest(start+len(quoted), p.end)
	case isEcho(p.Protocol, h.Type):
		p.add(KindICMPv4+p.six(), at, start)
		p.payload(start, p.end, size-(start-at))
	default:
		p.add(KindICMPv4+p.six(), at, p.end)
		p.Len, p.Payload = max(size-(start-at), 0), body
	}
}

// six is 1 for ICMPv6, whose kind follows that of ICMP for IPv4.
func (p *Packet) six() Kind {
	if p.Protocol == internet.ICMPv6 {
		return KindICMPv6 - KindICMPv4
	}
	return 0
}

func isEcho(p internet.Protocol, kind uint8) bool {
	if p == internet.ICMPv6 {
		return kind == internet.ICMPv6Echo || kind == internet.ICMPv6EchoReply
	}
	return kind == internet.ICMPv4Echo || kind == internet.ICMPv4EchoReply
}

// igmp notes a message, which is a header as a whole.
func (p *Packet) igmp(at, size int) {
	if _, _, err := internet.ParseIGMP(p.Data[at:p.end]); err != nil {
		p.stop(err, at)
		return
	}
	p.add(KindIGMP, at, p.end)
	p.Len = max(size, 0)
	p.Payload = p.Data[at:p.end:p.end]
}
