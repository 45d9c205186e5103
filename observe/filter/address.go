package filter

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

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

// address reads an address, a net, or a host's name.
func (p *parser) address(q qualifiers) (node, error) {
	what := "an address"
	if q.kind == "host" {
		what = "an address or a host's name"
	}
	w, err := p.value(what)
	if err != nil {
		return nil, err
	}
	prefix, perr := p.prefix(w, q.kind)
	switch {
	case perr == nil:
		t := prefixTerm{q.protocol, q.direction, prefix}
		if !t.in("ip") && !t.in("ip6") && !t.in("arp") && !t.in("rarp") {
			return nil, p.fault(w, "not an address of "+q.protocol)
		}
		return t, nil
	case !errors.Is(perr, errNotAddress):
		return nil, p.fault(w, perr.Error())
	case q.kind == "net" || !isName(w.text):
		return nil, p.fault(w, "expected "+what+", such as 192.0.2.1 or 2001:db8::/32")
	}
	return p.host(w, q)
}

var errNotAddress = errors.New("not an address")

// prefix reads A, A/B, A mask M, or the first bytes of an IPv4 net: 10, 192.168.
func (p *parser) prefix(w word, kind string) (netip.Prefix, error) {
	if kind == "net" {
		if mask, ok := p.mask(); ok {
			w.text += "/" + mask
		}
	}
	if addr, err := netip.ParseAddr(w.text); err == nil {
		addr = addr.Unmap()
		if addr.Zone() != "" {
			return netip.Prefix{}, errors.New("an address on the wire has no zone: leave out %" + addr.Zone())
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	net, err := netip.ParsePrefix(w.text)
	if err != nil {
		if net, err = shortNet(w.text); err != nil || kind != "net" {
			return net, errNotAddress
		}
	}
	switch {
	case kind == "host":
		return net, errors.New("a host has no prefix length: write net")
	case net != net.Masked():
		return net, fmt.Errorf("has bits behind its prefix: write %s", net.Masked())
	}
	return net, nil
}

// mask takes "mask 255.255.0.0" and returns the prefix length that it stands for.
func (p *parser) mask() (length string, ok bool) {
	if _, ok = p.take("mask"); !ok {
		return "", false
	}
	w, _ := p.value("a mask")
	m, err := netip.ParseAddr(w.text)
	if err != nil || !m.Is4() {
		return "mask " + w.text, true // no prefix: refused as one
	}
	b := be32(m.AsSlice())
	if n := bits.LeadingZeros32(^b); b<<n == 0 {
		return strconv.Itoa(n), true
	}
	return "mask " + w.text, true
}

// shortNet reads the first one to three bytes of an IPv4 net, and what is behind /.
func shortNet(text string) (netip.Prefix, error) {
	first, length, hasLength := strings.Cut(text, "/")
	dots := strings.Count(first, ".")
	if dots > 2 {
		return netip.Prefix{}, errNotAddress
	}
	if !hasLength {
		length = strconv.Itoa(8 * (dots + 1))
	}
	return netip.ParsePrefix(first + strings.Repeat(".0", 3-dots) + "/" + length)
}

// isAddress reports whether text is an address or a net, without looking anything up.
func isAddress(text string) bool {
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	_, err := netip.ParseAddr(text)
	return err == nil
}

// isName reports whether text could be a host's name.
func isName(text string) bool {
	return len(text) <= 255 && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r == '-' || r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127)
	})
}

// host looks a name up: any of its addresses.
func (p *parser) host(w word, q qualifiers) (node, error) {
	var found node = always(false)
	if !p.names {
		return found, nil
	}
	addrs, err := p.LookupHost(p.ctx, w.text)
	if err != nil {
		return nil, &Error{w.text, w.offset, "neither a word of a filter nor a host that is known", err}
	}
	for _, addr := range addrs {
		addr = addr.Unmap().WithZone("")
		t := prefixTerm{q.protocol, q.direction, netip.PrefixFrom(addr, addr.BitLen())}
		if t.in("ip") || t.in("ip6") || t.in("arp") || t.in("rarp") {
			found = either(found, t)
		}
	}
	if found == always(false) {
		return nil, p.fault(w, "this host has no address of "+q.protocol)
	}
	return found, nil
}
