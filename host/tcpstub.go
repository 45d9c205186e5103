package host

import (
	"context"
	"net"
	"net/netip"
	"syscall"
)

func (h *Host) dialUDP(ctx context.Context, network, address string) (net.Conn, error) {
	return nil, syscall.ENOSYS
}

func (h *Host) resolve(network, address string) (netip.AddrPort, error) {
	return netip.ParseAddrPort(address)
}

func (h *Host) udpSockets(list []Socket) []Socket { return list }

const (
	DropTCPHeader = iota + 50
	DropTCPChecksum
	DropTCPBacklog
	DropTCPHandshakes
)
