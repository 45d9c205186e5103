package host

import (
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/transport"
)

// A route is how packets get from one of the host's addresses to another address.
// It is shared by all who send there, and never changes; when it no longer holds, it
// is not fresh, and whoever keeps it asks for another.
type route struct {
	src, dst netip.Addr // src is invalid for what is forwarded
	hop      netip.Addr // whom the link hands packets to: dst, or a router
	kind     destination
	nic      *nic
	mtu      int // of the path, in bytes with the IP header

	stale     atomic.Bool
	id        atomic.Uint32 // of the last packet (RFC 6864)
	confirmed atomic.Int64  // when the next hop was last known to be there
}

// A destination is what kind of address packets go to.
type destination uint8

const (
	toHost destination = iota
	toGroup
	toAll
)

type addrPair struct{ src, dst netip.Addr }

// maxRoutes bounds the cache: with more destinations than that it starts anew.
const maxRoutes = 4096

// routeTo is routeFrom an address that the host chooses.
func (h *Host) routeTo(dst netip.Addr) (*route, error) { return h.routeFrom(netip.Addr{}, dst) }

// routeFrom returns how packets get from src to dst; of an invalid or unspecified src
// the host chooses it. The error is ENETUNREACH where there is no way, EADDRNOTAVAIL
// where src is not the host's, EINVAL for a dst that no packet can have.
func (h *Host) routeFrom(src, dst netip.Addr) (*route, error) {
	if src.IsValid() && src.IsUnspecified() {
		src = netip.Addr{}
	}
	return h.cached(addrPair{src, dst}, h.findRoute)
}

// cached returns a route from the cache, where find, called with network.mu held, has
// to do it once.
func (h *Host) cached(pair addrPair, find func(addrPair) (*route, error)) (*route, error) {
	h.network.mu.RLock()
	r := h.routes[pair]
	h.network.mu.RUnlock()
	if r.fresh() {
		return r, nil
	}
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	if r = h.routes[pair]; r.fresh() {
		return r, nil
	}
	r, err := find(pair)
	if err != nil {
		return nil, err
	}
	if len(h.routes) >= maxRoutes {
		for _, old := range h.routes {
			old.stale.Store(true)
		}
		clear(h.routes)
	}
	h.routes[pair] = r
	return r, nil
}

func (h *Host) findRoute(pair addrPair) (*route, error) {
	if pair.src.IsValid() && !h.isOwn(pair.src) {
		return nil, syscall.EADDRNOTAVAIL
	}
	r := &route{src: pair.src, dst: pair.dst, hop: pair.dst}
	if err := h.direct(r); err != nil {
		return nil, err
	}
	if !r.src.IsValid() {
		r.src = r.nic.source(r.hop)
	}
	if !r.src.IsValid() {
		return nil, syscall.ENETUNREACH
	}
	r.mtu = h.pathLocked(r)
	r.id.Store(uint32(h.digest(digestID, netip.AddrPortFrom(r.src, 0), netip.AddrPortFrom(r.dst, 0))))
	return r, nil
}

// direct finds out what kind of address dst is, and sets interface and next hop.
func (h *Host) direct(r *route) error {
	switch {
	case !r.dst.Is4() || r.dst.IsUnspecified():
		return syscall.EINVAL
	case h.isOwn(r.dst):
		r.nic = h.nics[0]
		if !r.src.IsValid() {
			r.src = r.dst // as Linux does: one talks to oneself from the same address
		}
		return nil
	case h.isBroadcast(r.dst):
		r.kind = toAll
	case r.dst.IsMulticast():
		r.kind = toGroup
	}
	w, ok := h.ways.Lookup(r.dst)
	switch {
	case r.kind != toHost && h.own[r.src] != nil: // what goes to many leaves where its source is
		w = way{nic: h.own[r.src]}
	case !ok && r.kind == toHost, len(h.nics) == 1:
		return syscall.ENETUNREACH
	case !ok:
		w = way{nic: h.nics[1]}
	}
	r.nic = w.nic
	if r.kind == toHost && w.router.IsValid() {
		r.hop = w.router
	}
	return nil
}

// confirmEvery is how often it is worth saying that the next hop is there: well within
// the time for which its neighbour believes it.
const confirmEvery = 10 * time.Second

// confirm says that what was sent by the route has arrived, as an acknowledgement
// shows: so the next hop is there, and need not be asked (RFC 4861 §7.3.1).
func (r *route) confirm(now time.Duration) {
	last := r.confirmed.Load()
	if r.kind != toHost || r.nic.index == 0 || last != 0 && now-time.Duration(last) < confirmEvery {
		return
	}
	r.confirmed.Store(int64(now))
	r.nic.mu.Lock()
	defer r.nic.mu.Unlock()
	r.nic.neighbors.Confirm(now, r.hop)
}

// fresh says whether the route still holds. It costs one load.
func (r *route) fresh() bool { return r != nil && !r.stale.Load() }

// payload is how many bytes a packet on the route carries behind its IP header.
func (r *route) payload() int { return r.mtu - r.headerLen() }

// headerLen is the length of an IP header without options.
func (r *route) headerLen() int { return 20 }

// pseudo is the partial sum of the pseudo-header for length bytes of a protocol.
func (r *route) pseudo(proto internet.Protocol, length int) uint32 {
	return transport.PseudoSum4(r.src.As4(), r.dst.As4(), proto, length)
}

// mac returns the link address of destinations that nobody needs to be asked for.
func (r *route) mac() (link.MAC, bool) {
	switch {
	case r.nic.index == 0:
		return link.MAC{}, true
	case r.kind == toAll:
		return broadcastMAC, true
	case r.kind == toGroup:
		return groupMAC(r.dst), true
	}
	return link.MAC{}, false
}

var broadcastMAC = link.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// groupMAC is the station address of a group: the low 23 bits of it (RFC 1112 §6.4).
func groupMAC(group netip.Addr) link.MAC {
	a := group.As4()
	return link.MAC{0x01, 0x00, 0x5e, a[1] & 0x7f, a[2], a[3]}
}
