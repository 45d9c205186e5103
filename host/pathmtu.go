package host

import (
	"net/netip"
	"time"

	"dialtone/internet"
)

// paths is what routers have said about what fits their links, under network.mu.
type paths struct {
	known    internet.PathMTU
	deadline alarm // of known
}

// maxPacket is the most bytes of an IPv4 packet.
const maxPacket = 65535

// pathLocked is what a packet on a route can be.
func (h *Host) pathLocked(r *route) int {
	mtu := min(r.nic.mtu, maxPacket)
	if known, ok := h.paths.known.Lookup(h.now(), r.dst); ok && r.nic.index > 0 {
		mtu = min(mtu, known)
	}
	return mtu
}

// learnMTU believes an error that says that a packet was too large for its path: whoever
// calls it has made sure that the packet was on its way (RFC 5927 §7.2). It says
// whether the path is narrower than was known; routes to its end are stale then.
func (h *Host) learnMTU(u *unreachable) bool {
	r, err := h.routeFrom(u.local, u.remote)
	if err != nil || r.nic.index == 0 {
		return false
	}
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	_, news := h.paths.known.Reduce(h.now(), u.remote, u.mtu, u.size, h.pathLocked(r))
	if news {
		h.rerouteLocked(u.remote)
	}
	return news
}

// rerouteLocked makes all look anew who send to dst.
func (h *Host) rerouteLocked(dst netip.Addr) {
	for pair, r := range h.routes {
		if pair.dst == dst {
			r.stale.Store(true)
			delete(h.routes, pair)
		}
	}
	if at, ok := h.paths.known.Deadline(); ok {
		h.arm(&h.paths.deadline, at)
	}
}

// pathExpiry is a host as its paths' alarm sees it.
type pathExpiry Host

func (e *pathExpiry) expire(now time.Duration, _ *outbox) {
	h := (*Host)(e)
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.paths.known.Expire(now, h.rerouteLocked)
	if at, ok := h.paths.known.Deadline(); ok {
		h.arm(&h.paths.deadline, at)
	}
}
