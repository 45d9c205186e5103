package sockets

import (
	"slices"
	"strings"

	"dialtone/transport/tcp"
)

// State is a socket's state: one of the eleven of TCP, as package tcp names them, or
// one of a socket that has no connection to be in one of those. The zero State is not
// known.
type State uint8

// The states beside those of TCP; State(tcp.Listen) is one of those.
const (
	Bound       State = State(tcp.Closed) + 1 + iota // TCP: has a port, neither listens nor is connected (shown since Linux 6.8)
	Unconnected                                      // UDP and Unix: takes datagrams from everybody, or nothing
	Connected                                        // UDP and Unix: has one peer
)

// States returns all of them, TCP's first.
func States() []State {
	var list []State
	for s := State(tcp.Listen); s <= Connected; s++ {
		list = append(list, s)
	}
	return list
}

// String is the state's name as netstat has it: SYN_RCVD, FIN_WAIT_1, UNCONNECTED.
func (s State) String() string {
	switch s {
	case Bound:
		return "BOUND"
	case Unconnected:
		return "UNCONNECTED"
	case Connected:
		return "CONNECTED"
	}
	return tcp.State(s).String()
}

// MarshalText is String.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText has written; it takes every spelling of
// [ParseState] too.
func (s *State) UnmarshalText(text []byte) (err error) {
	if string(text) == State(0).String() {
		*s = 0
		return nil
	}
	*s, err = ParseState(string(text))
	return err
}

// ParseState reads a state's name as [tcp.ParseState] does.
func ParseState(name string) (State, error) {
	for s := Bound; s <= Connected; s++ {
		if strings.EqualFold(name, s.String()) {
			return s, nil
		}
	}
	s, err := tcp.ParseState(name)
	return State(s), err
}

// kernelTCP are the states by Linux' numbers (include/net/tcp_states.h). Its
// NEW_SYN_RECV, 12, is a request that is not yet a socket: half open.
var kernelTCP = [...]State{
	1: State(tcp.Established), 2: State(tcp.SynSent), 3: State(tcp.SynReceived), 4: State(tcp.FinWait1),
	5: State(tcp.FinWait2), 6: State(tcp.TimeWait), 7: State(tcp.Closed), 8: State(tcp.CloseWait), 9: State(tcp.LastAck),
	10: State(tcp.Listen), 11: State(tcp.Closing), 12: State(tcp.SynReceived), 13: Bound,
}

// kernelState translates the kernel's number for a socket of network.
func kernelState(network string, n uint8) State {
	if network == "tcp" || n == 10 {
		if int(n) < len(kernelTCP) {
			return kernelTCP[n]
		}
		return 0
	}
	if n == 1 {
		return Connected
	}
	return Unconnected
}

// kernelMask is the kernel's set, a bit for each of its numbers, of the sockets of
// network that are in one of states.
func kernelMask(network string, states []State) (mask uint32) {
	for n := uint8(1); int(n) < len(kernelTCP); n++ {
		if slices.Contains(states, kernelState(network, n)) {
			mask |= 1 << n
		}
	}
	return mask
}
