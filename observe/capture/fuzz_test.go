package capture

import (
	"bytes"
	"io"
	"testing"

	"dialtone/internet"
	"dialtone/link"
)

// FuzzPcap and FuzzPcapng give a file to a stream's reader and to one that has it all:
// they must agree.
func FuzzPcap(f *testing.F) {
	for _, o := range orders {
		f.Add(pcapFile(o, magicMicro, LinkEthernet, three()...))
		f.Add(pcapFile(o, magicNano, LinkRaw, three()[:1]...)[:40])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4 && !pcapMagic(b) {
			return
		}
		readTwice(t, b)
	})
}

func FuzzPcapng(f *testing.F) {
	for _, o := range orders {
		f.Add(threeNg(o))
		f.Add(join(sectionBlock(o, option(o, optionOS, "os")), interfaceBlock(o, LinkRaw, 4, option(o, optionResolution, "\x89"), option(o, optionName, "lo")),
			block(o, blockSimple, words(o, 9), []byte("cut ")),
			block(o, blockPacket, words(o, 0, 0, 1, 3, 7), []byte("old\x00")),
			block(o, blockSecrets, words(o, 0x544c534b, 4), []byte("keys")),
			block(o, blockStatistics, words(o, 0, 0, 0), option(o, optionDropped, "12345678")),
			packetBlock(o, 0, 1<<60, 1, "x", option(o, optionFlags, "\x02\x06\x00\x00"), option(o, optionComment, "why"))))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 || order32(b, false) != blockSection {
			return
		}
		readTwice(t, b)
	})
}

func readTwice(t *testing.T, b []byte) {
	stream, err := NewReader(bytes.NewReader(b))
	whole := &File{in: &input{data: b}}
	if err == nil {
		whole.format, err = whole.sniff()
	}
	if err != nil {
		return
	}
	writer, err := NewPcapngWriter(io.Discard, "")
	must(t, err)
	p := new(Packet)
	for n := 1; ; n++ {
		r, err := stream.Next()
		s, err2 := sliced(whole)
		if (err == nil) != (err2 == nil) || (err == io.EOF) != (err2 == io.EOF) {
			t.Fatalf("record %d: %v from a stream, %v from a file", n, err, err2)
		}
		if err != nil {
			return
		}
		if r.Number != int64(n) || !bytes.Equal(r.Data, s.Data) || r.Time != s.Time || r.Wire < len(r.Data) || len(r.Data) > maxRecord {
			t.Fatalf("record %d: %+v from a stream, %+v from a file", n, r, s)
		}
		must(t, writer.Write(r))
		Decode(r, p)
		holds(t, p)
		p.Verify()
	}
}

// sliced is Next of a file that is all there.
func sliced(f *File) (*Record, error) {
	for {
		at := f.in.offset()
		what, n, err := f.format.parse(f.in.rest(), at, &f.record)
		switch {
		case err != nil:
			return nil, err
		case what == foundShort && len(f.in.rest()) == 0:
			return nil, io.EOF
		case what == foundShort || n > int64(len(f.in.rest())):
			return nil, io.ErrUnexpectedEOF
		}
		f.in.pos += int(n)
		if what == foundFrame {
			return &f.record, nil
		}
	}
}

func FuzzDecode(f *testing.F) {
	segment := tcpSegment(pseudo4(internet.TCP), "data")
	packet := ip4(internet.TCP, segment)
	for _, b := range [][]byte{
		ethernet(link.TypeIPv4, packet, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6),
		ethernet(link.TypeARP, (&link.ARP{Op: 1}).Append(nil)),
		ethernet4(internet.ICMP, join([]byte{3, 3, 0, 0, 0, 32, 0, 0}, packet, make([]byte, 72), []byte("objects."))),
		ethernet(link.TypeIPv6, ip6(internet.ICMPv6, []byte{1, 4, 0, 0, 0, 0, 0, 0}, ip6(internet.UDP, make([]byte, 9)))),
		ethernet(link.TypeIPv6, ip6(internet.Routing, extension(internet.Routing, internet.TCP, "\x04\x01\x00\x00\x00\x000123456789abcdef"), segment)),
		ethernet(link.TypeIPv6, ip6(internet.HopByHop, extension(internet.HopByHop, internet.IPv6Frag, "\xc2\x04\x00\x01\x00\x00"), make([]byte, 20))),
		{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x45},
	} {
		f.Add(b, uint16(LinkEthernet), uint8(0), uint16(0))
		f.Add(b[14:], uint16(LinkRaw), uint8(HintSuper), uint16(60000))
	}
	for _, l := range []LinkType{LinkNull, LinkLoop, LinkSLL, LinkSLL2, LinkIPv4, LinkIPv6, 7} {
		f.Add(join([]byte{0, 0, 0, 2}, packet), uint16(l), uint8(HintPartial), uint16(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, l uint16, hints uint8, cut uint16) {
		p := new(Packet)
		var r Reassembler
		for n := range int64(2) { // also into a Packet that has been used
			Decode(&Record{Number: n, Data: b[:len(b):len(b)], Wire: len(b) + int(cut), Link: LinkType(l), Hints: Hints(hints)}, p)
			holds(t, p)
			p.Verify()
			if whole := r.Add(p); whole != nil {
				holds(t, whole)
			}
		}
	})
}

// FuzzReassembler has several fragments, each led by a byte for its length.
func FuzzReassembler(f *testing.F) {
	for _, version := range []int{4, 6} {
		var b []byte
		for _, p := range (cutting{version, "0123456789abcdefghijklmn", 7, 16}).fragments() {
			b = append(append(b, byte(len(p))), p...)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Reassembler{MaxBytes: 1000}
		p := new(Packet)
		for len(b) > 0 {
			n := min(int(b[0]), len(b)-1)
			Decode(&Record{Data: b[1 : 1+n : 1+n], Wire: n, Link: LinkRaw}, p)
			if whole := r.Add(p); whole != nil {
				holds(t, whole)
			}
			if b = b[1+n:]; held(&r) > 1000 || held(&r) < 0 {
				t.Fatalf("%d bytes are held", held(&r))
			}
		}
	})
}
