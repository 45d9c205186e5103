// Package sockets says which sockets of this machine have a port, and which
// processes have those sockets open.
//
//	list, err := sockets.Owners("tcp", 8000)
//	for _, s := range list {
//		fmt.Println(s.State, s.Local, s.Processes)
//	}
//
// The kernel's socket table comes from Linux' sock_diag, the processes from
// /proc. Whoever lacks the rights to look into another user's processes still
// sees the socket and its user. Other systems answer [errors.ErrUnsupported].
package sockets

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// State is a socket's state: for TCP in the words of RFC 9293 §3.3.2.
type State string

// The states of a socket.
const (
	Established State = "ESTABLISHED"
	SynSent     State = "SYN-SENT"
	SynReceived State = "SYN-RECEIVED"
	FinWait1    State = "FIN-WAIT-1"
	FinWait2    State = "FIN-WAIT-2"
	TimeWait    State = "TIME-WAIT"
	Closed      State = "CLOSED"
	CloseWait   State = "CLOSE-WAIT"
	LastAck     State = "LAST-ACK"
	Listen      State = "LISTEN"
	Closing     State = "CLOSING"

	Bound       State = "BOUND"       // TCP: has the port, neither listens nor is connected (shown since Linux 6.8)
	Unconnected State = "UNCONNECTED" // UDP: takes datagrams from everybody
	Connected   State = "CONNECTED"   // UDP: takes datagrams from one peer
)

// Socket is one socket of this machine.
type Socket struct {
	Network   string         // "tcp" or "udp"
	Local     netip.AddrPort // :: and 0.0.0.0 stand for every address
	Remote    netip.AddrPort // the zero AddrPort without a peer
	State     State
	IPv6Only  bool      // a socket bound to :: does not take IPv4
	UID       uint32    // the user who made it
	Inode     uint32    // as in /proc/PID/fd; 0 when no process has it any more
	Processes []Process // that have it open, by PID

	// Hidden says that there were processes whose open files this process may
	// not list, so that Processes may be incomplete.
	Hidden bool
}

// Process is a process that has a socket open.
type Process struct {
	PID  int
	Name string // what the process calls itself, at most 15 bytes on Linux; any bytes
}

// Owners returns the sockets of network, "tcp" or "udp", that have the local
// port: those that take what arrives there or that only hold the port, and, if
// there are none, those of connections. At most 256 are returned.
func Owners(network string, port uint16) ([]Socket, error) {
	if network != "tcp" && network != "udp" {
		return nil, fmt.Errorf("sockets: network %q is neither tcp nor udp", network)
	}
	list, err := owners(network, port)
	if err != nil {
		return nil, fmt.Errorf("sockets of %s port %d: %w", network, port, err)
	}
	slices.SortStableFunc(list, func(a, b Socket) int {
		return cmp.Or(a.Local.Compare(b.Local), a.Remote.Compare(b.Remote))
	})
	return list, nil
}

// Takes reports whether what is sent to the address ip, on the socket's port,
// can arrive at s: a listening TCP socket, or a UDP socket, bound to ip or to
// every address of its family.
func (s Socket) Takes(ip netip.Addr) bool {
	if s.State != Listen && s.State != Unconnected && s.State != Connected {
		return false
	}
	ip, local := ip.Unmap(), s.Local.Addr()
	switch {
	case local == netip.IPv6Unspecified():
		return ip.Is6() || !s.IPv6Only
	case local.Unmap() == netip.IPv4Unspecified():
		return ip.Is4()
	case local.Zone() == "":
		return local.Unmap() == ip.WithZone("")
	}
	return local == ip
}
