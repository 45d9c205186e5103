package ladder

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"dialtone/app/quantity"
	"dialtone/internet"
	"dialtone/link"
	"dialtone/observe/capture"
)

// A Box is one layer of a frame: a header's fields, or bytes that no header
// explains.
type Box struct {
	Kind       capture.Kind
	Name       string // "IPv4", "TCP", "payload"
	Depth      int    // how many boxes it lies in
	Start, End int    // its bytes in the frame
	Summary    string // the layer in a few words: "192.0.2.1 → 192.0.2.7"
	Fields     []Field
}

// A Field is a named part of a header. Fields of one box lie behind each other,
// except that those of an option or a list lie in it.
type Field struct {
	Name       string // as the header's RFC has it: "time to live"
	Value      string // "64", "0x1c46"; escaped
	Note       string // what the value means or whether it is right: "good", "SYN ACK"; empty for nothing
	Bad        bool   // the note says that something is wrong
	Start, End int    // its bytes in the frame
	Bit, Bits  int    // where it has no whole bytes: the first bit, counted from the most significant of Start, and how many
	Fields     []Field
}

// Layers takes a frame apart for reading: its layers as they nest, outermost
// first. Every byte that was captured is in one of them. Checksums are judged as
// far as p.Verify has been called.
func Layers(p *capture.Packet) []Box {
	var boxes []Box
	at := 0 // bytes before it are in a box
	for _, l := range p.Layers() {
		if int(l.Start) > at {
			boxes = append(boxes, unknown(p, len(boxes), at, int(l.Start)))
		}
		d := &dissection{packet: p, layer: l, b: p.Data[l.Start:l.End], base: int(l.Start)}
		d.box = Box{Kind: l.Kind, Name: KindName(l.Kind), Depth: len(boxes), Start: int(l.Start), End: int(l.End)}
		if l.Kind == capture.KindTrailer {
			d.box.Depth = 1
		}
		d.take()
		boxes = append(boxes, d.box)
		at = max(at, int(l.End))
	}
	if at < len(p.Data) {
		boxes = append(boxes, unknown(p, len(boxes), at, len(p.Data)))
	}
	return boxes
}

// unknown is a box of bytes that could not be taken apart, and why.
func unknown(p *capture.Packet, depth, start, end int) Box {
	b := Box{Name: "not taken apart", Depth: depth, Start: start, End: end}
	if p.Err != nil {
		b.Summary = p.Err.Error()
	}
	return b
}

// dissection makes a box of one layer.
type dissection struct {
	packet *capture.Packet
	layer  capture.Layer
	b      []byte // the layer's bytes
	base   int    // where they start in the frame
	box    Box
}

// KindName names a kind of layer as people do: "802.1Q tag", "IPv4".
func KindName(k capture.Kind) string {
	switch k {
	case capture.KindEthernet:
		return "Ethernet"
	case capture.KindVLAN:
		return "VLAN tag"
	case capture.KindLLC:
		return "LLC"
	case capture.KindSNAP:
		return "SNAP"
	case capture.KindSLL:
		return "Linux cooked"
	case capture.KindSLL2:
		return "Linux cooked v2"
	case capture.KindLoopback:
		return "loopback"
	case capture.KindARP:
		return "ARP"
	case capture.KindRARP:
		return "RARP"
	case capture.KindIPv4:
		return "IPv4"
	case capture.KindIPv6:
		return "IPv6"
	case capture.KindHopByHop:
		return "IPv6 hop-by-hop options"
	case capture.KindRouting:
		return "IPv6 routing"
	case capture.KindFragment:
		return "IPv6 fragment"
	case capture.KindDestination:
		return "IPv6 destination options"
	case capture.KindAuth:
		return "AH"
	case capture.KindICMPv4:
		return "ICMP"
	case capture.KindICMPv6:
		return "ICMPv6"
	case capture.KindIGMP:
		return "IGMP"
	case capture.KindUDP:
		return "UDP"
	case capture.KindTCP:
		return "TCP"
	case capture.KindPayload:
		return "payload"
	case capture.KindTrailer:
		return "trailer"
	}
	return "bytes"
}

