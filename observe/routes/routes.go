// Package routes asks the kernel how a packet would leave this machine.
//
//	route, err := routes.To(netip.MustParseAddr("192.0.2.1"))
//	neighbors, err := routes.Neighbors()
//
// [To] is one question to the routing table: through which interface, from
// which address, to which next hop. [Neighbors] is the table of the machines on
// the same links, with the hardware addresses that ARP and Neighbor Discovery
// found. Nothing here sends a packet: an entry that is missing stays missing.
//
// Routes and neighbours come from Linux (rtnetlink); elsewhere the functions
// return [errors.ErrUnsupported]. [Interfaces] works on every system.
package routes

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Kind is what the kernel does with packets to a destination.
type Kind string

// The kinds of routes that [To] returns.
const (
	Unicast   Kind = "unicast"   // sent to one machine
	Local     Kind = "local"     // delivered on this machine
	Broadcast Kind = "broadcast" // sent to every machine on the link
	Multicast Kind = "multicast" // sent to the machines of a group
	Anycast   Kind = "anycast"   // delivered on this machine, which is one of several with that address
)

// Route is the way that a packet to Destination would take now.
type Route struct {
	Destination netip.Addr
	Kind        Kind
	Interface   Interface // the packet leaves by; the loopback interface for Local

	// NextHop is the router that the packet is handed to. It is the zero Addr
	// when Destination itself is on the link, or on this machine.
	NextHop netip.Addr

	// Source is the address that the packet would come from, with the length
	// of its network's prefix on the interface that holds it. For Local it is
	// the address that Destination is, or whose prefix covers it. It is the zero
	// Prefix where the kernel names none.
	Source netip.Prefix

	// Holder is the name of the interface that has Source.
	Holder string
}

// Interface is one of this machine's network interfaces.
type Interface struct {
	Index        int
	Name         string
	HardwareAddr net.HardwareAddr // nil where the link has no such addresses
	Loopback     bool
	MTU          int            // bytes
	Prefixes     []netip.Prefix // its addresses, each with the length of its network's prefix
}

// Neighbor is one entry of the neighbour table.
type Neighbor struct {
	Addr         netip.Addr       // with a zone if it is link-local
	HardwareAddr net.HardwareAddr // nil while it is not known
	Interface    string
	State        State
	Router       bool // it says of itself that it forwards packets (RFC 4861 §4.4)
	Proxy        bool // this machine answers for it
}

// State says how sure the kernel is of a neighbour's hardware address, in the
// words of Linux (include/uapi/linux/neighbour.h); RFC 4861 §7.3.2 explains
// those from INCOMPLETE to PROBE.
type State string

// The states of a neighbour.
const (
	None       State = "NONE"       // just made
	Incomplete State = "INCOMPLETE" // asked, no answer yet
	Reachable  State = "REACHABLE"  // confirmed not long ago
	Stale      State = "STALE"      // not confirmed for a while, used all the same
	Delay      State = "DELAY"      // used while stale: waiting for a sign of life before asking
	Probe      State = "PROBE"      // asked again
	Failed     State = "FAILED"     // did not answer
	NoARP      State = "NOARP"      // needs no asking: multicast, loopback, point-to-point
	Permanent  State = "PERMANENT"  // set by hand
)

// To returns the way that a packet to dst takes. The zone of a link-local dst
// names its interface. Where no way leads there the error wraps the errno that
// sending would give: ENETUNREACH, EHOSTUNREACH, EACCES or EINVAL; an unknown
// zone and a dst that is not valid are errors too.
func To(dst netip.Addr) (Route, error) {
	if !dst.IsValid() {
		return Route{}, errors.New("route: no destination")
	}
	dst = dst.Unmap()
	all, err := Interfaces()
	if err != nil {
		return Route{}, fmt.Errorf("route to %s: %w", dst, err)
	}
	hop, err := ask(dst, all)
	if err != nil {
		return Route{}, fmt.Errorf("route to %s: %w", dst, err)
	}
	return hop.route(dst, all), nil
}

// Neighbors returns the neighbour table, by interface and address.
func Neighbors() ([]Neighbor, error) {
	list, err := neighbors()
	if err != nil {
		return nil, fmt.Errorf("neighbour table: %w", err)
	}
	slices.SortStableFunc(list, compareNeighbors)
	return list, nil
}

func compareNeighbors(a, b Neighbor) int {
	if a.Interface != b.Interface {
		if a.Interface < b.Interface {
			return -1
		}
		return 1
	}
	return a.Addr.Compare(b.Addr)
}

// Interfaces returns this machine's interfaces in the order of their indexes,
// those that are down too.
func Interfaces() ([]Interface, error) {
	found, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	list := make([]Interface, 0, len(found))
	for _, f := range found {
		ifi := Interface{
			Index: f.Index, Name: f.Name, MTU: f.MTU,
			HardwareAddr: f.HardwareAddr,
			Loopback:     f.Flags&net.FlagLoopback != 0,
		}
		addrs, err := f.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				ifi.Prefixes = append(ifi.Prefixes, toPrefix(n))
			}
		}
		list = append(list, ifi)
	}
	return list, nil
}

func toPrefix(n *net.IPNet) netip.Prefix {
	ip, _ := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(ip.Unmap(), bits)
}

// hop is what the kernel answers about a destination.
type hop struct {
	kind    Kind
	index   int // of the interface
	gateway netip.Addr
	source  netip.Addr
}

// route adds to h what the interfaces tell.
func (h hop) route(dst netip.Addr, all []Interface) Route {
	r := Route{Destination: dst, Kind: h.kind, NextHop: h.gateway}
	if i := slices.IndexFunc(all, func(i Interface) bool { return i.Index == h.index }); i >= 0 {
		r.Interface = all[i]
	}
	own := h.source
	if h.kind == Local {
		own = dst
	}
	r.Source, r.Holder = holder(own, r.Interface, all)
	if h.source.IsValid() && !r.Source.IsValid() {
		r.Source = netip.PrefixFrom(h.source, h.source.BitLen())
	}
	return r
}

// holder returns the address own with its prefix and the interface that has it,
// or else the prefix on the interface out that covers it, as 127.0.0.0/8 does.
func holder(own netip.Addr, out Interface, all []Interface) (netip.Prefix, string) {
	zone := own.Zone()
	own = own.WithZone("")
	for _, i := range slices.Concat([]Interface{out}, all) {
		if zone != "" && zone != i.Name {
			continue
		}
		for _, p := range i.Prefixes {
			if p.Addr() == own {
				return p, i.Name
			}
		}
	}
	for _, p := range out.Prefixes {
		if own.IsValid() && p.Contains(own) {
			return p, out.Name
		}
	}
	return netip.Prefix{}, ""
}

// byZone returns the interface that a zone names or numbers.
func byZone(zone string, all []Interface) (Interface, error) {
	for _, i := range all {
		if i.Name == zone || fmt.Sprint(i.Index) == zone {
			return i, nil
		}
	}
	return Interface{}, fmt.Errorf("no interface %q", zone)
}
