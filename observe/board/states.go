package board

import (
	"net/netip"

	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

const (
	listening = sockets.State(tcp.Listen)
	closed    = sockets.State(tcp.Closed)
)

// address writes an IPv4 address in an IPv6 one as the IPv4 address.
func address(a netip.AddrPort) string {
	if ip := a.Addr(); ip.Is4In6() {
		a = netip.AddrPortFrom(ip.Unmap(), a.Port())
	}
	return a.String()
}

// knownState reports whether s is a state, or 0: not known.
func knownState(n int) bool { return n >= 0 && n <= int(sockets.Connected) }
