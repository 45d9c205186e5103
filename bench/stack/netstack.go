//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/ethernet"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/link/veth"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"dialtone/link/sim"
)

// gvisorEnd is one of gVisor's stacks.
type gvisorEnd struct{ *stack.Stack }

func (e gvisorEnd) dial(ctx context.Context, address string) (net.Conn, error) {
	return gonet.DialContextTCP(ctx, e.Stack, fullAddress(address), ipv4.ProtocolNumber)
}

func (e gvisorEnd) listen(_ context.Context, address string) (net.Listener, error) {
	return gonet.ListenTCP(e.Stack, fullAddress(address), ipv4.ProtocolNumber)
}

func fullAddress(address string) tcpip.FullAddress {
	at := netip.MustParseAddrPort(address)
	return tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFrom4(at.Addr().As4()), Port: at.Port()}
}

const queue = 4096 // frames

// openNetstack joins two of gVisor's stacks: by its pipe, which has the checksums done
// in software; for super-segments by its veth, which leaves them out; or by a cable of
// ours.
func openNetstack(where place) (*pair, error) {
	if where.tap != noTap {
		return openTap("netstack", where.tap == outTap)
	}
	var links [2]stack.LinkEndpoint
	closeLine := func() {}
	switch {
	case where.line != nil:
		cable := sim.NewCable(*where.line)
		a, b := newPortEndpoint(cable.A(), 1), newPortEndpoint(cable.B(), 2)
		links = [2]stack.LinkEndpoint{a, b}
		closeLine = func() { cable.Close() }
	case where.mtu > 1500:
		a, b := veth.NewPair(uint32(where.mtu), queue)
		links = [2]stack.LinkEndpoint{a, b}
		closeLine = a.Close
	default:
		a, b := pipe.New("\x02\x00\x00\x00\x00\x01", "\x02\x00\x00\x00\x00\x02", uint32(where.mtu))
		links = [2]stack.LinkEndpoint{ethernet.New(a), ethernet.New(b)}
	}
	var ends [2]gvisorEnd
	for i, address := range [2]string{addressA, addressB} {
		s, err := newNetstack(links[i], address)
		if err != nil {
			return nil, err
		}
		ends[i] = gvisorEnd{s}
	}
	return &pair{ends[0], ends[1], func() {
		for _, e := range ends {
			e.Close()
		}
		closeLine()
		for _, e := range ends {
			e.Wait()
		}
	}}, nil
}

// newNetstack sets a stack up as gVisor itself does for containers: SACK, CUBIC, buffers
// that grow to what Linux allows.
func newNetstack(link stack.LinkEndpoint, address string) (*stack.Stack, error) {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocolCUBIC},
	})
	sack, moderate := tcpip.TCPSACKEnabled(true), tcpip.TCPModerateReceiveBufferOption(true)
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4 << 10, Default: 128 << 10, Max: 6 << 20}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: 4 << 10, Default: 16 << 10, Max: 4 << 20}
	for _, o := range []tcpip.SettableTransportProtocolOption{&sack, &moderate, &receive, &send} {
		if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return nil, fmt.Errorf("netstack: %v", err)
		}
	}
	if err := s.CreateNIC(1, link); err != nil {
		return nil, fmt.Errorf("netstack: %v", err)
	}
	own := tcpip.AddressWithPrefix{Address: tcpip.AddrFrom4(netip.MustParseAddr(address).As4()), PrefixLen: 24}
	if err := s.AddProtocolAddress(1, tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: own}, stack.AddressProperties{}); err != nil {
		return nil, fmt.Errorf("netstack: %v", err)
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: 1}})
	return s, nil
}
