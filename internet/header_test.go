package internet_test

import (
	"errors"
	"strings"
	"testing"

	"dialtone/internet"
	"dialtone/link"
)

func parseIPv4(b []byte) error { _, _, err := internet.ParseIPv4(b); return err }
func parseIPv6(b []byte) error { _, _, err := internet.ParseIPv6(b); return err }
func parseICMP(b []byte) error { _, _, err := internet.ParseICMP(b); return err }
func parseIGMP(b []byte) error { _, _, err := internet.ParseIGMP(b); return err }
func parseNDP(b []byte) error  { _, _, err := internet.ParseNDP(b); return err }
func parseMLD(b []byte) error  { _, _, err := internet.ParseMLD(b); return err }
func fragment(b []byte) error  { _, _, err := internet.ParseFragment(b); return err }
func option4(b []byte) error   { _, _, err := internet.IPv4Options(b).Next(); return err }
func option6(b []byte) error   { _, _, err := internet.IPv6Options(b).Next(); return err }
func optionNDP(b []byte) error { _, _, err := internet.NDPOptions(b).Next(); return err }

func extension(kind internet.Protocol) func(b []byte) error {
	return func(b []byte) error { _, _, err := internet.ParseExtension(kind, b); return err }
}

func query(p internet.Protocol) func(b []byte) error {
	return func(b []byte) error { _, _, err := internet.ParseGroupQuery(p, b); return err }
}

func record(p internet.Protocol) func(b []byte) error {
	return func(b []byte) error { _, _, err := internet.ParseGroupRecord(p, b); return err }
}

// zeros puts n zero bytes behind the given ones.
func zeros(head string, n int) []byte { return append([]byte(head), make([]byte, n)...) }

func TestBytesThatAreNoHeaderAreNamed(t *testing.T) {
	for _, test := range []struct {
		parse func([]byte) error
		b     []byte
		want  string
	}{
		{parseIPv4, zeros("\x45", 18), "IPv4 header, byte 0: cut short: fewer than 20 bytes"},
		{parseIPv4, zeros("\x65", 19), "IPv4 header, byte 0: version is not 4"},
		{parseIPv4, zeros("\x44", 19), "IPv4 header, byte 0: header length below 20 bytes"},
		{parseIPv4, zeros("\x46", 19), "IPv4 header, byte 20: options cut short: header length beyond the bytes that are there"},
		{parseIPv4, zeros("\x45\x00\x00\x13", 16), "IPv4 header, byte 2: total length below header length"},
		{parseIPv6, zeros("\x60", 38), "IPv6 header, byte 0: cut short: fewer than 40 bytes"},
		{parseIPv6, zeros("\x40", 39), "IPv6 header, byte 0: version is not 6"},
		{extension(internet.TCP), zeros("", 8), "IPv6 extension header, byte 0: no extension header of this format"},
		{extension(internet.IPv6Frag), zeros("", 8), "IPv6 extension header, byte 0: no extension header of this format"},
		{extension(internet.HopByHop), zeros("", 7), "IPv6 extension header, byte 0: cut short: fewer than 8 bytes"},
		{extension(internet.Routing), zeros("\x06\x01", 13), "IPv6 extension header, byte 1: length beyond the bytes that are there"},
		{extension(internet.AH), zeros("\x06\x00", 14), "AH header, byte 1: length below 12 bytes"},
		{extension(internet.AH), zeros("\x06\x04", 21), "IPv6 extension header, byte 1: length beyond the bytes that are there"},
		{fragment, zeros("", 7), "IPv6 fragment header, byte 0: cut short: fewer than 8 bytes"},
		{option4, []byte{7}, "IPv4 option header, byte 1: no length: the header ends behind the kind"},
		{option4, []byte{7, 1}, "IPv4 option header, byte 1: length below 2 bytes"},
		{option4, []byte{7, 4, 0}, "IPv4 option header, byte 1: length beyond the header"},
		{option6, []byte{5}, "IPv6 option header, byte 1: no length: the header ends behind the kind"},
		{option6, []byte{5, 2, 0}, "IPv6 option header, byte 1: length beyond the header"},
		{parseICMP, zeros("", 7), "ICMP header, byte 0: cut short: fewer than 8 bytes"},
		{parseIGMP, zeros("", 7), "IGMP header, byte 0: cut short: fewer than 8 bytes"},
		{parseNDP, zeros("\x80", 7), "NDP header, byte 0: type is not 133 to 137"},
		{parseNDP, zeros("\x87", 22), "NDP header, byte 8: cut short: message ends before its options"},
		{optionNDP, []byte{1}, "NDP option header, byte 0: cut short: fewer than 2 bytes"},
		{optionNDP, zeros("\x01\x00", 6), "NDP option header, byte 1: length is 0"},
		{optionNDP, zeros("\x01\x01", 5), "NDP option header, byte 1: length beyond the message"},
		{parseMLD, zeros("\x80", 23), "MLD header, byte 0: type is not 130 to 132 nor 143"},
		{parseMLD, zeros("\x82", 22), "MLD header, byte 8: cut short: fewer than 24 bytes"},
		{query(internet.IGMP), zeros("", 3), "group query header, byte 0: cut short: fewer than 4 bytes"},
		{query(internet.IGMP), zeros("\x00\x00\x00\x02", 7), "group query header, byte 2: more sources than bytes that are there"},
		{query(internet.ICMPv6), zeros("\x00\x00\x00\x01", 15), "group query header, byte 2: more sources than bytes that are there"},
		{record(internet.IGMP), zeros("", 7), "group record header, byte 0: cut short: ends before its sources"},
		{record(internet.ICMPv6), zeros("", 19), "group record header, byte 0: cut short: ends before its sources"},
		{record(internet.IGMP), zeros("\x01\x01\x00\x01", 11), "group record header, byte 2: more sources and auxiliary data than bytes that are there"},
	} {
		err := test.parse(test.b)
		var h *link.HeaderError
		if !errors.As(err, &h) || err.Error() != test.want {
			t.Errorf("% x: %v, want %s", test.b, err, test.want)
		}
	}
}