func (d *dissection) take() {
	switch d.layer.Kind {
	case capture.KindEthernet:
		d.ethernet()
	case capture.KindVLAN:
		d.vlan()
	case capture.KindLLC:
		d.llc()
	case capture.KindSNAP:
		d.snap()
	case capture.KindSLL:
		d.sll()
	case capture.KindSLL2:
		d.sll2()
	case capture.KindLoopback:
		d.loopback()
	case capture.KindARP, capture.KindRARP:
		d.arp()
	case capture.KindIPv4:
		d.ipv4()
	case capture.KindIPv6:
		d.ipv6()
	case capture.KindHopByHop, capture.KindRouting, capture.KindDestination, capture.KindAuth:
		d.extension()
	case capture.KindFragment:
		d.fragment()
	case capture.KindICMPv4:
		d.icmp(internet.ICMP)
	case capture.KindICMPv6:
		d.icmp(internet.ICMPv6)
	case capture.KindIGMP:
		d.igmp()
	case capture.KindUDP:
		d.udp()
	case capture.KindTCP:
		d.tcp()
	default:
		d.payload()
	}
}

// field adds n bytes from at, where they are there, and returns the field to be
// added to.
func (d *dissection) field(name string, at, n int, value string) *Field {
	if at < 0 || n < 0 || at+n > len(d.b) {
		return new(Field)
	}
	d.box.Fields = append(d.box.Fields, Field{Name: name, Value: value, Start: d.base + at, End: d.base + at + n})
	return &d.box.Fields[len(d.box.Fields)-1]
}

// inner adds a field that lies in f.
func (f *Field) inner(g Field) *Field {
	f.Fields = append(f.Fields, g)
	return &f.Fields[len(f.Fields)-1]
}

// bits adds a field of n bits, the first of them bit after that many from the
// most significant of byte at.
func (d *dissection) bits(name string, at, bit, n int) *Field {
	size := (bit + n + 7) / 8
	if at+size > len(d.b) {
		return new(Field)
	}
	var v uint64
	for _, x := range d.b[at : at+size] {
		v = v<<8 | uint64(x)
	}
	v = v >> (size*8 - bit - n) & (1<<n - 1)
	f := d.field(name, at, size, fmt.Sprint(v))
	f.Bit, f.Bits = bit, n
	return f
}

func (d *dissection) u8(name string, at int) *Field {
	return d.field(name, at, 1, fmt.Sprint(d.num(at, 1)))
}

func (d *dissection) u16(name string, at int) *Field {
	return d.field(name, at, 2, fmt.Sprint(d.num(at, 2)))
}

func (d *dissection) u32(name string, at int) *Field {
	return d.field(name, at, 4, fmt.Sprint(d.num(at, 4)))
}

func (d *dissection) hex(name string, at, n int) *Field {
	return d.field(name, at, n, fmt.Sprintf("0x%0*x", 2*n, d.num(at, n)))
}

// num reads n bytes, at most 8; 0 where they are not there.
func (d *dissection) num(at, n int) (v uint64) {
	if at+n > len(d.b) {
		return 0
	}
	for _, x := range d.b[at : at+n] {
		v = v<<8 | uint64(x)
	}
	return v
}

func (d *dissection) mac(name string, at int) *Field {
	if at+6 > len(d.b) {
		return new(Field)
	}
	m := link.MAC(d.b[at : at+6])
	f := d.field(name, at, 6, m.String())
	switch {
	case m.IsBroadcast():
		f.Note = "broadcast"
	case m.IsMulticast():
		f.Note = "multicast"
	case m != link.MAC{} && m.IsLocal():
		f.Note = "locally administered"
	}
	return f
}

// addr adds an address of 4 or 16 bytes.
func (d *dissection) addr(name string, at, n int) *Field {
	if at+n > len(d.b) {
		return new(Field)
	}
	return d.field(name, at, n, addrText(d.b[at:at+n]))
}

func addrText(b []byte) string {
	a, _ := netip.AddrFromSlice(b)
	return a.String()
}

// etherType names the EtherType of two bytes.
func (d *dissection) etherType(name string, at int) {
	d.hex(name, at, 2).Note = link.EtherType(d.num(at, 2)).String()
}

func (d *dissection) protocol(name string, at int) {
	d.u8(name, at).Note = internet.Protocol(d.num(at, 1)).String()
}

// verdict notes what is known of a checksum.
func (f *Field) verdict(v capture.Verdict) {
	switch v {
	case capture.ChecksumGood:
		f.Note = "good"
	case capture.ChecksumBad:
		f.Note, f.Bad = "wrong: not the one of these bytes", true
	case capture.ChecksumPartial:
		f.Note = "left to the device: captured before it was filled in"
	default:
		f.Note = "not checked: not all of what it covers is here"
	}
}

// payload is bytes that belong to whoever is above.
func (d *dissection) payload() {
	d.box.Summary = quantity.CountOf(int64(len(d.b)), "byte")
}

// rest adds what is left from at on as bytes.
func (d *dissection) rest(name string, at int) {
	if at < len(d.b) {
		d.field(name, at, len(d.b)-at, quantity.CountOf(int64(len(d.b)-at), "byte"))
	}
}

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
