package internet

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestLongestPrefixWins(t *testing.T) {
	var r Routes[string]
	for _, s := range []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "fe80::/10", "::/0"} {
		r.Add(netip.MustParsePrefix(s), s)
	}
	for addr, want := range map[string]string{
		"192.0.2.1":  "0.0.0.0/0",
		"10.9.9.9":   "10.0.0.0/8",
		"10.1.9.9":   "10.1.0.0/16",
		"10.1.2.3":   "10.1.2.3/32",
		"fe80::1":    "fe80::/10",
		"2001:db8::": "::/0",
	} {
		if got, ok := r.Lookup(netip.MustParseAddr(addr)); !ok || got != want {
			t.Errorf("%s: %q %v, want %q", addr, got, ok, want)
		}
	}
}

func TestEmptyRoutesKnowNothing(t *testing.T) {
	var r Routes[int]
	if _, ok := r.Lookup(netip.MustParseAddr("10.0.0.1")); ok {
		t.Error("found a network in an empty table")
	}
	r.Add(netip.Prefix{}, 1)
	r.All(func(p netip.Prefix, _ int) bool { t.Errorf("an invalid prefix is in the table: %v", p); return true })
}

// A table finds what looking at all networks in turn finds.
func TestRoutesProperty(t *testing.T) {
	networks := rapid.Custom(func(t *rapid.T) netip.Prefix {
		// Few addresses, so that prefixes contain one another.
		a := rapid.SampledFrom([]byte{0, 1, 128, 129, 255})
		addr := netip.AddrFrom4([4]byte{a.Draw(t, "a"), a.Draw(t, "b"), a.Draw(t, "c"), a.Draw(t, "d")})
		return netip.PrefixFrom(addr, rapid.IntRange(0, 32).Draw(t, "bits"))
	})
	rapid.Check(t, func(t *rapid.T) {
		var r Routes[int]
		list := rapid.SliceOfN(networks, 0, 20).Draw(t, "networks")
		for i, p := range list {
			r.Add(p, i)
		}
		addr := networks.Draw(t, "address").Addr()
		want, length := -1, -1
		for i, p := range list {
			if p.Contains(addr) && p.Bits() >= length {
				want, length = i, p.Bits()
			}
		}
		got, ok := r.Lookup(addr)
		if ok != (want >= 0) || ok && got != want {
			t.Fatalf("%v: got %d %v, want %d", addr, got, ok, want)
		}
	})
}
