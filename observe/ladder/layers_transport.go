package ladder

import (
	"fmt"
	"math/bits"

	"dialtone/app/quantity"
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// judged is the verdict on the packet's own transport checksum; what an ICMP
// error quotes has none.
func (d *dissection) judged() capture.Verdict {
	if d.layer.Quoted {
		return capture.ChecksumUnknown
	}
	return d.packet.Checksum
}

func (d *dissection) udp() {
	if len(d.b) < 8 {
		return
	}
	d.ports()
	d.u16("length", 4).Note = "header and data"
	f := d.hex("checksum", 6, 2)
	if d.num(6, 2) == 0 && d.packet.Version == 4 {
		f.Note = "none"
	} else {
		f.verdict(d.judged())
	}
}

func (d *dissection) ports() {
	d.box.Summary = fmt.Sprintf("%d → %d", be16(d.b), be16(d.b[2:]))
	d.u16("source port", 0)
	d.u16("destination port", 2)
}

func (d *dissection) tcp() {
	if len(d.b) < 8 {
		return // as much as an ICMP error must quote
	}
	d.ports()
	d.u32("sequence number", 4)
	if len(d.b) < 20 {
		d.rest("cut short", 8)
		return
	}
	flags := tcp.Flags(be16(d.b[12:]) & 0xfff)
	d.box.Summary += "  " + flags.String()
	d.u32("acknowledgment number", 8)
	d.bits("data offset", 12, 0, 4).Note = quantity.CountOf(int64(d.b[12]>>4)*4, "byte")
	d.bits("reserved", 12, 4, 3)
	d.flags(flags)
	d.u16("window", 14).Note = "not scaled"
	d.hex("checksum", 16, 2).verdict(d.judged())
	d.u16("urgent pointer", 18)
	d.tcpOptions()
}

// flags are nine bits, each of which has a name.
func (d *dissection) flags(flags tcp.Flags) {
	f := d.bits("flags", 12, 7, 9)
	f.Value = fmt.Sprintf("0x%03x", uint16(flags&0x1ff))
	f.Note = flags.String()
	for bit := tcp.AE; bit > 0; bit >>= 1 {
		n := bits.TrailingZeros16(uint16(bit))
		at := d.base + 13 - n/8
		f.inner(Field{Name: bit.String(), Value: fmt.Sprint(uint16(flags) >> n & 1), Start: at, End: at + 1, Bit: 7 - n%8, Bits: 1})
	}
}

func (d *dissection) tcpOptions() {
	list := tcp.Options(d.b[20:])
	for at := 20; ; {
		option, rest, err := list.Next()
		if err != nil {
			if err == tcp.ErrEnd {
				if at < len(d.b) {
					d.field("options end", at, len(d.b)-at, "padding")
				}
				return
			}
			d.brokenOptions(err, at, false)
			return
		}
		size := len(list) - len(rest)
		d.field("option", at, size, option.String())
		at, list = at+size, rest
	}
}
