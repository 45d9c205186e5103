package host

import (
	"net"
	"net/netip"
	"strings"
	"syscall"
)

const (
	errMessageSize = syscall.EMSGSIZE
	errNoBuffers   = syscall.ENOBUFS
)

// Names are what the host calls other machines by, beside their addresses: there is no
// other source of names. The empty string, "localhost" and the host's own name are the
// host itself, where they are not in it.
func Names(names map[string]string) Option {
	return func(h *Host) {
		h.names = map[string]netip.Addr{}
		for name, addr := range names {
			h.names[strings.ToLower(name)] = netip.MustParseAddr(addr)
		}
	}
}

// lookup returns the address of a machine: literal, or by name. The error is a
// [*net.DNSError], or a [*net.AddrError] for an address of a kind that is not spoken.
func (h *Host) lookup(name string) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(name); err == nil {
		if addr = addr.Unmap(); !addr.Is4() {
			return addr, &net.AddrError{Err: "no suitable address found", Addr: name}
		}
		return addr, nil
	}
	name = strings.ToLower(name)
	if addr, ok := h.names[name]; ok {
		return addr, nil
	}
	switch name {
	case "":
		return netip.IPv4Unspecified(), nil
	case "localhost", strings.ToLower(h.name):
		return loopbackAddr, nil
	}
	return netip.Addr{}, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// resolve returns the address and port that an address of package net's form means:
// "10.0.0.2:8000", "server:http", ":0"; of no host the unspecified address. network is
// tcp, tcp4, udp or udp4; tcp6 and udp6 have no addresses here.
func (h *Host) resolve(network, address string) (netip.AddrPort, error) {
	switch network {
	case "tcp", "tcp4", "udp", "udp4":
	case "tcp6", "udp6":
		return netip.AddrPort{}, &net.AddrError{Err: "no suitable address found", Addr: address}
	default:
		return netip.AddrPort{}, net.UnknownNetworkError(network)
	}
	name, service, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := net.LookupPort(network, service)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr, err := h.lookup(name)
	return netip.AddrPortFrom(addr, uint16(port)), err
}

// socketAddr is one of package net's, for an end of a socket; nil for none.
func udpAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return nil
	}
	return net.UDPAddrFromAddrPort(a)
}
