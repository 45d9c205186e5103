package ladder

import (
	"fmt"

	"dialtone/app/quantity"
	"dialtone/internet"
)

func (d *dissection) ipv4() {
	if len(d.b) < 20 {
		return
	}
	d.box.Summary = addrText(d.b[12:16]) + " → " + addrText(d.b[16:20])
	d.bits("version", 0, 0, 4)
	d.bits("header length", 0, 4, 4).Note = quantity.CountOf(int64(d.b[0]&15)*4, "byte")
	d.trafficClass(1, 0)
	d.u16("total length", 2)
	d.hex("identification", 4, 2).Note = fmt.Sprint(d.num(4, 2))
	d.bits("reserved flag", 6, 0, 1)
	d.bits("don't fragment", 6, 1, 1)
	d.bits("more fragments", 6, 2, 1)
	d.bits("fragment offset", 6, 3, 13).Note = fragmentNote(d.num(6, 2) & 0x1fff)
	d.u8("time to live", 8)
	d.protocol("protocol", 9)
	f := d.hex("header checksum", 10, 2)
	if internet.CheckIPv4(d.b) {
		f.Note = "good"
	} else {
		f.Note, f.Bad = "wrong: not the one of these bytes", true
	}
	d.addr("source address", 12, 4)
	d.addr("destination address", 16, 4)
	d.ipv4Options()
}

func fragmentNote(units uint64) string {
	if units == 0 {
		return ""
	}
	return quantity.CountOf(int64(units)*8, "byte")
}

// trafficClass is DSCP and ECN, the first of them bit bits from byte at.
func (d *dissection) trafficClass(at, bit int) {
	d.bits("DSCP", at, bit, 6)
	f := d.bits("ECN", at+(bit+6)/8, (bit+6)%8, 2)
	// RFC 3168 §5.
	f.Note = [...]string{"no ECN", "ECT(1)", "ECT(0)", "congestion experienced"}[d.numBits(at+(bit+6)/8, (bit+6)%8, 2)]
}

// numBits reads n bits of one byte.
func (d *dissection) numBits(at, bit, n int) int {
	return int(d.num(at, 1)) >> (8 - bit - n) & (1<<n - 1)
}

func (d *dissection) ipv4Options() {
	list := internet.IPv4Options(d.b[min(20, len(d.b)):])
	for at := 20; ; {
		option, rest, err := list.Next()
		if err != nil {
			d.brokenOptions(err, at, err == internet.ErrEnd)
			return
		}
		size := len(list) - len(rest)
		d.field("option", at, size, option.Kind.String()).Note = routeText(option)
		at, list = at+size, rest
	}
}

// routeText are the addresses that an option of IPv4 holds.
func routeText(o internet.IPv4Option) (text string) {
	_, addresses, ok := o.Route()
	for ; ok && len(addresses) >= 4; addresses = addresses[4:] {
		text += addrText(addresses[:4]) + " "
	}
	return text
}

// brokenOptions adds what cannot be taken apart, with the rule that it breaks.
func (d *dissection) brokenOptions(err error, at int, end bool) {
	if end || at >= len(d.b) {
		return
	}
	f := d.field("options", at, len(d.b)-at, quantity.CountOf(int64(len(d.b)-at), "byte"))
	f.Note, f.Bad = err.Error(), true
}

func (d *dissection) ipv6() {
	if len(d.b) < 40 {
		return
	}
	d.box.Summary = addrText(d.b[8:24]) + " → " + addrText(d.b[24:40])
	d.bits("version", 0, 0, 4)
	d.bits("DSCP", 0, 4, 6)
	d.bits("ECN", 1, 2, 2).Note = [...]string{"no ECN", "ECT(1)", "ECT(0)", "congestion experienced"}[d.numBits(1, 2, 2)]
	d.bits("flow label", 1, 4, 20)
	d.u16("payload length", 4)
	d.protocol("next header", 6)
	d.u8("hop limit", 7)
	d.addr("source address", 8, 16)
	d.addr("destination address", 24, 16)
}

func (d *dissection) extension() {
	d.protocol("next header", 0)
	d.u8("header length", 1).Note = quantity.CountOf(int64(len(d.b)), "byte")
	switch d.box.Name {
	case "AH":
		d.u16("reserved", 2)
		d.hex("security parameters index", 4, 4)
		d.u32("sequence number", 8)
		d.rest("integrity check value", 12)
	case "IPv6 routing":
		d.u8("routing type", 2)
		d.u8("segments left", 3)
		d.hex("type-specific", 4, 4)
		at := 8
		for ; at+16 <= len(d.b); at += 16 {
			d.addr("address", at, 16)
		}
		d.rest("data", at)
	default:
		d.ipv6Options()
	}
}

func (d *dissection) ipv6Options() {
	list := internet.IPv6Options(d.b[min(2, len(d.b)):])
	for at := 2; ; {
		option, rest, err := list.Next()
		if err != nil {
			d.brokenOptions(err, at, err == internet.ErrEnd)
			return
		}
		size := len(list) - len(rest)
		f := d.field("option", at, size, option.Kind.String())
		if v, ok := option.RouterAlert(); ok {
			f.Note = fmt.Sprint(v)
		} else if v, ok := option.Jumbo(); ok {
			f.Note = quantity.CountOf(int64(v), "byte")
		}
		at, list = at+size, rest
	}
}

func (d *dissection) fragment() {
	if len(d.b) < 8 {
		return
	}
	d.box.Summary = fmt.Sprintf("bytes from %d of packet 0x%08x", d.num(2, 2)&^7, d.num(4, 4))
	d.protocol("next header", 0)
	d.u8("reserved", 1)
	d.bits("fragment offset", 2, 0, 13).Note = fragmentNote(d.num(2, 2) >> 3)
	d.bits("reserved", 3, 5, 2)
	d.bits("more fragments", 3, 7, 1)
	d.hex("identification", 4, 4)
}
