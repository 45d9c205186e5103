package routes

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ask is RTM_GETROUTE: what ip route get shows.
func ask(dst netip.Addr, all []Interface) (hop, error) {
	var options netlink.RouteGetOptions
	if zone := dst.Zone(); zone != "" {
		ifi, err := byZone(zone, all)
		if err != nil {
			return hop{}, err
		}
		options.OifIndex = ifi.Index
	}
	found, err := netlink.RouteGetWithOptions(dst.AsSlice(), &options)
	switch {
	case err != nil:
		return hop{}, err
	case len(found) == 0:
		return hop{}, syscall.ENETUNREACH
	}
	r := found[0]
	kind, err := kindOf(r.Type)
	h := hop{kind: kind, index: r.LinkIndex, gateway: toAddr(r.Gw), source: toAddr(r.Src)}
	if via, ok := r.Via.(*netlink.Via); ok { // IPv4 by way of an IPv6 router (RFC 5549)
		h.gateway = toAddr(via.Addr)
	}
	if h.gateway == dst { // a route that names the destination as its own gateway
		h.gateway = netip.Addr{}
	}
	return h, err
}

// kindOf translates a route's type. IPv6 answers with a route of type
// unreachable where IPv4 answers with the errno.
func kindOf(t int) (Kind, error) {
	switch t {
	case unix.RTN_UNICAST:
		return Unicast, nil
	case unix.RTN_LOCAL:
		return Local, nil
	case unix.RTN_BROADCAST:
		return Broadcast, nil
	case unix.RTN_MULTICAST:
		return Multicast, nil
	case unix.RTN_ANYCAST:
		return Anycast, nil
	case unix.RTN_PROHIBIT:
		return "", syscall.EACCES
	case unix.RTN_BLACKHOLE:
		return "", syscall.EINVAL
	}
	return "", syscall.EHOSTUNREACH
}

// neighbors is RTM_GETNEIGH for both families.
func neighbors() ([]Neighbor, error) {
	names := map[int]string{}
	all, err := Interfaces()
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		names[i.Index] = i.Name
	}
	found, err := dump(5)
	if err != nil {
		return nil, err
	}
	list := make([]Neighbor, 0, len(found))
	for _, f := range found {
		if n, ok := toNeighbor(f, names[f.LinkIndex]); ok {
			list = append(list, n)
		}
	}
	return list, nil
}

// dump asks again when the table changed while it was read, at most tries times:
// then what came is good enough.
func dump(tries int) (found []netlink.Neigh, err error) {
	for range tries {
		found, err = netlink.NeighList(0, netlink.FAMILY_ALL)
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return found, err
		}
	}
	return found, nil
}

func toNeighbor(f netlink.Neigh, name string) (Neighbor, bool) {
	addr := toAddr(f.IP)
	if !addr.IsValid() || f.Family != unix.AF_INET && f.Family != unix.AF_INET6 {
		return Neighbor{}, false
	}
	if addr.IsLinkLocalUnicast() && addr.Is6() {
		addr = addr.WithZone(name)
	}
	n := Neighbor{
		Addr: addr, Interface: name, State: stateOf(f.State),
		Router: f.Flags&netlink.NTF_ROUTER != 0,
		Proxy:  f.Flags&netlink.NTF_PROXY != 0,
	}
	if len(f.HardwareAddr) > 0 && n.State != Incomplete && n.State != Failed {
		n.HardwareAddr = slices.Clone(f.HardwareAddr)
	}
	return n, true
}

// stateOf translates ndm_state, which has one bit set or none.
func stateOf(bits int) State {
	switch bits {
	case netlink.NUD_INCOMPLETE:
		return Incomplete
	case netlink.NUD_REACHABLE:
		return Reachable
	case netlink.NUD_STALE:
		return Stale
	case netlink.NUD_DELAY:
		return Delay
	case netlink.NUD_PROBE:
		return Probe
	case netlink.NUD_FAILED:
		return Failed
	case netlink.NUD_NOARP:
		return NoARP
	case netlink.NUD_PERMANENT:
		return Permanent
	}
	return None
}

func toAddr(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