func TestListsEnd(t *testing.T) {
	for _, next := range []func([]byte) error{option4, option6, optionNDP} {
		if err := next(nil); !errors.Is(err, internet.ErrEnd) {
			t.Errorf("an empty list ends with %v", err)
		}
	}
}

func TestPayloadIsWithoutPadding(t *testing.T) {
	ipv4 := func(total byte) string {
		return "\x45\x00\x00" + string(total) + strings.Repeat("\x00", 16)
	}
	ipv6 := func(length byte, next internet.Protocol) string {
		return "\x60\x00\x00\x00\x00" + string(length) + string(byte(next)) + strings.Repeat("\x00", 33)
	}
	for _, test := range []struct{ name, header, behind, want string }{
		{"IPv4 with padding", ipv4(24), "data......", "data"},
		{"IPv4 cut by a snaplen", ipv4(124), "da", "da"},
		{"IPv4 not yet cut by a device", ipv4(0), "data", "data"},
		{"IPv4 without payload", ipv4(20), "......", ""},
		{"IPv6 with padding", ipv6(4, internet.UDP), "data......", "data"},
		{"IPv6 cut by a snaplen", ipv6(104, internet.UDP), "da", "da"},
		{"IPv6 jumbogram", ipv6(0, internet.HopByHop), "data", "data"},
		{"IPv6 with nothing behind", ipv6(0, internet.NoNext), "......", ""},
	} {
		b := []byte(test.header + test.behind)
		_, payload, err := internet.ParseIPv4(b)
		if b[0]>>4 == 6 {
			_, payload, err = internet.ParseIPv6(b)
		}
		if err != nil || string(payload) != test.want {
			t.Errorf("%s: payload %q, %v; want %q", test.name, payload, err, test.want)
		}
	}
}

func TestFillSetsLengthsAndChecksum(t *testing.T) {
	h := internet.IPv4{TTL: 64, Protocol: internet.UDP, Src: [4]byte{10, 0, 0, 1}, Dst: [4]byte{10, 0, 0, 2}, Options: []byte{1, 1, 0}}
	packet := append(h.Append(nil), "data"...)
	internet.FillIPv4(packet)
	got, payload, err := internet.ParseIPv4(packet)
	if err != nil || got.TotalLength != 28 || h.Size() != 24 || string(payload) != "data" || !internet.CheckIPv4(packet) {
		t.Errorf("%+v %q %v, checksum right: %v", got, payload, err, internet.CheckIPv4(packet))
	}
	packet[8]-- // a router that forgets the checksum
	if internet.CheckIPv4(packet) {
		t.Error("a changed TTL keeps the checksum right")
	}

	packet = append((&internet.IPv6{}).Append(nil), "data"...)
	internet.FillIPv6(packet)
	if got, _, _ := internet.ParseIPv6(packet); got.PayloadLength != 4 {
		t.Errorf("payload length %d, want 4", got.PayloadLength)
	}
	for _, total := range []int{0xffff, 0x10000} { // the second has no place in 16 bits
		packet := append(h.Append(nil), make([]byte, total-h.Size())...)
		internet.FillIPv4(packet)
		if got, _, _ := internet.ParseIPv4(packet); got.TotalLength != uint16(total) || !internet.CheckIPv4(packet) {
			t.Errorf("%d bytes: total length %d", total, got.TotalLength)
		}
	}
}

func TestFillLeavesWhatIsNoHeaderAlone(t *testing.T) {
	for _, text := range []string{"", "E", "\x45 twenty bytes are not here"[:19], "\x4f twenty bytes, header length 60", "\x60 short"} {
		b := []byte(text)
		internet.FillIPv4(b)
		internet.FillIPv6(b)
		if string(b) != text || internet.CheckIPv4(b) {
			t.Errorf("%q became %q", text, b)
		}
	}
	short := []byte{1, 2, 3}
	internet.FillICMPv4(short)
	internet.FillICMPv6(0, short)
	internet.FillIGMP(short)
	if string(short) != "\x01\x02\x03" || internet.CheckICMPv4(short) || internet.CheckICMPv6(0, short) || internet.CheckIGMP(short) {
		t.Errorf("% x: three bytes have no checksum", short)
	}
}
