package sockets

import (
	"net/netip"
	"slices"
	"time"

	"dialtone/transport/tcp"
)

// Transition is one change of a TCP connection's state, at one of its ends.
type Transition struct {
	At            time.Time
	From, To      State // From is 0 where the connection was in an unknown state
	Local, Remote netip.AddrPort
	Cookie        uint64 // of the socket; 0 where the source does not know
	ID            uint64 // as Watched.ID
	UID           uint32

	// Process is the one whose call made the change, and the zero Process where none
	// did: a segment or a timer.
	Process Process
	Owners  []Process // that had the socket open at the last look, if it asked for owners

	// Looked says that the change was found by looking at the table: it happened between
	// the last look and At, and what lay between From and To was not seen.
	Looked bool
}

// Matches reports whether f takes the connection as it was before t, or as it is then.
func (t *Transition) Matches(f *Filter) bool {
	s := Socket{Network: "tcp", State: t.To, Local: t.Local, Remote: t.Remote, Cookie: t.Cookie, UID: t.UID, Processes: t.Owners}
	if t.Process.PID != 0 {
		s.Processes = append(slices.Clip(s.Processes), t.Process)
	}
	if f.Match(&s) {
		return true
	}
	s.State = t.From
	return f.Match(&s)
}

// Sight is what a source of transitions sees, for people.
type Sight struct {
	Name  string   // "raw tracepoint", ...
	Blind []string // what it cannot see, a clause each
	Exact bool     // it reports every transition of a socket when it happens
}

// event is a transition as the kernel reports it: of a socket whose addresses may not be
// complete yet.
type event struct {
	Transition
	handle uint64 // the socket's as long as it lives, in no relation to its cookie
	gone   bool   // the socket is no more; From is not known
}

// byCall reports whether a program's own call makes such a change, and not the peer's
// segment or a timer, in whose course any program may be running.
func (e *event) byCall() bool {
	from, to := tcp.State(e.From), tcp.State(e.To)
	switch to {
	case tcp.Listen, tcp.SynSent, tcp.LastAck:
		return true
	case tcp.FinWait1:
		return from == tcp.Established || from == tcp.SynReceived
	case tcp.Closed:
		return from == tcp.Listen
	}
	return false
}

// source is where events come from.
type source interface {
	// read hands on events as they come, until a time or until the source is closed.
	read(until time.Time, each func(*event)) error
	// lost counts events that there was no room for.
	lost() uint64
	sight() Sight
	close() error
}
