package main

import (
	"fmt"
	"net"
	"net/netip"

	"dialtone/app/escape"
	"dialtone/observe/routes"
)

// mac returns the hardware address that a frame to a would carry, nil if it is
// not known or there is none, and its state if it stands in the neighbour table.
func (a resolvedAddr) mac() (net.HardwareAddr, routes.State) {
	if len(a.route.Interface.HardwareAddr) == 0 || a.route.Interface.Loopback {
		return nil, ""
	}
	switch a.route.Kind {
	case routes.Broadcast:
		return net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, ""
	case routes.Multicast:
		return groupMAC(a.ip), ""
	}
	if a.neighbor == nil {
		return nil, ""
	}
	return a.neighbor.HardwareAddr, a.neighbor.State
}

// groupMAC is the Ethernet address of a multicast group: 01:00:5e and the low 23
// bits of an IPv4 address (RFC 1112 §6.4), 33:33 and the low 32 bits of an IPv6
// address (RFC 2464 §7).
func groupMAC(ip netip.Addr) net.HardwareAddr {
	b := ip.As16()
	if ip.Is4() {
		return net.HardwareAddr{0x01, 0x00, 0x5e, b[13] & 0x7f, b[14], b[15]}
	}
	return net.HardwareAddr{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

func (a resolvedAddr) macText() string {
	by := a.route.Interface
	mac, state := a.mac()
	switch {
	case a.route.Kind == routes.Local:
		return "none: no packet reaches a link"
	case by.Loopback || len(by.HardwareAddr) == 0:
		return fmt.Sprintf("none: %s has no such addresses", escape.String(by.Name))
	case a.route.Kind == routes.Broadcast:
		return mac.String() + ", everybody on the link"
	case a.route.Kind == routes.Multicast:
		return mac.String() + ", made from the group's address"
	case state == "":
		return fmt.Sprintf("not known yet: %s asks for it before the first packet", asks(a.ip))
	case mac == nil:
		return fmt.Sprintf("unknown, %s: %s", state, stateMeaning(state))
	}
	text := fmt.Sprintf("%s, %s: %s", mac, state, stateMeaning(state))
	if a.neighbor.Router {
		text += "; a router, by its own word"
	}
	return text
}

// asks names the protocol that finds hardware addresses.
func asks(ip netip.Addr) string {
	if ip.Is4() {
		return "ARP"
	}
	return "Neighbor Discovery"
}

// stateMeaning says what a neighbour's state means, or nothing.
func stateMeaning(s routes.State) string {
	switch s {
	case routes.Incomplete:
		return "asked, no answer yet"
	case routes.Reachable:
		return "confirmed not long ago"
	case routes.Stale:
		return "not confirmed lately, used all the same"
	case routes.Delay:
		return "used, waiting for a sign of life"
	case routes.Probe:
		return "being asked again"
	case routes.Failed:
		return "did not answer"
	case routes.NoARP:
		return "needs no asking"
	case routes.Permanent:
		return "set by hand"
	}
	return ""
}
