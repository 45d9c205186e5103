package internet

import (
	"net/netip"
	"time"
)

// PathMTU is what routers have said about how large a packet can be on its way to a
// destination (RFC 1191). It is a machine without lock or clock; its zero value knows
// of no limits.
type PathMTU struct {
	known map[netip.Addr]pathMTU
}

type pathMTU struct {
	mtu   int
	until time.Duration
}

// Linux's net.ipv4.route.min_pmtu and mtu_expires: less is not believed, so that
// nobody can make a host send specks; RFC 1191 §6.3 wants ten minutes.
const (
	minPathMTU     = 552
	pathMTUExpires = 10 * time.Minute
	maxPathMTUs    = 4096
)

// Reduce takes in that a packet of size bytes was too large for a path whose narrowest
// link known so far carries before bytes, where a router reports that the next one
// carries mtu: 0 where it does not say (RFC 1191 §5). It returns what is believed, and
// whether that is news. A path never widens by a report (RFC 1191 §3).
func (c *PathMTU) Reduce(now time.Duration, dst netip.Addr, mtu, size, before int) (int, bool) {
	if mtu == 0 {
		mtu = plateauBelow(size)
	}
	mtu = max(mtu, minPathMTU)
	if mtu >= before {
		return before, false
	}
	if c.known == nil {
		c.known = map[netip.Addr]pathMTU{}
	}
	if _, ok := c.known[dst]; !ok && len(c.known) >= maxPathMTUs {
		c.forgetOne()
	}
	c.known[dst] = pathMTU{mtu, now + pathMTUExpires}
	return mtu, true
}

// Lookup returns what is known of the path to dst.
func (c *PathMTU) Lookup(now time.Duration, dst netip.Addr) (mtu int, ok bool) {
	p, ok := c.known[dst]
	if !ok || p.until <= now {
		return 0, false
	}
	return p.mtu, true
}

// Deadline returns when Expire is to be called, false where nothing is known.
func (c *PathMTU) Deadline() (at time.Duration, ok bool) {
	for _, p := range c.known {
		if !ok || p.until < at {
			at, ok = p.until, true
		}
	}
	return at, ok
}

// Expire forgets what is too old, and says of which destinations: the path may have
// become wider, which only packets of full size can tell (RFC 1191 §6.3).
func (c *PathMTU) Expire(now time.Duration, forgotten func(dst netip.Addr)) {
	for dst, p := range c.known {
		if p.until <= now {
			delete(c.known, dst)
			forgotten(dst)
		}
	}
}

// forgetOne makes room: what would expire first goes first.
func (c *PathMTU) forgetOne() {
	var first netip.Addr
	for dst, p := range c.known {
		if !first.IsValid() || p.until < c.known[first].until || p.until == c.known[first].until && dst.Less(first) {
			first = dst
		}
	}
	delete(c.known, first)
}

// plateauBelow is the next of the MTUs that links have in fact (RFC 1191 §7.1, table).
func plateauBelow(size int) int {
	for _, mtu := range [...]int{32000, 17914, 8166, 4352, 2002, 1492, 1006, minPathMTU} {
		if mtu < size {
			return mtu
		}
	}
	return minPathMTU
}
