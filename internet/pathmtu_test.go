package internet

import (
	"net/netip"
	"testing"
	"time"
)

func TestPathMTU(t *testing.T) {
	var c PathMTU
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for _, test := range []struct {
		dst               netip.Addr
		mtu, size, before int
		want              int
		news              bool
	}{
		{a, 1400, 1500, 1500, 1400, true},
		{a, 1400, 1500, 1400, 1400, false},
		{a, 1450, 1500, 1400, 1400, false}, // a report never widens a path
		{a, 68, 1400, 1400, 552, true},     // and nobody makes specks
		{b, 0, 1500, 1500, 1492, true},     // an old router
		{b, 0, 1492, 1492, 1006, true},
		{b, 0, 1006, 1006, 552, true},
		{b, 0, 552, 552, 552, false},
		{b, 9000, 65535, 552, 552, false},
	} {
		mtu, news := c.Reduce(0, test.dst, test.mtu, test.size, test.before)
		if mtu != test.want || news != test.news {
			t.Errorf("%+v: %d %v", test, mtu, news)
		}
	}
	if mtu, ok := c.Lookup(9*time.Minute, a); !ok || mtu != 552 {
		t.Error(mtu, ok)
	}
	if at, ok := c.Deadline(); !ok || at != 10*time.Minute {
		t.Error(at, ok)
	}
	var forgotten []netip.Addr
	c.Expire(10*time.Minute, func(dst netip.Addr) { forgotten = append(forgotten, dst) })
	if _, ok := c.Lookup(10*time.Minute, a); ok || len(forgotten) != 2 {
		t.Errorf("forgot %v", forgotten)
	}
}

func TestPathMTUIsBounded(t *testing.T) {
	var c PathMTU
	for i := range 3 * maxPathMTUs {
		dst := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		c.Reduce(time.Duration(i), dst, 1400, 1500, 1500)
		if len(c.known) > maxPathMTUs {
			t.Fatalf("%d paths", len(c.known))
		}
		if _, ok := c.Lookup(time.Duration(i), dst); !ok {
			t.Fatal("the newest was forgotten")
		}
		if i > maxPathMTUs+100 {
			return // to look for the oldest takes its time
		}
	}
}

func TestErrorLimit(t *testing.T) {
	var l ErrorLimit
	peer := netip.MustParseAddr("192.0.2.1")
	allowed := func(now time.Duration, n int, peer func(int) netip.Addr) (count int) {
		for i := range n {
			if l.Allow(now, peer(i)) {
				count++
			}
		}
		return count
	}
	one := func(int) netip.Addr { return peer }
	if n := allowed(0, 100, one); n != 6 {
		t.Errorf("%d errors at once to one peer", n)
	}
	if n := allowed(3*time.Second, 100, one); n != 3 {
		t.Errorf("%d errors three seconds later", n)
	}
	many := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	if n := allowed(time.Minute, 10000, many); n != 50 {
		t.Errorf("%d errors at once to many", n)
	}
	if n := allowed(time.Minute+time.Second, 10000, func(i int) netip.Addr { return many(i + 20000) }); n != 50 {
		t.Errorf("%d errors a second later", n)
	}
	if len(l.peers) > maxLimitedPeers {
		t.Errorf("%d peers are kept", len(l.peers))
	}
}

// RFC 1122 §3.2.2 lists about what an error must never be sent.
func TestMayReport(t *testing.T) {
	base := IPv4{TTL: 64, Protocol: UDP, Src: [4]byte{192, 0, 2, 1}, Dst: [4]byte{192, 0, 2, 2}}
	for _, test := range []struct {
		name   string
		change func(h *IPv4)
		data   []byte
		want   bool
	}{
		{"a datagram", func(*IPv4) {}, make([]byte, 8), true},
		{"the first fragment", func(h *IPv4) { h.Flags = MoreFragments }, make([]byte, 8), true},
		{"another fragment", func(h *IPv4) { h.Offset = 1 }, make([]byte, 8), false},
		{"to all", func(h *IPv4) { h.Dst = [4]byte{255, 255, 255, 255} }, nil, false},
		{"to a group", func(h *IPv4) { h.Dst = [4]byte{224, 0, 0, 1} }, nil, false},
		{"from a group", func(h *IPv4) { h.Src = [4]byte{224, 0, 0, 1} }, nil, false},
		{"from nobody", func(h *IPv4) { h.Src = [4]byte{} }, nil, false},
		{"from class E", func(h *IPv4) { h.Src = [4]byte{240, 0, 0, 1} }, nil, false},
		{"an echo", func(h *IPv4) { h.Protocol = ICMP }, []byte{8, 0, 0, 0, 0, 0, 0, 0}, true},
		{"an ICMP error", func(h *IPv4) { h.Protocol = ICMP }, []byte{3, 1, 0, 0, 0, 0, 0, 0}, false},
		{"a redirect", func(h *IPv4) { h.Protocol = ICMP }, []byte{5, 1, 0, 0, 0, 0, 0, 0}, false},
		{"ICMP without a type", func(h *IPv4) { h.Protocol = ICMP }, nil, false},
	} {
		h := base
		test.change(&h)
		packet := append(h.Append(nil), test.data...)
		FillIPv4(packet)
		if got := MayReport(packet); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	if MayReport(nil) {
		t.Error("about nothing")
	}
}

func TestICMPv4Error(t *testing.T) {
	packet := make([]byte, 1500)
	b := AppendICMPv4Error([]byte("before"), ICMPv4Unreachable, ICMPv4FragmentationNeeded, 1400, packet)
	h, quoted, err := ParseICMP(b[6:])
	if mtu, ok := h.MTU(ICMP); err != nil || mtu != 1400 || !ok || len(quoted) != 548 || !CheckICMPv4(b[6:]) {
		t.Errorf("%+v, %d bytes quoted: %v", h, len(quoted), err)
	}
	if n := ICMPv4ErrorSize(packet); n != len(b)-6 {
		t.Errorf("said %d bytes, were %d", n, len(b)-6)
	}
}
