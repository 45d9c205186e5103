package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/transport"
	"dialtone/transport/tcp"
	"dialtone/transport/udp"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	mac1, mac2 = link.MAC{2, 0, 0, 0, 0, 1}, link.MAC{2, 0, 0, 0, 0, 2}
	a4, b4     = [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}
	a6         = [16]byte{0xfd, 15: 1}
	b6         = [16]byte{0xfd, 15: 2}
)

// Packets are built inside out, each by the layer's own codec.

func tcpSegment(pseudo func(int) uint32, data string) []byte {
	h := tcp.Header{
		SrcPort: 4000, DstPort: 80, Seq: 7, Ack: 9, Flags: tcp.ACK | tcp.PSH, Window: 500,
		Options: tcp.Options{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2},
	}
	b := append(h.Append(nil), data...)
	tcp.Fill(pseudo(len(b)), b)
	return b
}

func udpDatagram(pseudo func(int) uint32, data string) []byte {
	h := udp.Header{SrcPort: 4000, DstPort: 53}
	b := append(h.Append(nil), data...)
	udp.Fill(pseudo(len(b)), b)
	return b
}

func pseudo4(p internet.Protocol) func(int) uint32 {
	return func(n int) uint32 { return transport.PseudoSum4(a4, b4, p, n) }
}

func pseudo6(p internet.Protocol) func(int) uint32 {
	return func(n int) uint32 { return transport.PseudoSum6(a6, b6, p, n) }
}

func ip4(p internet.Protocol, payload []byte, change ...func(*internet.IPv4)) []byte {
	h := internet.IPv4{ID: 77, TTL: 64, Flags: internet.DontFragment, Protocol: p, Src: a4, Dst: b4}
	for _, c := range change {
		c(&h)
	}
	b := append(h.Append(nil), payload...)
	internet.FillIPv4(b)
	return b
}

func ip6(next internet.Protocol, payload ...[]byte) []byte {
	h := internet.IPv6{NextHeader: next, HopLimit: 64, Src: a6, Dst: b6}
	b := append(h.Append(nil), join(payload...)...)
	internet.FillIPv6(b)
	return b
}

func extension(kind, next internet.Protocol, body string) []byte {
	e := internet.Extension{Kind: kind, Next: next, Body: []byte(body)}
	return e.Append(nil)
}

func ethernet(t link.EtherType, payload []byte, tags ...byte) []byte {
	h := link.Ethernet{Dst: mac2, Src: mac1, Type: t, Tags: tags}
	return append(h.Append(nil), payload...)
}

func ethernet4(p internet.Protocol, payload []byte) []byte {
	return ethernet(link.TypeIPv4, ip4(p, payload))
}

// decoded takes a frame apart and holds it against what is true of all.
func decoded(t rapid.TB, l LinkType, b []byte) *Packet {
	t.Helper()
	r := &Record{Data: b, Wire: len(b), Link: l}
	p := new(Packet)
	Decode(r, p)
	holds(t, p)
	return p
}

// holds checks what is true of every packet, whatever its bytes.
func holds(t rapid.TB, p *Packet) {
	t.Helper()
	at := 0
	for _, l := range p.Layers() {
		if int(l.Start) < at || int(l.End) < int(l.Start) || int(l.End) > len(p.Data) || l.Kind == KindNone {
			t.Fatalf("layers %v of %d bytes", p.Layers(), len(p.Data))
		}
		if p.Err == nil && int(l.Start) != at {
			t.Fatalf("layers %v leave a hole at %d", p.Layers(), at)
		}
		at = int(l.End)
	}
	if p.Err == nil && at != len(p.Data) {
		t.Fatalf("layers %v of %d bytes", p.Layers(), len(p.Data))
	}
	if p.At < 0 || p.At > len(p.Data) || p.Len < 0 || len(p.Payload) > len(p.Data) {
		t.Fatalf("at %d, length %d, payload %d of %d bytes", p.At, p.Len, len(p.Payload), len(p.Data))
	}
	if (p.Version != 0) != p.Src.IsValid() || (p.HasTCP || p.HasUDP) && p.Version == 0 {
		t.Fatalf("version %d, from %v", p.Version, p.Src)
	}
}

