package filter

import (
	"fmt"

	"dialtone/internet"
	"dialtone/observe/capture"

	"golang.org/x/net/bpf"
)

// portTerm is a range of ports, of TCP and UDP or of one of them. A fragment but the
// first has none.
type portTerm struct {
	protocol    string // "tcp", "udp" or ""
	direction   direction
	first, last uint16
}

func (t portTerm) String() string {
	protocol := t.protocol
	if protocol != "" {
		protocol += " "
	}
	if t.first == t.last {
		return fmt.Sprintf("%s%sport %d", protocol, t.direction, t.first)
	}
	return fmt.Sprintf("%s%sportrange %d-%d", protocol, t.direction, t.first, t.last)
}

func (t portTerm) match(p *capture.Packet, _ Subject) bool {
	switch {
	case p.Protocol != internet.TCP && p.Protocol != internet.UDP:
		return false
	case t.protocol == "tcp" && p.Protocol != internet.TCP, t.protocol == "udp" && p.Protocol != internet.UDP:
		return false
	case !p.HasTCP && !p.HasUDP && p.SrcPort == 0 && p.DstPort == 0: // not captured
		return false
	}
	return t.direction.holds(t.first <= p.SrcPort && p.SrcPort <= t.last, t.first <= p.DstPort && p.DstPort <= t.last)
}

func (t portTerm) emit(a *assembler, yes, no label) {
	a.use(transport)
	if t.protocol != "" {
		right := a.label()
		a.load(mProtocol)
		a.jumpIf(bpf.JumpEqual, uint32(wordProtocol(t.protocol).protocol), right, no)
		a.place(right)
	}
	there := a.label()
	a.load(mTransport)
	a.jumpIf(bpf.JumpEqual, 0, no, there)
	a.place(there)
	a.loadX(mTransport)
	t.direction.emit(a,
		func(yes, no label) { t.portAt(a, 0, yes, no) },
		func(yes, no label) { t.portAt(a, 2, yes, no) }, yes, no)
}

// portAt compares the port at X+off.
func (t portTerm) portAt(a *assembler, off uint32, yes, no label) {
	a.add(bpf.LoadIndirect{Off: off, Size: 2})
	if t.first == t.last {
		a.jumpIf(bpf.JumpEqual, uint32(t.first), yes, no)
		return
	}
	below := a.label()
	a.jumpIf(bpf.JumpGreaterOrEqual, uint32(t.first), below, no)
	a.place(below)
	a.jumpIf(bpf.JumpGreaterThan, uint32(t.last), no, yes)
}

// port reads a port, or two with a hyphen between.
func (p *parser) port(q qualifiers) (node, error) {
	first, last, err := p.Ports(p.ctx, q.kind, q.protocol)
	return portTerm{q.protocol, q.direction, first, last}, err
}
