package host

import (
	"net/netip"
	"sync/atomic"
	"syscall"

	"dialtone/internet"
	"dialtone/transport"
)

// A route is how packets get from one of the host's addresses to another address.
// It is shared by all who send there, and never changes; when it no longer holds, it
// is not fresh, and whoever keeps it asks for another.
type route struct {
	src, dst netip.Addr
	hop      netip.Addr // whom the link hands packets to: dst, or a router
	nic      *nic
	mtu      int // of the path, in bytes with the IP header

	stale atomic.Bool
	id    atomic.Uint32 // of the next packet (RFC 6864)
}

type addrPair struct{ src, dst netip.Addr }

// routeTo is routeFrom any address of the host.
func (h *Host) routeTo(dst netip.Addr) (*route, error) { return h.routeFrom(netip.Addr{}, dst) }

// routeFrom returns how packets get from src to dst; of an invalid or unspecified src
// the host chooses it. The error is ENETUNREACH where there is no way, EADDRNOTAVAIL
// where src is not the host's, EINVAL for a dst of no packet.
func (h *Host) routeFrom(src, dst netip.Addr) (*route, error) {
	return nil, syscall.ENETUNREACH
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

// isLocal says whether the route ends on this host.
func (r *route) isLocal() bool { return r.nic.index == 0 }
