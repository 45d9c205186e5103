package routes

import (
	"net/netip"
	"testing"
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func machine() (lo, eth Interface, all []Interface) {
	lo = Interface{Index: 1, Name: "lo", Loopback: true, Prefixes: prefixes("127.0.0.1/8", "::1/128")}
	eth = Interface{Index: 2, Name: "eth0", Prefixes: prefixes("192.0.2.2/24", "fe80::2/64")}
	other := Interface{Index: 3, Name: "eth1", Prefixes: prefixes("198.51.100.1/25", "fe80::2/64")}
	return lo, eth, []Interface{lo, eth, other}
}

func TestRouteNamesWhoHoldsTheSource(t *testing.T) {
	lo, eth, all := machine()
	ip := netip.MustParseAddr
	for _, c := range []struct {
		dst            string
		hop            hop
		leaves         Interface
		source, holder string
	}{
		{"192.0.2.7", hop{Unicast, 2, netip.Addr{}, ip("192.0.2.2")}, eth, "192.0.2.2/24", "eth0"},
		{"203.0.113.1", hop{Unicast, 2, ip("192.0.2.1"), ip("192.0.2.2")}, eth, "192.0.2.2/24", "eth0"},
		{"192.0.2.2", hop{Local, 1, netip.Addr{}, ip("192.0.2.2")}, lo, "192.0.2.2/24", "eth0"},
		{"127.9.9.9", hop{Local, 1, netip.Addr{}, ip("127.0.0.1")}, lo, "127.0.0.1/8", "lo"},
		{"fe80::2%eth1", hop{Local, 1, netip.Addr{}, ip("fe80::2")}, lo, "fe80::2/64", "eth1"},
		{"203.0.113.1", hop{Unicast, 2, netip.Addr{}, ip("198.51.100.1")}, eth, "198.51.100.1/25", "eth1"},
		{"203.0.113.1", hop{Unicast, 2, netip.Addr{}, ip("10.9.9.9")}, eth, "10.9.9.9/32", ""},
	} {
		r := c.hop.route(ip(c.dst), all)
		if r.Interface.Name != c.leaves.Name || r.Source.String() != c.source || r.Holder != c.holder {
			t.Errorf("%s: leaves by %s from %s on %q; want %s, %s, %q",
				c.dst, r.Interface.Name, r.Source, r.Holder, c.leaves.Name, c.source, c.holder)
		}
	}
}

func TestNeighborsAreOrderedByInterfaceAndAddress(t *testing.T) {
	n := func(ifi, addr string) Neighbor { return Neighbor{Interface: ifi, Addr: netip.MustParseAddr(addr)} }
	if compareNeighbors(n("eth0", "192.0.2.9"), n("eth1", "192.0.2.1")) >= 0 ||
		compareNeighbors(n("eth0", "192.0.2.9"), n("eth0", "192.0.2.10")) >= 0 ||
		compareNeighbors(n("eth0", "::1"), n("eth0", "192.0.2.10")) <= 0 {
		t.Error("neighbours are out of order")
	}
}

func TestNoDestinationIsAnError(t *testing.T) {
	if r, err := To(netip.Addr{}); err == nil {
		t.Errorf("To(zero) = %+v, want an error", r)
	}
}
