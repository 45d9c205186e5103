// Package sockets shows the sockets of this machine: what they are connected to, in
// which state they are, what they wait for, and which processes have them open.
//
//	table, err := sockets.Open(sockets.Config{})
//	defer table.Close()
//	filter, err := sockets.ParseFilter(ctx, "port 8000 and not state listen")
//	list, err := table.Read(sockets.Query{Filter: filter, Info: true, Owners: true})
//	for _, s := range list {
//		fmt.Println(s.State, s.Local, s.Remote, s.Info.RTT.Smooth, s.Processes)
//	}
//
// The kernel's tables come from Linux' sock_diag(7), the processes from /proc. Whoever
// lacks the rights to look into another user's processes still sees the socket and its
// user. Other systems answer [errors.ErrUnsupported].
package sockets

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"dialtone/transport/tcp"
)

// Socket is one socket of this machine, or what the kernel keeps of one: a request
// that is not accepted yet (SYN_RCVD), a connection that is over (TIME_WAIT).
type Socket struct {
	Network string         // "tcp", "udp", "unix", "unixgram" or "unixpacket"
	State   State          //
	Local   netip.AddrPort // :: and 0.0.0.0 stand for every address
	Remote  netip.AddrPort // the zero AddrPort without a peer

	Path string // of a Unix socket; an abstract one begins with @
	Peer uint32 // of a Unix socket: the inode of the one at the other end; 0 for none

	RecvQueue uint32 // bytes to read; of a listener: connections to accept
	SendQueue uint32 // bytes to acknowledge; of a listener: connections that may wait
	Timer     Timer

	Info       *Info   // of a TCP connection, if asked for
	Memory     *Memory // if asked for
	Congestion string  // the algorithm of a TCP connection, if asked for

	UID       uint32    // the user who made it
	User      string    // by name, or by number if there is none
	Inode     uint32    // as in /proc/PID/fd; 0 when no process has it any more
	Cookie    uint64    // no other socket since the machine was started has it
	Interface string    // that it is bound to, or ""
	Processes []Process // that have it open, by PID, if asked for
	IPv6Only  bool      // a socket bound to :: does not take IPv4

	// Hidden says that there were processes whose open files this process may
	// not list, so that Processes may be incomplete.
	Hidden bool

	Watched Watched // in rows of a Watcher
}

// Watched is what a Watcher knows of a socket beside what the kernel tells.
type Watched struct {
	// ID is the same in all rows and transitions of a socket as long as the watcher runs,
	// and in none of another: its cookie, or a number from 1<<52 on if the watcher heard of
	// the socket before it had one. It is 0 if the socket was gone by the end of the look.
	ID    uint64
	Age   time.Duration // how long it had been in its state when the row was read, at least
	Exact bool          // Age is exact: the transition was seen
}

// Process is a process that has a socket open.
type Process struct {
	PID  int
	Name string // what the process calls itself, at most 15 bytes on Linux; any bytes
}

// Timer is what a socket waits for at most.
type Timer struct {
	Kind  TimerKind
	Left  time.Duration // until it runs out
	Count uint8         // how often it ran out in a row
}

// TimerKind is what happens when a timer runs out.
type TimerKind uint8

const (
	timerRetransmit TimerKind = 1 + iota
	timerKeepalive
	timerTimeWait
	timerProbe // of a closed window
)

func (k TimerKind) String() string {
	names := [...]string{"", "retransmit", "keepalive", "timewait", "probe"}
	if int(k) < len(names) {
		return names[k]
	}
	return ""
}

// connected reports whether a TCP socket in this state has a connection with figures:
// not one that listens, waits for its end or is half open.
func (s State) connected() bool {
	return s != State(tcp.Listen) && s != State(tcp.Closed) && s != State(tcp.TimeWait) && s != Bound
}

// Age returns how long s had been in its state when it was read, at least, and whether
// that is exact. It is 0 where neither the kernel nor a watcher knows.
func (s *Socket) Age() (age time.Duration, exact bool) {
	if s.Watched.Exact {
		return s.Watched.Age, true
	}
	age, exact = s.proven()
	return max(age, s.Watched.Age), exact
}

// proven is the age that what the kernel keeps proves.
func (s *Socket) proven() (age time.Duration, exact bool) {
	const timeWait = time.Minute // TCP_TIMEWAIT_LEN
	switch {
	case s.State == State(tcp.TimeWait) && s.Timer.Left <= timeWait:
		return timeWait - s.Timer.Left, true
	case s.Info == nil:
	case s.State == State(tcp.Established):
		return min(s.Info.Times.SinceSent, s.Info.Times.SinceReceived), false
	case s.State == State(tcp.CloseWait), s.State == State(tcp.FinWait2):
		return s.Info.Times.SinceAck, false // the FIN, or its ACK, was one
	}
	return 0, false
}

// Owners returns the sockets of network, "tcp" or "udp", that have the local
// port: those that take what arrives there or that only hold the port, and, if
// there are none, those of connections.
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

func owners(network string, port uint16) ([]Socket, error) {
	t, err := Open(Config{})
	if err != nil {
		return nil, err
	}
	defer t.Close()
	filter, err := ParseFilter(context.Background(), fmt.Sprintf("%s local port %d", network, port))
	if err != nil {
		return nil, err
	}
	rows, err := t.Read(Query{Filter: filter, Owners: true})
	if err != nil {
		return nil, err
	}
	connections := !slices.ContainsFunc(rows, (*Socket).holds)
	var list []Socket
	for _, s := range rows {
		if connections || s.holds() {
			list = append(list, *s)
		}
	}
	return list, nil
}

// holds reports whether s has its port for itself, as no connection does.
func (s *Socket) holds() bool {
	return s.Network == "udp" || s.State == State(tcp.Listen) || s.State == Bound
}

// Takes reports whether what is sent to the address ip, on the socket's port,
// can arrive at s: a listening TCP socket, or a UDP socket, bound to ip or to
// every address of its family.
func (s Socket) Takes(ip netip.Addr) bool {
	if s.State != State(tcp.Listen) && s.State != Unconnected && s.State != Connected {
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
