package ladder

import (
	"fmt"

	"dialtone/internet"
)

// icmp is a header of ICMP for IPv4 or IPv6, and what the type puts behind it.
func (d *dissection) icmp(p internet.Protocol) {
	h, _, err := internet.ParseICMP(d.b)
	if err != nil {
		return
	}
	d.box.Summary = icmpText(&h, p)
	d.u8("type", 0).Note = h.Name(p)
	d.u8("code", 1)
	d.hex("checksum", 2, 2).verdict(d.judged())
	d.icmpRest(&h, p)
	if p == internet.ICMPv6 {
		d.discovery(&h)
	} else {
		d.rest("body", 8)
	}
}

// icmpText says what a message is, with the figure that matters.
func icmpText(h *internet.ICMPHeader, p internet.Protocol) string {
	text := h.Name(p)
	if isEcho(h, p) {
		id, seq := h.Echo()
		return fmt.Sprintf("%s, id %d, seq %d", text, id, seq)
	}
	if mtu, ok := h.MTU(p); ok {
		return fmt.Sprintf("%s, MTU %d", text, mtu)
	}
	if gateway, ok := h.Gateway(); ok && p == internet.ICMP {
		return text + " to " + addrText(gateway[:])
	}
	return text
}

func isEcho(h *internet.ICMPHeader, p internet.Protocol) bool {
	if p == internet.ICMPv6 {
		return h.Type == internet.ICMPv6Echo || h.Type == internet.ICMPv6EchoReply
	}
	return h.Type == internet.ICMPv4Echo || h.Type == internet.ICMPv4EchoReply
}

// icmpRest is the second half of the header.
func (d *dissection) icmpRest(h *internet.ICMPHeader, p internet.Protocol) {
	_, hasMTU := h.MTU(p)
	_, hasGateway := h.Gateway()
	_, hasPointer := h.Pointer(p)
	switch {
	case isEcho(h, p):
		d.u16("identifier", 4)
		d.u16("sequence number", 6)
	case hasMTU && p == internet.ICMPv6:
		d.u32("MTU", 4)
	case hasMTU:
		d.u16("unused", 4)
		d.u16("next-hop MTU", 6)
	case hasGateway && p == internet.ICMP:
		d.addr("gateway", 4, 4)
	case hasPointer && p == internet.ICMPv6:
		d.u32("pointer", 4)
	case hasPointer:
		d.u8("pointer", 4)
		d.hex("unused", 5, 3)
	default:
		d.hex("rest of header", 4, 4)
	}
}

// discovery is what NDP (RFC 4861 §4) and MLD (RFC 2710 §3, RFC 3810 §5) have
// behind the header.
func (d *dissection) discovery(h *internet.ICMPHeader) {
	switch h.Type {
	case internet.ICMPv6RouterSolicitation:
		d.discoveryOptions(8)
	case internet.ICMPv6RouterAdvertisement:
		d.u32("reachable time", 8).Note = "ms"
		d.u32("retransmission timer", 12).Note = "ms"
		d.discoveryOptions(16)
	case internet.ICMPv6NeighborSolicitation, internet.ICMPv6NeighborAdvertisement:
		d.target("target address")
		d.discoveryOptions(24)
	case internet.ICMPv6Redirect:
		d.target("target address")
		d.addr("destination address", 24, 16)
		d.discoveryOptions(40)
	case internet.MLDQuery, internet.MLDReport, internet.MLDDone:
		d.target("multicast address")
		d.rest("body", 24)
	default:
		d.rest("body", 8)
	}
}

func (d *dissection) target(name string) {
	if len(d.b) >= 24 {
		d.box.Summary += " of " + addrText(d.b[8:24])
	}
	d.addr(name, 8, 16)
}

// discoveryOptions are lists of kind, length in units of 8 bytes, and value
// (RFC 4861 §4.6).
func (d *dissection) discoveryOptions(at int) {
	for at+2 <= len(d.b) {
		size := int(d.b[at+1]) * 8
		if size == 0 || at+size > len(d.b) {
			break
		}
		f := d.field("option", at, size, discoveryOption(d.b[at]))
		if (d.b[at] == 1 || d.b[at] == 2) && size == 8 {
			f.Note = fmt.Sprintf("% x", d.b[at+2:at+8])
		} else if d.b[at] == 3 && size == 32 {
			f.Note = fmt.Sprintf("%s/%d", addrText(d.b[at+16:at+32]), d.b[at+2])
		} else if d.b[at] == 5 && size == 8 {
			f.Note = fmt.Sprint(be32(d.b[at+4:]))
		}
		at += size
	}
	d.rest("not an option", at)
}

func discoveryOption(kind byte) string {
	switch kind {
	case 1:
		return "source link-layer address"
	case 2:
		return "target link-layer address"
	case 3:
		return "prefix information"
	case 4:
		return "redirected header"
	case 5:
		return "MTU"
	case 25:
		return "recursive DNS server"
	case 31:
		return "DNS search list"
	}
	return fmt.Sprintf("kind %d", kind)
}

// igmp is IGMPv1 to v3 (RFC 1112, 2236, 9776).
func (d *dissection) igmp() {
	if len(d.b) < 8 {
		return
	}
	d.u8("type", 0).Note = igmpName(d.b[0])
	d.u8("max resp code", 1)
	d.hex("checksum", 2, 2).verdict(d.judged())
	d.box.Summary = igmpName(d.b[0])
	if d.b[0] == 0x22 {
		d.u16("reserved", 4)
		d.u16("group records", 6)
	} else {
		d.addr("group address", 4, 4)
		d.box.Summary += " of " + addrText(d.b[4:8])
	}
	d.rest("body", 8)
}

func igmpName(kind byte) string {
	switch kind {
	case 0x11:
		return "membership query"
	case 0x12:
		return "membership report v1"
	case 0x16:
		return "membership report v2"
	case 0x17:
		return "leave group"
	case 0x22:
		return "membership report v3"
	}
	return fmt.Sprintf("type 0x%02x", kind)
}
