package filter

import (
	"fmt"
	"slices"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/observe/capture"

	"golang.org/x/net/bpf"
)

// typeTerm is what a frame carries, behind its tags.
type typeTerm struct {
	word string // "ip", "ip6", "arp", "rarp", or "" for another
	kind uint16 // EtherType
}

func (t typeTerm) String() string {
	if t.word != "" {
		return t.word
	}
	return fmt.Sprintf("ether proto 0x%04x", t.kind)
}

func (t typeTerm) match(p *capture.Packet, _ Subject) bool {
	switch t.word {
	case "ip":
		return p.Version == 4
	case "ip6":
		return p.Version == 6
	case "arp":
		_, kind := arpOf(p)
		return kind == capture.KindARP
	case "rarp":
		_, kind := arpOf(p)
		return kind == capture.KindRARP
	}
	kind, ok := etherType(p)
	return ok && kind == t.kind
}

func (t typeTerm) emit(a *assembler, yes, no label) {
	if t.word != "" || a.frame == frameRaw { // whose header must be whole
		a.use(network)
	}
	a.load(mType)
	a.jumpIf(bpf.JumpEqual, uint32(t.kind), yes, no)
}

// typeOf returns the EtherType of a word of the language.
func typeOf(w string) uint32 {
	return uint32(map[string]link.EtherType{
		"ip": link.TypeIPv4, "ip6": link.TypeIPv6, "arp": link.TypeARP, "rarp": link.TypeRARP,
	}[w])
}

// protocolTerm is what an IP packet carries, behind extension headers.
type protocolTerm struct {
	version  uint8 // 4, 6, or 0 for both
	protocol internet.Protocol
}

func (t protocolTerm) String() string {
	for _, w := range []string{"tcp", "udp", "icmp", "icmp6", "igmp"} {
		if t == wordProtocol(w) {
			return w
		}
	}
	return fmt.Sprintf("%sproto %d", map[uint8]string{4: "ip ", 6: "ip6 "}[t.version], t.protocol)
}

// wordProtocol is what a word means as a term of its own; the zero term for others.
func wordProtocol(w string) protocolTerm {
	switch w {
	case "tcp":
		return protocolTerm{0, internet.TCP}
	case "udp":
		return protocolTerm{0, internet.UDP}
	case "icmp":
		return protocolTerm{4, internet.ICMP}
	case "icmp6":
		return protocolTerm{6, internet.ICMPv6}
	case "igmp":
		return protocolTerm{4, internet.IGMP}
	}
	return protocolTerm{}
}

func (t protocolTerm) match(p *capture.Packet, _ Subject) bool {
	return p.Version != 0 && (t.version == 0 || t.version == p.Version) && p.Protocol == t.protocol
}

func (t protocolTerm) emit(a *assembler, yes, no label) {
	a.use(extensions)
	if t.version != 0 {
		right := a.label()
		a.load(mType)
		a.jumpIf(bpf.JumpEqual, typeOf(map[uint8]string{4: "ip", 6: "ip6"}[t.version]), right, no)
		a.place(right)
	}
	a.load(mProtocol)
	a.jumpIf(bpf.JumpEqual, uint32(t.protocol), yes, no)
}

// protocol is a word of protocolWords as a term of its own.
func (p *parser) protocol(w string) (node, error) {
	if w == "ether" {
		next, _ := p.Peek()
		return nil, p.Fault(next, "expected host or proto behind ether")
	}
	if t := wordProtocol(w); t != (protocolTerm{}) {
		return t, nil
	}
	return typeTerm{w, uint16(typeOf(w))}, nil
}

// number reads the value of proto.
func (p *parser) number(q qualifiers) (node, error) {
	w, _ := p.Peek()
	if q.protocol == "ether" {
		if slices.Contains([]string{"ip", "ip6", "arp", "rarp"}, w.Text) {
			p.Skip()
			return typeTerm{w.Text, uint16(typeOf(w.Text))}, nil
		}
		n, err := p.Integer("an EtherType such as 0x88cc", 1<<16-1)
		return typeTerm{"", uint16(n)}, err
	}
	version := map[string]uint8{"ip": 4, "ip6": 6}[q.protocol]
	if t := wordProtocol(w.Text); t != (protocolTerm{}) {
		p.Skip()
		return protocolTerm{version, t.protocol}, nil
	}
	n, err := p.Integer("a protocol's number", 255)
	return protocolTerm{version, internet.Protocol(n)}, err
}
