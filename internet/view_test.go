package internet_test

import (
	"bytes"
	"fmt"
	"testing"

	"dialtone/internet"
	"dialtone/link"
)

func TestMessagesHaveNames(t *testing.T) {
	for _, test := range []struct {
		p          internet.Protocol
		kind, code uint8
		want       string
	}{
		{internet.ICMP, 3, 3, "port unreachable"},
		{internet.ICMP, 3, 4, "fragmentation needed"},
		{internet.ICMP, 3, 15, "precedence cutoff"},
		{internet.ICMP, 3, 16, "unreachable, code 16"},
		{internet.ICMP, 11, 0, "time to live exceeded in transit"},
		{internet.ICMP, 8, 0, "echo request"},
		{internet.ICMP, 200, 7, "type 200 code 7"},
		{internet.ICMPv6, 1, 4, "port unreachable"},
		{internet.ICMPv6, 2, 0, "packet too big"},
		{internet.ICMPv6, 3, 0, "hop limit exceeded in transit"},
		{internet.ICMPv6, 135, 0, "neighbor solicitation"},
		{internet.ICMPv6, 143, 0, "multicast listener report v2"},
		{internet.ICMPv6, 8, 0, "type 8 code 0"},
	} {
		h := internet.ICMPHeader{Type: test.kind, Code: test.code}
		if got := h.Name(test.p); got != test.want {
			t.Errorf("%v type %d code %d is %q, want %q", test.p, test.kind, test.code, got, test.want)
		}
	}
}

func TestNumbersHaveNames(t *testing.T) {
	for _, test := range []struct {
		number fmt.Stringer
		want   string
	}{
		{internet.TCP, "TCP"},
		{internet.HopByHop, "hop-by-hop options"},
		{internet.ESP, "ESP"},
		{internet.Protocol(200), "protocol 200"},
		{internet.RecordRoute, "record route"},
		{internet.IPv4OptionKind(200), "option 200"},
		{internet.RouterAlertV6, "router alert"},
		{internet.IPv6OptionKind(0x9f), "option 0x9f"},
		{internet.PrefixInformation, "prefix information"},
		{internet.NDPOptionKind(200), "option 200"},
		{internet.ChangeToExclude, "change to exclude"},
		{internet.GroupRecordKind(9), "record 9"},
	} {
		if got := test.number.String(); got != test.want {
			t.Errorf("%T %d is %q, want %q", test.number, test.number, got, test.want)
		}
	}
}

func TestErrorsQuoteAPacket(t *testing.T) {
	h := internet.ICMPHeader{Type: internet.ICMPv4Unreachable, Code: internet.ICMPv4FragmentationNeeded, Rest: [4]byte{2: 5, 3: 0xdc}}
	if mtu, ok := h.MTU(internet.ICMP); !ok || mtu != 1500 {
		t.Errorf("MTU %d %v, want 1500", mtu, ok)
	}
	payload := []byte("quoted packextension")
	for _, test := range []struct {
		p            internet.Protocol
		h            internet.ICMPHeader
		packet, rest string
	}{
		{internet.ICMP, h, "quoted packextension", ""},
		{internet.ICMP, internet.ICMPHeader{Type: internet.ICMPv4TimeExceeded, Rest: [4]byte{1: 3}}, "quoted packe", "xtension"},
		{internet.ICMP, internet.ICMPHeader{Type: internet.ICMPv4TimeExceeded, Rest: [4]byte{1: 200}}, "quoted packextension", ""},
		{internet.ICMP, internet.ICMPHeader{Type: internet.ICMPv4Redirect, Rest: [4]byte{10, 3, 0, 1}}, "quoted packextension", ""},
		{internet.ICMP, internet.ICMPHeader{Type: internet.ICMPv4Echo}, "", "quoted packextension"},
		{internet.ICMPv6, internet.ICMPHeader{Type: internet.ICMPv6Unreachable, Rest: [4]byte{1}}, "quoted p", "ackextension"},
		{internet.ICMPv6, internet.ICMPHeader{Type: internet.ICMPv6PacketTooBig, Rest: [4]byte{0, 0, 5, 0}}, "quoted packextension", ""},
		{internet.ICMPv6, internet.ICMPHeader{Type: internet.ICMPv6Echo}, "", "quoted packextension"},
	} {
		packet, rest := test.h.Quoted(test.p, payload)
		if string(packet) != test.packet || string(rest) != test.rest {
			t.Errorf("%v %s: %q and %q, want %q and %q", test.p, test.h.Name(test.p), packet, rest, test.packet, test.rest)
		}
	}
}

