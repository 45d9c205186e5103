package host

import (
	"net/netip"
	"sync"

	"dialtone/internet"
	"dialtone/link"
)

// network is where a host is: its interfaces, addresses and ways. All of it is fixed
// by New, but for the cache of routes.
type network struct {
	nics      []*nic // the loopback interface first
	own       map[netip.Addr]*nic
	broadcast map[netip.Addr]*nic // of the attached networks (RFC 919 §7)
	forward   bool
	ways      internet.Routes[way]
	via       []gateway // as they were given

	mu     sync.RWMutex
	routes map[addrPair]*route // what was looked up lately
	paths  paths
}

// A way is where packets to a network leave.
type way struct {
	nic    *nic
	router netip.Addr // invalid: those of the network are on the link
}

type gateway struct {
	prefix netip.Prefix
	router netip.Addr
}

// Attach gives the host an interface on a link, with one address or more, each with
// its network's size: "10.0.0.1/24".
func Attach(port link.Port, prefixes ...string) Option {
	return func(h *Host) {
		n := newNIC(h, port)
		for _, s := range prefixes {
			n.prefixes = append(n.prefixes, netip.MustParsePrefix(s))
		}
	}
}

// MAC gives the interface that the last [Attach] made an address of its own; without
// it, that follows from the host's name.
func MAC(mac link.MAC) Option { return func(h *Host) { h.nics[len(h.nics)-1].mac = mac } }

// Gateway names the router that packets go to for which there is no other route.
func Gateway(router string) Option { return Route("0.0.0.0/0", router) }

// Route names the router that packets to a network go to.
func Route(network, router string) Option {
	return func(h *Host) {
		h.via = append(h.via, gateway{netip.MustParsePrefix(network), netip.MustParseAddr(router)})
	}
}

// Forward makes the host a router: packets for others are sent on.
func Forward() Option { return func(h *Host) { h.forward = true } }

var (
	loopbackNet      = netip.MustParsePrefix("127.0.0.1/8")
	limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
)

// up takes the addresses of the interfaces into the tables.
func (w *network) up(h *Host) {
	w.paths.deadline.init((*pathExpiry)(h))
	w.own, w.broadcast = map[netip.Addr]*nic{}, map[netip.Addr]*nic{}
	w.routes = map[addrPair]*route{}
	for _, n := range w.nics {
		for _, p := range n.prefixes {
			w.own[p.Addr()] = n
			w.ways.Add(p, way{nic: n})
			if b, ok := broadcastOf(p); ok && n.index > 0 {
				w.broadcast[b] = n
			}
		}
	}
	// A router that is on no attached network cannot be reached: there is no route then.
	for _, g := range w.via {
		if direct, ok := w.ways.Lookup(g.router); ok && !direct.router.IsValid() {
			w.ways.Add(g.prefix, way{direct.nic, g.router})
		}
	}
}

// broadcastOf returns the address of all machines of a network: the last of it (RFC
// 922 §7). Networks of one address or two have none (RFC 3021 §2.1).
func broadcastOf(p netip.Prefix) (netip.Addr, bool) {
	if !p.Addr().Is4() || p.Bits() > 30 {
		return netip.Addr{}, false
	}
	a := p.Masked().Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a), true
}

// isOwn says whether packets to an address are for this host: one of its addresses, or
// any of 127.0.0.0/8.
func (w *network) isOwn(a netip.Addr) bool {
	_, ok := w.own[a]
	return ok || loopbackNet.Contains(a)
}

// isBroadcast says whether an address is that of all machines of a network.
func (w *network) isBroadcast(a netip.Addr) bool {
	_, ok := w.broadcast[a]
	return ok || a == limitedBroadcast
}
