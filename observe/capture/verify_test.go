package capture

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"dialtone/internet"
	"dialtone/transport"
)

func verdicts(t *testing.T, l LinkType, b []byte, hints Hints) (ip, carried Verdict) {
	t.Helper()
	p := decoded(t, l, b)
	p.Hints = hints
	p.Verify()
	return p.IPChecksum, p.Checksum
}

// with returns b with 16 bits at at set.
func with(b []byte, at int, v uint16) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint16(b[at:], v)
	return b
}

func TestVerdicts(t *testing.T) {
	icmp4, icmp6 := []byte{8, 0, 0, 0, 1, 2, 3, 4, 'd'}, []byte{128, 0, 0, 0, 1, 2, 3, 4, 'd'}
	internet.FillICMPv4(icmp4)
	internet.FillICMPv6(pseudo6(internet.ICMPv6)(9), icmp6)
	igmp := []byte{0x16, 0, 0, 0, 224, 1, 2, 3}
	internet.FillIGMP(igmp)
	packets := map[string]struct {
		b     []byte
		field int // of the checksum
	}{
		"TCP":             {ip4(internet.TCP, tcpSegment(pseudo4(internet.TCP), "hello")), 36},
		"UDP":             {ip4(internet.UDP, udpDatagram(pseudo4(internet.UDP), "hello")), 26},
		"UDP and more":    {ip4(internet.UDP, append(udpDatagram(pseudo4(internet.UDP), "hello"), "behind"...)), 26},
		"ICMP":            {ip4(internet.ICMP, icmp4), 22},
		"IGMP":            {ip4(internet.IGMP, igmp), 22},
		"TCP over IPv6":   {ip6(internet.TCP, tcpSegment(pseudo6(internet.TCP), "hello")), 56},
		"UDP over IPv6":   {ip6(internet.UDP, udpDatagram(pseudo6(internet.UDP), "hello")), 46},
		"ICMP over IPv6":  {ip6(internet.ICMPv6, icmp6), 42},
		"behind a header": {ip6(internet.Destination, extension(internet.Destination, internet.TCP, ""), tcpSegment(pseudo6(internet.TCP), "x")), 64},
	}
	for name, test := range packets {
		wantIP := ChecksumGood
		if test.b[0]>>4 == 6 {
			wantIP = ChecksumUnknown
		}
		wrong := with(test.b, test.field, binary.BigEndian.Uint16(test.b[test.field:])^0x5555)
		for _, v := range []struct {
			b     []byte
			hints Hints
			want  Verdict
		}{
			{test.b, 0, ChecksumGood},
			{append(bytes.Clone(test.b), "padding"...), 0, ChecksumGood},
			{wrong, 0, ChecksumBad},
			{wrong, HintPartial, ChecksumPartial},
			{wrong, HintGood, ChecksumGood},
		} {
			if ip, got := verdicts(t, LinkRaw, v.b, v.hints); ip != wantIP || got != v.want {
				t.Errorf("%s, hints %d: verdicts %d and %d, want %d and %d", name, v.hints, ip, got, wantIP, v.want)
			}
		}
		p := new(Packet)
		Decode(&Record{Data: test.b[:test.field+3], Wire: len(test.b), Link: LinkRaw}, p)
		if p.Verify(); p.IPChecksum != wantIP || p.Checksum != ChecksumUnknown {
			t.Errorf("%s, cut short: verdicts %d and %d", name, p.IPChecksum, p.Checksum)
		}
	}
}

