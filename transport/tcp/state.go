package tcp

import (
	"fmt"
	"strings"
)

// State is one of the eleven states of a connection's end (RFC 9293 §3.3.2).
type State uint8

// The states, in the RFC's order; the zero State is none of them: not known.
const (
	Listen State = iota + 1
	SynSent
	SynReceived
	Established
	FinWait1
	FinWait2
	CloseWait
	Closing
	LastAck
	TimeWait
	Closed
)

// String is the state's name as netstat has it: SYN_RCVD, FIN_WAIT_1; "unknown" for
// a number that is no state.
func (s State) String() string {
	switch s {
	case Listen:
		return "LISTEN"
	case SynSent:
		return "SYN_SENT"
	case SynReceived:
		return "SYN_RCVD"
	case Established:
		return "ESTABLISHED"
	case FinWait1:
		return "FIN_WAIT_1"
	case FinWait2:
		return "FIN_WAIT_2"
	case CloseWait:
		return "CLOSE_WAIT"
	case Closing:
		return "CLOSING"
	case LastAck:
		return "LAST_ACK"
	case TimeWait:
		return "TIME_WAIT"
	case Closed:
		return "CLOSED"
	}
	return "unknown"
}

// ParseState reads a state's name in small or capital letters, with hyphens,
// underscores or nothing between its words, and spelled as in RFC 9293
// (SYN-RECEIVED), by [State.String] (SYN_RCVD), by netstat (SYN_RECV, FIN_WAIT1) or
// by ss (estab).
func ParseState(name string) (State, error) {
	short := strings.NewReplacer("-", "", "_", "").Replace(strings.ToUpper(name))
	switch short {
	case "SYNRECEIVED", "SYNRECV":
		return SynReceived, nil
	case "ESTAB":
		return Established, nil
	}
	for s := Listen; s <= Closed; s++ {
		if short == strings.ReplaceAll(s.String(), "_", "") {
			return s, nil
		}
	}
	return 0, fmt.Errorf("TCP state %.40q: want one of %s", name, stateNames())
}

func stateNames() string {
	names := make([]string, 0, Closed)
	for s := Listen; s <= Closed; s++ {
		names = append(names, s.String())
	}
	return strings.Join(names, ", ")
}
