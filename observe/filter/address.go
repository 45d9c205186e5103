package filter

import (
	"net/netip"

	"dialtone/link"
	"dialtone/observe/capture"

	"golang.org/x/net/bpf"
)

// prefixTerm is an address, or a net of them, in an IP header or in ARP.
type prefixTerm struct {
	protocol  string // "ip", "ip6", "arp", "rarp", or "" for each that has such addresses
	direction direction
	prefix    netip.Prefix
}

func (t prefixTerm) String() string {
	protocol := t.protocol
	if protocol != "" {
		protocol += " "
	}
	if t.prefix.IsSingleIP() {
		return protocol + t.direction.String() + "host " + t.prefix.Addr().String()
	}
	return protocol + t.direction.String() + "net " + t.prefix.String()
}

// in reports whether the term looks at addresses of protocol.
func (t prefixTerm) in(protocol string) bool {
	if t.protocol != "" && t.protocol != protocol {
		return false
	}
	return t.prefix.Addr().Is4() != (protocol == "ip6")
}

func (t prefixTerm) match(p *capture.Packet, _ Subject) bool {
	switch {
	case p.Version == 4 && t.in("ip"), p.Version == 6 && t.in("ip6"):
		return t.direction.holds(t.prefix.Contains(p.Src), t.prefix.Contains(p.Dst))
	case p.Version != 0 || !t.in("arp") && !t.in("rarp"):
		return false
	}
	a, kind := arpOf(p)
	if kind == capture.KindARP && t.in("arp") || kind == capture.KindRARP && t.in("rarp") {
		sender, target := netip.AddrFrom4(a.SenderIP), netip.AddrFrom4(a.TargetIP)
		return t.direction.holds(t.prefix.Contains(sender), t.prefix.Contains(target))
	}
	return false
}

// arpOf returns the packet's ARP or RARP, and which of them it is.
func arpOf(p *capture.Packet) (link.ARP, capture.Kind) {
	for _, l := range p.Layers() {
		if l.Kind == capture.KindARP || l.Kind == capture.KindRARP {
			if a, _, err := link.ParseARP(p.Data[l.Start:l.End]); err == nil {
				return a, l.Kind
			}
		}
	}
	return link.ARP{}, capture.KindNone
}

func (t prefixTerm) emit(a *assembler, yes, no label) {
	a.use(network)
	for _, at := range []struct {
		protocol string
		src, dst uint32 // of the addresses behind the start of the network header
	}{{"ip", 12, 16}, {"ip6", 8, 24}, {"arp", 14, 24}, {"rarp", 14, 24}} {
		if !t.in(at.protocol) {
			continue
		}
		this, next := a.label(), a.label()
		a.load(mType)
		a.jumpIf(bpf.JumpEqual, typeOf(at.protocol), this, next)
		a.place(this)
		a.loadX(mNet)
		t.direction.emit(a,
			func(yes, no label) { t.prefixAt(a, at.src, yes, no) },
			func(yes, no label) { t.prefixAt(a, at.dst, yes, no) }, yes, no)
		a.place(next)
	}
	a.jump(no)
}

// prefixAt compares the address at X+off, a word at a time.
func (t prefixTerm) prefixAt(a *assembler, off uint32, yes, no label) {
	addr := t.prefix.Masked().Addr().AsSlice()
	for left := t.prefix.Bits(); left > 0; left -= 32 {
		mask := ^uint32(0) << max(0, 32-left)
		a.add(bpf.LoadIndirect{Off: off, Size: 4})
		if mask != ^uint32(0) {
			a.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
		}
		next := a.label()
		a.jumpIf(bpf.JumpEqual, be32(addr), next, no)
		a.place(next)
		addr, off = addr[4:], off+4
	}
	a.jump(yes)
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}