func TestViewsOfICMP(t *testing.T) {
	h := internet.ICMPHeader{Type: internet.ICMPv4Echo}
	h.SetEcho(7, 9)
	if id, seq := h.Echo(); id != 7 || seq != 9 {
		t.Errorf("echo %d %d, want 7 9", id, seq)
	}
	if _, ok := h.MTU(internet.ICMP); ok {
		t.Error("an echo has an MTU")
	}
	if _, ok := h.Gateway(); ok {
		t.Error("an echo has a gateway")
	}
	h = internet.ICMPHeader{Type: internet.ICMPv4ParameterProblem, Rest: [4]byte{20}}
	if at, ok := h.Pointer(internet.ICMP); !ok || at != 20 {
		t.Errorf("pointer %d %v, want 20", at, ok)
	}
	h = internet.ICMPHeader{Type: internet.ICMPv6PacketTooBig, Rest: [4]byte{0, 1, 0, 0}}
	if mtu, ok := h.MTU(internet.ICMPv6); !ok || mtu != 65536 {
		t.Errorf("MTU %d %v, want 65536", mtu, ok)
	}
	h = internet.ICMPHeader{Type: internet.ICMPv6ParameterProblem, Rest: [4]byte{3: 40}}
	if at, ok := h.Pointer(internet.ICMPv6); !ok || at != 40 {
		t.Errorf("pointer %d %v, want 40", at, ok)
	}
}

func TestViewsOfIPv4Options(t *testing.T) {
	route := internet.IPv4Option{Kind: internet.LooseRoute, Data: []byte{8, 10, 0, 0, 1, 10, 0, 0, 2, 99}}
	if pointer, addresses, ok := route.Route(); !ok || pointer != 8 || !bytes.Equal(addresses, route.Data[1:9]) {
		t.Errorf("route %d % x %v", pointer, addresses, ok)
	}
	times := internet.IPv4Option{Kind: internet.TimestampOpt, Data: []byte{5, 0x21, 1, 2, 3, 4, 5}}
	if pointer, overflow, flags, words, ok := times.Times(); !ok || pointer != 5 || overflow != 2 || flags != 1 || len(words) != 4 {
		t.Errorf("times %d %d %d % x %v", pointer, overflow, flags, words, ok)
	}
	alert := internet.IPv4Option{Kind: internet.RouterAlertV4, Data: []byte{0, 1}}
	if value, ok := alert.RouterAlert(); !ok || value != 1 {
		t.Errorf("router alert %d %v", value, ok)
	}
	for _, empty := range []internet.IPv4Option{{Kind: internet.RecordRoute}, {Kind: internet.TimestampOpt}, {Kind: internet.RouterAlertV4}} {
		_, _, route := empty.Route()
		_, _, _, _, times := empty.Times()
		_, alert := empty.RouterAlert()
		if route || times || alert {
			t.Errorf("an empty %v has a view", empty.Kind)
		}
	}
}