func TestAChecksumLeftToTheDeviceIsPartial(t *testing.T) {
	for _, n := range []int{5, 65536 - 52, 65000, 70000} { // also of super-packets
		data := strings.Repeat("x", n)
		length := n + 32
		sum := transport.PseudoSum4(a4, b4, internet.TCP, length&0xffff) + uint32(length>>16)
		b := with(ip4(internet.TCP, tcpSegment(pseudo4(internet.TCP), data)), 36, ^internet.Fold(sum))
		if ip, got := verdicts(t, LinkRaw, b, 0); ip != ChecksumGood || got != ChecksumPartial {
			t.Errorf("%d bytes: verdicts %d and %d", n, ip, got)
		}
		if _, got := verdicts(t, LinkRaw, with(b, 36, 0x1234), 0); got != ChecksumBad {
			t.Errorf("%d bytes: verdict %d on a wrong one", n, got)
		}
		p := decoded(t, LinkRaw, b[:60])
		p.Wire = len(b)
		if Decode(p.Record, p); p.Len != n {
			t.Fatalf("%d bytes", p.Len)
		}
		if p.Verify(); p.Checksum != ChecksumPartial {
			t.Errorf("%d bytes, captured in part: verdict %d", n, p.Checksum)
		}
	}
	without := ^internet.Fold(transport.PseudoSum4(a4, b4, internet.TCP, 0))
	if _, got := verdicts(t, LinkRaw, with(ip4(internet.TCP, tcpSegment(pseudo4(internet.TCP), "x")), 36, without), 0); got != ChecksumPartial {
		t.Errorf("without the length: verdict %d", got)
	}
	if ip, _ := verdicts(t, LinkRaw, with(ip4(internet.TCP, nil), 10, 0), 0); ip != ChecksumPartial {
		t.Errorf("an IPv4 header's checksum of 0: verdict %d", ip)
	}
	if ip, _ := verdicts(t, LinkRaw, with(ip4(internet.TCP, nil), 10, 1), 0); ip != ChecksumBad {
		t.Errorf("an IPv4 header's wrong checksum: verdict %d", ip)
	}
}

func TestWhatCannotBeKnownIsNotJudged(t *testing.T) {
	segment := tcpSegment(pseudo4(internet.TCP), "hello")
	none := with(udpDatagram(pseudo4(internet.UDP), "hello"), 6, 0)
	route := func(h *internet.IPv4) { h.Options = []byte{131, 7, 4, 1, 2, 3, 4, 0} }
	for name, b := range map[string][]byte{
		"first fragment":    ip4(internet.TCP, segment, func(h *internet.IPv4) { h.Flags = internet.MoreFragments }),
		"fragment":          ip4(internet.TCP, segment, func(h *internet.IPv4) { h.Offset = 1 }),
		"UDP without one":   ip4(internet.UDP, none),
		"another protocol":  ip4(internet.GRE, segment),
		"source route":      ip4(internet.TCP, segment, route),
		"no whole header":   ip4(internet.TCP, segment[:10]),
		"datagram too long": ip4(internet.UDP, with(udpDatagram(pseudo4(internet.UDP), "hello"), 4, 900)),
	} {
		if ip, got := verdicts(t, LinkRaw, b, 0); ip != ChecksumGood || got != ChecksumUnknown {
			t.Errorf("%s: verdicts %d and %d", name, ip, got)
		}
	}
	if ip, got := verdicts(t, LinkEthernet, ethernet(0x806, make([]byte, 28)), 0); ip != 0 || got != 0 {
		t.Errorf("ARP: verdicts %d and %d", ip, got)
	}
}

// TestARoutingHeaderHidesTheLastDestination checks a segment that is summed over an
// address which is not yet its packet's.
func TestARoutingHeaderHidesTheLastDestination(t *testing.T) {
	last := [16]byte{0xfd, 15: 99}
	pseudo := func(n int) uint32 { return transport.PseudoSum6(a6, last, internet.TCP, n) }
	segment := tcpSegment(pseudo, "hello")
	for name, body := range map[string]string{
		"mobility":        "\x02\x01\x00\x00\x00\x00" + string(last[:]),
		"segment routing": "\x04\x01\x01\x00\x00\x00" + string(last[:]) + string(b6[:]),
	} {
		b := ip6(internet.Routing, extension(internet.Routing, internet.TCP, body), segment)
		if _, got := verdicts(t, LinkRaw, b, 0); got != ChecksumGood {
			t.Errorf("%s: verdict %d", name, got)
		}
		b[43] = 0 // no segment left: b6 is the last
		if _, got := verdicts(t, LinkRaw, b, 0); got != ChecksumBad {
			t.Errorf("%s, arrived: verdict %d", name, got)
		}
	}
}
