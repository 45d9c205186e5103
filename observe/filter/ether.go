package filter

import (
	"fmt"
	"net"

	"dialtone/link"
	"dialtone/observe/capture"

	"golang.org/x/net/bpf"
)

// macTerm is an address of an Ethernet frame. Cooked frames have the sender's alone.
type macTerm struct {
	direction direction
	mac       link.MAC
}

func (t macTerm) String() string {
	return fmt.Sprintf("ether %shost %s", t.direction, net.HardwareAddr(t.mac[:]))
}

func (t macTerm) match(p *capture.Packet, _ Subject) bool {
	switch h := p.Data; {
	case p.Link == capture.LinkEthernet && len(h) >= 14:
		return t.direction.holds(link.MAC(h[6:12]) == t.mac, link.MAC(h[:6]) == t.mac)
	case p.Link == capture.LinkSLL && len(h) >= 16: // length of the address at 4, it at 6
		return t.direction.holds(h[4] == 0 && h[5] == 6 && link.MAC(h[6:12]) == t.mac, false)
	case p.Link == capture.LinkSLL2 && len(h) >= 20: // at 11, at 12
		return t.direction.holds(h[11] == 6 && link.MAC(h[12:18]) == t.mac, false)
	}
	return false
}

func (t macTerm) emit(a *assembler, yes, no label) {
	switch a.frame {
	case frameEthernet:
		t.direction.emit(a,
			func(yes, no label) { t.macAt(a, 6, yes, no) },
			func(yes, no label) { t.macAt(a, 0, yes, no) }, yes, no)
	case frameRaw:
		a.jump(no)
	default: // left to Match
		a.jump(a.unsure)
	}
}

// macAt compares the address at off.
func (t macTerm) macAt(a *assembler, off uint32, yes, no label) {
	last := a.label()
	a.add(bpf.LoadAbsolute{Off: off + 2, Size: 4})
	a.jumpIf(bpf.JumpEqual, be32(t.mac[2:]), last, no)
	a.place(last)
	a.add(bpf.LoadAbsolute{Off: off, Size: 2})
	a.jumpIf(bpf.JumpEqual, uint32(t.mac[0])<<8|uint32(t.mac[1]), yes, no)
}

// mac reads an Ethernet address.
func (p *parser) mac(q qualifiers) (node, error) {
	w, err := p.Value("an Ethernet address")
	if err != nil {
		return nil, err
	}
	mac, perr := net.ParseMAC(w.Text)
	if perr != nil || len(mac) != 6 {
		return nil, p.Fault(w, "expected an Ethernet address such as 02:00:00:00:00:01")
	}
	return macTerm{q.direction, link.MAC(mac)}, nil
}

// etherType returns what a frame carries behind its tags, where its header says so.
func etherType(p *capture.Packet) (uint16, bool) {
	at, next := 12, 14
	switch p.Link {
	case capture.LinkEthernet:
	case capture.LinkSLL:
		at, next = 14, 16
	case capture.LinkSLL2:
		at, next = 0, 20
	default:
		if p.Version == 6 {
			return uint16(link.TypeIPv6), true
		}
		return uint16(link.TypeIPv4), p.Version == 4
	}
	for ; next <= len(p.Data); at, next = next+2, next+4 {
		kind := uint16(p.Data[at])<<8 | uint16(p.Data[at+1])
		if !link.EtherType(kind).IsTag() {
			return kind, kind >= minType
		}
	}
	return 0, false
}

// minType is the least EtherType: below, the field is a length (IEEE 802.3 §3.2.6).
const minType = 0x600
