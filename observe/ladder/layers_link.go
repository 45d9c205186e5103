package ladder

import (
	"fmt"

	"dialtone/app/quantity"
	"dialtone/link"
)

func (d *dissection) ethernet() {
	h, _, err := link.ParseEthernet(d.packet.Data[d.base:])
	if err != nil {
		return
	}
	d.box.Summary = h.Src.String() + " → " + h.Dst.String()
	d.mac("destination", 0)
	d.mac("source", 6)
	if len(d.b) >= 14 {
		d.typeOrLength(len(d.b) - 2) // behind tags that are part of this layer
	}
}

// typeOrLength is the field that is an EtherType from 0x0600 on, and the length of
// an 802.3 frame below (IEEE 802.3 §3.2.6).
func (d *dissection) typeOrLength(at int) {
	if d.num(at, 2) >= 0x600 {
		d.etherType("type", at)
	} else {
		d.u16("length", at).Note = "IEEE 802.3: LLC follows"
	}
}

func (d *dissection) vlan() {
	if len(d.b) < 4 {
		return
	}
	d.box.Summary = fmt.Sprintf("VLAN %d", d.vlanID())
	d.vlanFields()
}

// vlanFields are those of a tag: where Decode lets it start with its own type or
// behind it does not matter to the control information, which comes first of what
// is no type.
func (d *dissection) vlanFields() {
	if link.EtherType(d.num(0, 2)).IsTag() {
		d.etherType("tag type", 0)
		d.control(2)
		return
	}
	d.control(0)
	d.typeOrLength(2)
}

func (d *dissection) vlanID() uint64 {
	if link.EtherType(d.num(0, 2)).IsTag() {
		return d.num(2, 2) & 0xfff
	}
	return d.num(0, 2) & 0xfff
}

func (d *dissection) control(at int) {
	d.bits("priority", at, 0, 3)
	d.bits("drop eligible", at, 3, 1)
	d.bits("VLAN ID", at, 4, 12)
}

func (d *dissection) llc() {
	h, _, err := link.ParseLLC(d.b)
	if err != nil {
		return
	}
	d.box.Summary = fmt.Sprintf("%s → %s", h.SSAP, h.DSAP)
	d.hex("destination service", 0, 1).Note = h.DSAP.String()
	d.hex("source service", 1, 1).Note = h.SSAP.String()
	d.hex("control", 2, len(d.b)-2)
}

func (d *dissection) snap() {
	h, _, err := link.ParseSNAP(d.b)
	if err != nil {
		return
	}
	d.box.Summary = h.Type.String()
	d.hex("organisation", 0, 3)
	d.etherType("type", 3)
}

func (d *dissection) sll() {
	d.hex("packet type", 0, 2).Note = link.PacketType(d.num(0, 2)).String()
	d.box.Summary = link.PacketType(d.num(0, 2)).String()
	d.u16("device type", 2).Note = hardwareName(d.num(2, 2))
	d.u16("address length", 4)
	d.cookedAddr(6, d.num(4, 2))
	d.etherType("type", 14)
}

func (d *dissection) sll2() {
	d.etherType("type", 0)
	d.u16("reserved", 2)
	d.u32("interface index", 4)
	d.u16("device type", 8).Note = hardwareName(d.num(8, 2))
	d.u8("packet type", 10).Note = link.PacketType(d.num(10, 1)).String()
	d.box.Summary = link.PacketType(d.num(10, 1)).String()
	d.u8("address length", 11)
	d.cookedAddr(12, d.num(11, 1))
}

// cookedAddr is a sender's address of up to 8 bytes.
func (d *dissection) cookedAddr(at int, n uint64) {
	size := int(min(n, 8))
	if size == 6 {
		d.mac("sender", at)
	} else if size > 0 {
		d.hex("sender", at, size)
	}
	if size < 8 {
		d.field("unused", at+size, 8-size, quantity.CountOf(int64(8-size), "byte"))
	}
}

// hardwareName names the usual ARPHRD_ values.
func hardwareName(n uint64) string {
	switch n {
	case 1:
		return "Ethernet"
	case 772:
		return "loopback"
	case 65534:
		return "none"
	}
	return ""
}

func (d *dissection) loopback() {
	h, _, err := link.ParseLoopback(d.b)
	if err != nil {
		return
	}
	d.box.Summary = h.Type().String()
	d.hex("family", 0, 4).Note = h.Type().String()
}

func (d *dissection) arp() {
	h, _, err := link.ParseARP(d.b)
	if err != nil {
		return
	}
	d.box.Summary = h.String()
	d.u16("hardware type", 0).Note = hardwareName(d.num(0, 2))
	d.etherType("protocol type", 2)
	d.u8("hardware address length", 4)
	d.u8("protocol address length", 5)
	d.u16("operation", 6).Note = operation(h.Op)
	d.mac("sender hardware address", 8)
	d.addr("sender protocol address", 14, 4)
	d.mac("target hardware address", 18)
	d.addr("target protocol address", 24, 4)
}

func operation(op uint16) string {
	switch op {
	case link.OpRequest:
		return "request"
	case link.OpReply:
		return "reply"
	case link.OpReverseRequest:
		return "reverse request"
	case link.OpReverseReply:
		return "reverse reply"
	}
	return ""
}