// shape writes layers as "Ethernet 0-14, IPv4 14-34".
func shape(p *Packet) string {
	var s []string
	for _, l := range p.Layers() {
		quoted := ""
		if l.Quoted {
			quoted = "'"
		}
		s = append(s, fmt.Sprintf("%s%s %d", kindWords[l.Kind], quoted, l.End-l.Start))
	}
	return strings.Join(s, ", ")
}

var kindWords = map[Kind]string{
	KindEthernet: "eth", KindVLAN: "vlan", KindLLC: "llc", KindSNAP: "snap", KindSLL: "sll", KindSLL2: "sll2",
	KindLoopback: "loop", KindARP: "arp", KindRARP: "rarp", KindIPv4: "ip4", KindIPv6: "ip6", KindHopByHop: "hop",
	KindRouting: "route", KindFragment: "frag", KindDestination: "dest", KindAuth: "ah", KindICMPv4: "icmp4",
	KindICMPv6: "icmp6", KindIGMP: "igmp", KindUDP: "udp", KindTCP: "tcp", KindPayload: "data", KindTrailer: "trailer",
}

func TestEveryFieldOfASegment(t *testing.T) {
	b := append(ethernet4(internet.TCP, tcpSegment(pseudo4(internet.TCP), "hello")), 0, 0) // padded
	p := decoded(t, LinkEthernet, b)
	if s := shape(p); s != "eth 14, ip4 20, tcp 32, data 5, trailer 2" {
		t.Error(s)
	}
	got := *p
	got.layers, got.count, got.Record = [MaxLayers]Layer{}, 0, nil
	want := Packet{
		ip: 14, transport: 34, end: len(b) - 2, Version: 4, Src: netip.AddrFrom4(a4), Dst: netip.AddrFrom4(b4),
		Protocol: internet.TCP, ID: 77, TTL: 64, DF: true, Total: 57, SrcPort: 4000, DstPort: 80, HasTCP: true,
		TCP: tcp.Header{
			SrcPort: 4000, DstPort: 80, Seq: 7, Ack: 9, Flags: tcp.ACK | tcp.PSH, Window: 500,
			Checksum: binary.BigEndian.Uint16(b[50:]), Options: tcp.Options{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2},
		},
		Len: 5, Payload: []byte("hello"),
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Packet{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestShapes(t *testing.T) {
	segment, datagram := tcpSegment(pseudo4(internet.TCP), "data"), udpDatagram(pseudo4(internet.UDP), "data")
	segment6 := tcpSegment(pseudo6(internet.TCP), "data")
	packet := ip4(internet.TCP, segment)
	arp := (&link.ARP{Op: 1}).Append(nil)
	frag := func(f internet.Fragment) []byte { return f.Append(nil) }
	sll := link.SLL{Type: link.TypeIPv4}
	sllTag := link.SLL{Type: link.TypeVLAN}
	sll2 := link.SLL2{Type: link.TypeIPv6}
	llc := append(link.LLC{DSAP: link.SAPSNAP, SSAP: link.SAPSNAP, Control: 3}.Append(nil), link.SNAP{Type: link.TypeIPv4}.Append(nil)...)
	llc = append(llc, packet...)
	snap := link.Ethernet{Length: uint16(len(llc))}
	stp := link.Ethernet{Length: 7}
	for _, test := range []struct {
		link LinkType
		b    []byte
		want string
	}{
		{LinkEthernet, ethernet(link.TypeIPv4, packet, 0x81, 0, 0, 5), "eth 14, vlan 4, ip4 20, tcp 32, data 4"},
		{LinkEthernet, ethernet(link.TypeIPv4, packet, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6), "eth 14, vlan 4, vlan 4, ip4 20, tcp 32, data 4"},
		{LinkEthernet, ethernet(link.TypeARP, append(arp, make([]byte, 18)...)), "eth 14, arp 28, trailer 18"},
		{LinkEthernet, ethernet(link.TypeRARP, arp), "eth 14, rarp 28"},
		{LinkEthernet, ethernet(link.TypeLLDP, []byte("what")), "eth 14, data 4"},
		{LinkEthernet, join(snap.Append(nil), llc, []byte("pad")), "eth 14, llc 3, snap 5, ip4 20, tcp 32, data 4, trailer 3"},
		{LinkEthernet, append(stp.Append(nil), 0x42, 0x42, 3, 1, 2, 3, 4, 0, 0), "eth 14, llc 3, data 4, trailer 2"},
		{LinkSLL, join(sll.Append(nil), packet), "sll 16, ip4 20, tcp 32, data 4"},
		{LinkSLL, join(sllTag.Append(nil), []byte{0, 5, 8, 0}, packet), "sll 16, vlan 4, ip4 20, tcp 32, data 4"},
		{LinkSLL2, join(sll2.Append(nil), ip6(internet.TCP, segment6)), "sll2 20, ip6 40, tcp 32, data 4"},
		{LinkNull, join([]byte{2, 0, 0, 0}, packet), "loop 4, ip4 20, tcp 32, data 4"},
		{LinkLoop, join([]byte{0, 0, 0, 24}, ip6(internet.TCP, segment6)), "loop 4, ip6 40, tcp 32, data 4"},
		{LinkNull, []byte{77, 0, 0, 0, 1}, "loop 4, data 1"},
		{LinkRaw, packet, "ip4 20, tcp 32, data 4"},
		{LinkIPv6, ip6(internet.TCP, segment6), "ip6 40, tcp 32, data 4"},
		{LinkRaw, nil, ""},
		{LinkType(9999), []byte("unknown"), "data 7"},
		{LinkRaw, ip4(internet.UDP, datagram), "ip4 20, udp 8, data 4"},
		{LinkRaw, ip4(internet.UDP, append(datagram, "more"...)), "ip4 20, udp 8, data 4, trailer 4"},
		{LinkRaw, ip4(internet.TCP, nil, func(h *internet.IPv4) { h.Offset = 3 }), "ip4 20"},
		{LinkRaw, ip4(internet.TCP, segment, func(h *internet.IPv4) { h.Offset = 3 }), "ip4 20, data 36"},
		{LinkRaw, ip4(internet.AH, segment, func(h *internet.IPv4) { h.Offset = 3 }), "ip4 20, data 36"},
		{LinkRaw, ip4(internet.TCP, segment, func(h *internet.IPv4) { h.Flags = internet.MoreFragments }), "ip4 20, tcp 32, data 4"},
		{LinkRaw, ip4(internet.TCP, segment, func(h *internet.IPv4) { h.Options = []byte{7, 3, 4} }), "ip4 24, tcp 32, data 4"},
		{LinkRaw, ip4(internet.AH, join(extension(internet.AH, internet.TCP, "0123456789"), segment)), "ip4 20, ah 12, tcp 32, data 4"},
		{LinkRaw, ip4(internet.GRE, []byte("tunnel")), "ip4 20, data 6"},
		{LinkRaw, ip4(internet.IGMP, []byte{0x16, 0, 0, 0, 1, 2, 3, 4, 5}), "ip4 20, igmp 9"},
		{LinkRaw, ip4(internet.ICMP, []byte{8, 0, 0, 0, 0, 1, 0, 1, 'd'}), "ip4 20, icmp4 8, data 1"},
		{LinkRaw, ip4(internet.ICMP, make([]byte, 20)[:20:20]), "ip4 20, icmp4 8, data 12"},
		{LinkRaw, ip4(internet.ICMP, join([]byte{13}, make([]byte, 19))), "ip4 20, icmp4 20"},
		{LinkRaw, ip6(internet.ICMPv6, join([]byte{135}, make([]byte, 23))), "ip6 40, icmp6 24"},
		{LinkRaw, ip6(internet.NoNext, []byte("behind")), "ip6 40, data 6"},
		{LinkRaw, ip6(internet.ESP, []byte("secret")), "ip6 40, data 6"},
		{
			LinkRaw, ip6(internet.HopByHop, extension(internet.HopByHop, internet.Routing, ""), extension(internet.Routing, internet.Destination, "\x03\x00"),
				extension(internet.Destination, internet.IPv6Frag, "0123456789"), frag(internet.Fragment{Next: internet.TCP}), segment6),
			"ip6 40, hop 8, route 8, dest 16, frag 8, tcp 32, data 4",
		},
		{LinkRaw, ip6(internet.IPv6Frag, frag(internet.Fragment{Next: internet.Destination, Offset: 2}), []byte("middle")), "ip6 40, frag 8, data 6"},
	} {
		p := decoded(t, test.link, test.b)
		if s := shape(p); s != test.want || p.Err != nil {
			t.Errorf("link type %d: %s, %v; want %s", test.link, s, p.Err, test.want)
		}
	}
}

func TestTagsSayWhatVLAN(t *testing.T) {
	packet := ip4(internet.TCP, tcpSegment(pseudo4(internet.TCP), ""))
	for want, tags := range map[uint32][]byte{
		0:           {},
		6:           {0x81, 0, 0xe0, 5},
		6 | 7<<16:   {0x88, 0xa8, 0, 5, 0x81, 0, 0, 6},
		0x1000:      {0x81, 0, 0xff, 0xff, 0x81, 0, 0, 0},
		8 | 10<<16:  {0x81, 0, 0, 7, 0x81, 0, 0, 9, 0x81, 0, 0, 11},
		9 | 100<<16: {0x81, 0, 0x20, 0, 0x81, 0, 0, 8, 0x91, 0, 0, 99},
	} {
		if p := decoded(t, LinkEthernet, ethernet(link.TypeIPv4, packet, tags...)); p.VLAN != want {
			t.Errorf("tags % x: VLAN %#x, want %#x", tags, p.VLAN, want)
		}
	}
	sll := link.SLL{Type: link.TypeQinQ}
	if p := decoded(t, LinkSLL, join(sll.Append(nil), []byte{0, 5, 0x81, 0, 0, 6, 8, 0}, packet)); p.VLAN != 6|7<<16 {
		t.Errorf("cooked: VLAN %#x", p.VLAN)
	}
}

// TestEveryCut has a frame captured in every length: what the headers tell stays.
func TestEveryCut(t *testing.T) {
	whole := append(ethernet(link.TypeIPv4, ip4(internet.TCP, tcpSegment(pseudo4(internet.TCP), "hello")), 0x81, 0, 0, 5), 0, 0)
	for n := range whole {
		r := &Record{Data: whole[:n:n], Wire: len(whole), Link: LinkEthernet}
		p := new(Packet)
		Decode(r, p)
		holds(t, p)
		switch {
		case n < 18, n < 38, n < 38+32:
			if p.Err == nil || p.At > n {
				t.Errorf("%d bytes: no error, or at %d", n, p.At)
			}
		default:
			if p.Err != nil || p.Len != 5 || p.Total != 57 || string(p.Payload) != "hello"[:min(n-70, 5)] {
				t.Errorf("%d bytes: %v, %d of %d, %q", n, p.Err, p.Len, p.Total, p.Payload)
			}
		}
		if n >= 42 && p.DstPort != 80 {
			t.Errorf("%d bytes: port %d", n, p.DstPort)
		}
		p.Verify()
		if want := map[bool]Verdict{false: ChecksumUnknown, true: ChecksumGood}[n >= 75]; p.Checksum != want {
			t.Errorf("%d bytes: verdict %d, want %d", n, p.Checksum, want)
		}
	}
}

func TestAHeaderThatLiesStopsThere(t *testing.T) {
	segment := tcpSegment(pseudo4(internet.TCP), "")
	lying := bytes.Clone(segment)
	lying[12] = 0x40
	deep := extension(internet.HopByHop, internet.Destination, "")
	for range 30 {
		deep = append(deep, extension(internet.Destination, internet.Destination, "")...)
	}
	for _, test := range []struct {
		b     []byte
		layer string
		at    int
		shape string
	}{
		{[]byte{0x10}, "IP", 0, ""},
		{ip4(internet.TCP, lying), "TCP", 20, "ip4 20"},
		{ip4(internet.UDP, []byte{0, 1, 0, 2, 0, 7, 0, 0}), "UDP", 20, "ip4 20"},
		{ip4(internet.ICMP, []byte{8, 0, 0}), "ICMP", 20, "ip4 20"},
		{ip6(internet.Destination, []byte{6, 9, 0, 0, 0, 0, 0, 0}), "IPv6 extension", 40, "ip6 40"},
		{append(ip4(internet.TCP, lying), "pad"...), "TCP", 20, "ip4 20, trailer 3"},
		{ip6(internet.HopByHop, deep), "packet", 40 + 23*8, "ip6 40, hop 8" + strings.Repeat(", dest 8", 22)},
	} {
		p := decoded(t, LinkRaw, test.b)
		if p.Err == nil || p.Err.Layer != test.layer || p.At != test.at || shape(p) != test.shape {
			t.Errorf("%v at %d, %s; want %s at %d, %s", p.Err, p.At, shape(p), test.layer, test.at, test.shape)
		}
	}
}

// TestALengthThatTheFrameCannotHold is taken for what the frame holds.
func TestALengthThatTheFrameCannotHold(t *testing.T) {
	for _, b := range [][]byte{
		with(ip4(internet.TCP, tcpSegment(pseudo4(internet.TCP), "data")), 2, 1000),
		with(ip6(internet.TCP, tcpSegment(pseudo6(internet.TCP), "data")), 4, 1000),
	} {
		if p := decoded(t, LinkRaw, b); p.Err != nil || p.Len != 4 || p.Total != len(b) {
			t.Errorf("IPv%d: %d of %d bytes, %v", p.Version, p.Len, p.Total, p.Err)
		}
		p := new(Packet)
		if Decode(&Record{Data: b, Wire: len(b) + 10, Link: LinkRaw}, p); p.Len != 14 {
			t.Errorf("IPv%d, captured in part: %d bytes", p.Version, p.Len)
		}
	}
}

func TestLengthsOfSuperPackets(t *testing.T) {
	data := strings.Repeat("x", 70000)
	long4 := ip4(internet.TCP, tcpSegment(pseudo4(internet.TCP), data)) // total length 0
	long6 := ip6(internet.TCP, tcpSegment(pseudo6(internet.TCP), data)) // payload length 0
	option := "\xc2\x04" + string(binary.BigEndian.AppendUint32(nil, uint32(8+32+len(data))))
	jumbo := ip6(internet.HopByHop, extension(internet.HopByHop, internet.TCP, option), tcpSegment(pseudo6(internet.TCP), data))
	for name, b := range map[string][]byte{"IPv4": long4, "IPv6": long6, "jumbogram": jumbo} {
		r := &Record{Data: b[:200], Wire: len(b), Link: LinkRaw}
		p := new(Packet)
		Decode(r, p)
		holds(t, p)
		if p.Err != nil || p.Len != len(data) || p.Total != len(b) {
			t.Errorf("%s: %v, %d of %d, want %d of %d", name, p.Err, p.Len, p.Total, len(data), len(b))
		}
	}
	p := decoded(t, LinkEthernet, ethernet(link.TypeIPv4, long4))
	if got := p.Layers()[3]; got.End-got.Start != uint32(len(data)) {
		t.Errorf("payload at %v", got)
	}
}

func TestAnICMPErrorQuotes(t *testing.T) {
	segment4, segment6 := tcpSegment(pseudo4(internet.TCP), "data"), tcpSegment(pseudo6(internet.TCP), "data")
	unreachable := []byte{3, 3, 0, 0, 0, 0, 0, 0}
	extended := bytes.Clone(unreachable)
	extended[5] = 32 // words
	padded := append(ip4(internet.TCP, segment4), make([]byte, 128-56)...)
	for _, test := range []struct {
		b    []byte
		want string
	}{
		{ip4(internet.ICMP, join(unreachable, ip4(internet.TCP, segment4))), "ip4 20, icmp4 8, ip4' 20, tcp' 32, data' 4"},
		{ip4(internet.ICMP, join(unreachable, ip4(internet.TCP, segment4)[:28])), "ip4 20, icmp4 8, ip4' 20, tcp' 8"},
		{ip4(internet.ICMP, join(unreachable, ip4(internet.TCP, segment4)[:26])), "ip4 20, icmp4 8, ip4' 20, data' 6"},
		{ip4(internet.ICMP, join(unreachable, ip4(internet.UDP, make([]byte, 9)))), "ip4 20, icmp4 8, ip4' 20, udp' 8, data' 1"},
		{ip4(internet.ICMP, join(unreachable, ip4(internet.ICMP, make([]byte, 9)))), "ip4 20, icmp4 8, ip4' 20, icmp4' 8, data' 1"},
		{ip4(internet.ICMP, join(unreachable, ip4(internet.UDP, make([]byte, 9), func(h *internet.IPv4) { h.Offset = 1 }))), "ip4 20, icmp4 8, ip4' 20, data' 9"},
		{ip4(internet.ICMP, join(unreachable, []byte("no packet"))), "ip4 20, icmp4 8, data' 9"},
		{ip4(internet.ICMP, unreachable), "ip4 20, icmp4 8"},
		{ip4(internet.ICMP, join(extended, padded, []byte("objects."))), "ip4 20, icmp4 8, ip4' 20, tcp' 32, data' 4, data' 72, data 8"},
		{ip6(internet.ICMPv6, []byte{2, 0, 0, 0, 0, 0, 5, 0}, ip6(internet.TCP, segment6)), "ip6 40, icmp6 8, ip6' 40, tcp' 32, data' 4"},
		{
			ip6(internet.ICMPv6, []byte{1, 4, 0, 0, 0, 0, 0, 0}, ip6(internet.IPv6Frag, (&internet.Fragment{Next: internet.Destination}).Append(nil),
				extension(internet.Destination, internet.UDP, ""), make([]byte, 8))),
			"ip6 40, icmp6 8, ip6' 40, frag' 8, dest' 8, udp' 8",
		},
		{ip6(internet.ICMPv6, []byte{1, 4, 0, 0, 0, 0, 0, 0}, ip6(internet.IPv6Frag, (&internet.Fragment{Next: internet.TCP, Offset: 9}).Append(nil), []byte("middle"))), "ip6 40, icmp6 8, ip6' 40, frag' 8, data' 6"},
	} {
		p := decoded(t, LinkRaw, test.b)
		if s := shape(p); s != test.want || p.Err != nil || p.HasTCP || p.HasUDP || p.Src != p.Src.Unmap() {
			t.Errorf("%s, %v\nwant %s", s, p.Err, test.want)
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	frames := map[string][]byte{
		"TCP":     ethernet4(internet.TCP, tcpSegment(pseudo4(internet.TCP), "data")),
		"VLAN":    ethernet(link.TypeIPv6, ip6(internet.TCP, tcpSegment(pseudo6(internet.TCP), "data")), 0x81, 0, 0, 5),
		"quote":   ethernet4(internet.ICMP, join([]byte{3, 3, 0, 0, 0, 0, 0, 0}, ip4(internet.TCP, make([]byte, 30)))),
		"cut":     ethernet4(internet.TCP, tcpSegment(pseudo4(internet.TCP), "data"))[:40],
		"routing": ethernet(link.TypeIPv6, ip6(internet.Routing, extension(internet.Routing, internet.TCP, "\x00\x01\x00\x00\x00\x000123456789abcdef"), make([]byte, 20))),
	}
	for name, b := range frames {
		r, p := &Record{Data: b, Wire: len(b), Link: LinkEthernet}, new(Packet)
		if n := testing.AllocsPerRun(100, func() { Decode(r, p); p.Verify() }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	frame := ethernet4(internet.TCP, tcpSegment(pseudo4(internet.TCP), "data"))
	r, p := &Record{Data: frame, Wire: len(frame), Link: LinkEthernet}, new(Packet)
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			Decode(r, p)
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			Decode(r, p)
			p.Verify()
		}
	})
}
