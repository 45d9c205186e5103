package flow

import (
	"encoding/binary"
	"net/netip"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// quote is the packet that an ICMP error quotes, as far as it is needed here: of a
// TCP segment the error may have no more than the first eight bytes (RFC 792).
type quote struct {
	src, dst     netip.Addr
	version      uint8
	protocol     internet.Protocol
	sport, dport uint16
	seq          tcp.Seq // of TCP
	kind, code   uint8   // of the error
}

// addError adds an ICMP error that quotes a packet of a conversation that is known.
// The event is the conversation's, from the end to which the quoted packet went, though
// a router between may have sent the error; its Seq is the quoted one's.
func (t *Tracker) addError(p *capture.Packet) *Event {
	q, ok := quoted(p)
	if !ok {
		return nil
	}
	k := key{kind: uint64(p.VLAN) | uint64(q.protocol)<<32 | uint64(q.version)<<40}
	turned := k.between(q.src, q.dst, uint64(q.sport), uint64(q.dport))
	c := t.table.find(&k, t.seed.hash(&k))
	if c == nil {
		return nil
	}
	sender := c.end(turned)
	e := t.begin(c, 1-sender, p)
	e.Len, e.Window = 0, -1
	f := Finding{
		Label: LabelUnreachable, Rule: RuleUnreachable, Frame: p.Number,
		Frames: [2]int64{c.ends[sender].lastFrame},
		Values: [4]int64{int64(q.kind), int64(q.code)},
	}
	if q.protocol == internet.TCP {
		e.Seq = c.ends[sender].rel(q.seq)
		if s := c.ends[sender].sent.covers(q.seq, q.seq+1); s != nil {
			f.Frames[0] = s.frame
		}
	}
	e.Findings = append(e.Findings, f)
	c.unreachable(sender, q)
	for i := range e.After {
		e.After[i] = c.talk.Ends[i].State
	}
	t.settle(c)
	return e
}

// unreachable ends what the error ends: a connection that does not exist yet, and an
// exchange of datagrams with a port where no one listens. One that is open goes on:
// RFC 9293 §3.9.2.2 has it wait, as the route may come back.
func (c *conn) unreachable(sender int, q quote) {
	talk := c.talk
	hard := q.version == 4 && q.kind == 3 && q.code != 4 || q.version == 6 && q.kind == 1
	if !hard || talk.Closed != HowNot {
		return
	}
	if q.protocol == internet.TCP {
		if talk.Ends[sender].State != tcp.SynSent {
			return
		}
		talk.Ends[sender].State = tcp.Closed
	} else if port := q.version == 4 && q.code == 3 || q.version == 6 && q.code == 4; !port {
		return
	}
	talk.Closed = HowUnreachable
	if talk.Closer < 0 {
		talk.Closer = 1 - sender
	}
}

// quoted returns what an ICMP error quotes; ok is false for one that is no error, or
// has too little of the packet.
func quoted(p *capture.Packet) (q quote, ok bool) {
	ip, transport := -1, -1
	for _, l := range p.Layers() {
		start, end := int(l.Start), int(l.End)
		if end > len(p.Data) || start > end {
			return q, false
		}
		switch {
		case !l.Quoted && (l.Kind == capture.KindICMPv4 || l.Kind == capture.KindICMPv6):
			if end-start < 2 {
				return q, false
			}
			q.kind, q.code = p.Data[start], p.Data[start+1]
		case !l.Quoted:
		case l.Kind == capture.KindIPv4 || l.Kind == capture.KindIPv6:
			ip, transport = start, end
			q.protocol = nextOf(l.Kind, p.Data[start:end])
			if laterFragment(p.Data[start:end]) {
				return q, false
			}
		case isExtension(l.Kind):
			transport = end
			q.protocol = nextOf(l.Kind, p.Data[start:end])
		}
	}
	if ip < 0 || !q.addresses(p.Data[ip:transport]) {
		return q, false
	}
	return q, q.ports(p.Data[transport:])
}

// laterFragment reports whether an IPv4 header is that of a fragment without ports.
func laterFragment(h []byte) bool {
	return len(h) >= 20 && h[0]>>4 == 4 && binary.BigEndian.Uint16(h[6:])&0x1fff != 0
}

func isExtension(k capture.Kind) bool {
	switch k {
	case capture.KindHopByHop, capture.KindRouting, capture.KindFragment, capture.KindDestination, capture.KindAuth:
		return true
	}
	return false
}

// nextOf returns what a header says is behind it; 0 if it is too short to say.
func nextOf(k capture.Kind, header []byte) internet.Protocol {
	at := 0 // of all extension headers (RFC 8200 §4)
	switch k {
	case capture.KindIPv4:
		at = 9
	case capture.KindIPv6:
		at = 6
	}
	if at >= len(header) {
		return 0
	}
	return internet.Protocol(header[at])
}

func (q *quote) addresses(h []byte) bool {
	switch {
	case len(h) >= 20 && h[0]>>4 == 4:
		q.version = 4
		q.src, q.dst = netip.AddrFrom4([4]byte(h[12:16])), netip.AddrFrom4([4]byte(h[16:20]))
	case len(h) >= 40 && h[0]>>4 == 6:
		q.version = 6
		q.src, q.dst = netip.AddrFrom16([16]byte(h[8:24])), netip.AddrFrom16([16]byte(h[24:40]))
	default:
		return false
	}
	return true
}

// ports reads the first eight bytes of TCP or UDP.
func (q *quote) ports(b []byte) bool {
	if len(b) < 8 || q.protocol != internet.TCP && q.protocol != internet.UDP {
		return false
	}
	q.sport, q.dport = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	q.seq = tcp.Seq(binary.BigEndian.Uint32(b[4:]))
	return true
}