func TestRoutesHaveAddresses(t *testing.T) {
	two := make([]byte, 32)
	for _, test := range []struct {
		kind byte
		data []byte
		want int
	}{
		{0, zeros("", 4+32), 32},
		{4, append([]byte{0, 0, 0, 0}, two...), 16}, // last entry 0: one segment, and TLVs behind it
		{4, append([]byte{1, 0, 0, 0}, two...), 32},
		{4, append([]byte{9, 0, 0, 0}, two...), 32},
		{3, zeros("", 36), 0},
		{0, nil, 0},
	} {
		e := internet.Extension{Kind: internet.Routing, Body: append([]byte{test.kind, 1}, test.data...)}
		route, ok := e.Route()
		if got := len(route.Addresses()); !ok || got != test.want || route.Left != 1 {
			t.Errorf("type %d: %d bytes of addresses, want %d", test.kind, got, test.want)
		}
	}
}

func TestViewsOfNDPOptions(t *testing.T) {
	mac := link.MAC{2, 0, 0, 0, 0, 1}
	address := internet.NDPOption{Kind: internet.SourceLinkAddress, Data: mac[:]}
	if got, ok := address.LinkAddress(); !ok || got != mac {
		t.Errorf("link address %v %v", got, ok)
	}
	prefix := internet.NDPOption{Kind: internet.PrefixInformation, Data: append([]byte{64, 0xc0, 0, 0, 0, 60, 0, 0, 0, 30, 0, 0, 0, 0}, zeros("\x20\x01", 14)...)}
	want := internet.NDPPrefix{Bits: 64, OnLink: true, Auto: true, Valid: 60, Preferred: 30, Address: [16]byte{0x20, 1}}
	if got, ok := prefix.Prefix(); !ok || got != want {
		t.Errorf("prefix %+v %v", got, ok)
	}
	dns := internet.NDPOption{Kind: internet.RecursiveDNS, Data: zeros("\x00\x00\x00\x00\x00\x3c", 16)}
	if lifetime, servers, ok := dns.DNS(); !ok || lifetime != 60 || len(servers) != 16 {
		t.Errorf("DNS %d % x %v", lifetime, servers, ok)
	}
	redirected := internet.NDPOption{Kind: internet.RedirectedHeader, Data: []byte("......packet")}
	if packet, ok := redirected.Redirected(); !ok || string(packet) != "packet" {
		t.Errorf("redirected %q %v", packet, ok)
	}
}

func TestJumboAndPadding(t *testing.T) {
	jumbo := internet.IPv6Option{Kind: internet.JumboPayload, Data: []byte{0, 1, 0, 0}}
	if n, ok := jumbo.Jumbo(); !ok || n != 65536 {
		t.Errorf("jumbo payload %d %v", n, ok)
	}
	for n := range 20 {
		body := internet.AppendPad(bytes.Repeat([]byte{0}, n))
		if (len(body)+2)%8 != 0 || len(body)-n > 7 {
			t.Errorf("%d bytes padded to %d", n, len(body))
		}
	}
}

func TestVersionsOfGroups(t *testing.T) {
	for _, test := range []struct {
		h       internet.IGMPHeader
		payload string
		want    int
	}{
		{internet.IGMPHeader{Type: internet.IGMPQuery}, "", 1},
		{internet.IGMPHeader{Type: internet.IGMPQuery, MaxResp: 100}, "", 2},
		{internet.IGMPHeader{Type: internet.IGMPQuery, MaxResp: 100}, "\x02\x7d\x00\x00", 3},
		{internet.IGMPHeader{Type: internet.IGMPv1Report}, "", 1},
		{internet.IGMPHeader{Type: internet.IGMPLeave}, "", 2},
		{internet.IGMPHeader{Type: internet.IGMPv3Report}, "", 3},
		{internet.IGMPHeader{Type: 0x13}, "", 0},
	} {
		if got := test.h.Version([]byte(test.payload)); got != test.want {
			t.Errorf("%s: version %d, want %d", test.h.Name(), got, test.want)
		}
	}
	query := internet.MLD{ICMPHeader: internet.ICMPHeader{Type: internet.MLDQuery}}
	if v1, v2 := query.Version(nil), query.Version(make([]byte, 4)); v1 != 1 || v2 != 2 {
		t.Errorf("versions of MLD queries %d %d", v1, v2)
	}
}
