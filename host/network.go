package host

import (
	"net/netip"
	"sync"

	"dialtone/link"
)

// network is what a host is attached to. Only what is under mu changes after New.
type network struct {
	nics    []*nic // the loopback interface first
	own     map[netip.Addr]*nic
	forward bool

	routes []tableRoute // longest prefix first

	mu    sync.RWMutex
	cache map[addrPair]*route
}

type tableRoute struct {
	prefix  netip.Prefix
	gateway netip.Addr // invalid: the link's own machines
	nic     *nic
}

// Attach gives the host an interface on a link, with one address or more, each with
// its network's size: "10.0.0.1/24".
func Attach(port link.Port, prefixes ...string) Option {
	return func(h *Host) {
		n := &nic{host: h, port: port, index: len(h.nics)}
		for _, s := range prefixes {
			n.prefixes = append(n.prefixes, netip.MustParsePrefix(s))
		}
		h.nics = append(h.nics, n)
	}
}

// MAC gives the interface that the last [Attach] made an address of its own; without
// it that follows from the host's name.
func MAC(mac link.MAC) Option { return func(h *Host) { h.nics[len(h.nics)-1].mac = mac } }

// Gateway sends packets for which there is no other route to a router on a link.
func Gateway(router string) Option { return Route("0.0.0.0/0", router) }

// Route sends packets to a network to a router on a link.
func Route(prefix, router string) Option {
	return func(h *Host) {
		r := tableRoute{prefix: netip.MustParsePrefix(prefix), gateway: netip.MustParseAddr(router)}
		h.routes = append(h.routes, r)
	}
}

// Forward makes the host a router: packets for others are sent on.
func Forward() Option { return func(h *Host) { h.forward = true } }

func (w *network) up(h *Host) {}
