package conversation

import (
	"syscall"
	"time"

	"dialtone/internet"
	"dialtone/transport/tcp"
)

// An End is who is under test: it has one socket, which talks to the peer.
type End interface {
	Now() time.Duration // since the conversation's beginning

	// Input lets the peer's segment arrive, and Unreachable an error message about a
	// segment of the end's own, whose header it quotes.
	Input(h *tcp.Header, payload []byte)
	Unreachable(m ICMP, about *tcp.Header)

	// Next lets time pass until the end has sent a segment, at most until the time
	// given; nil when it has not.
	Next(until time.Duration) *Sent
	Where() Where

	// The calls of a user, none of which waits; their errors are [syscall.Errno], and
	// EAGAIN where a user would have to wait. Read returns 0 and no error at the end.
	Connect() error
	Listen() error
	Accept() error
	Write(p []byte) (int, error)
	Read(p []byte) (int, error)
	Close() error
	CloseWrite() error
	CloseRead() error
	Abort() error
	SetNoDelay() error

	State() tcp.State
	Err() error // what has befallen the connection and no call has told yet
	Info() Info
	Stop() // the conversation is over
}

// A Sent is a segment that the end under test has sent.
type Sent struct {
	Header  tcp.Header
	Payload []byte
	At      time.Duration
}

// Info is what both ends know of a connection, as in TCP_INFO.
type Info struct {
	Cwnd, Ssthresh int // segments of the maximum size; Ssthresh [Unsaid] for none yet
	RTO, RTT       time.Duration
	Backoff        int
}

// An ICMP is an error message for IPv4.
type ICMP struct {
	Type, Code uint8
	MTU        int // of a fragmentation needed, in bytes
	Seq        int // of the segment that it is about; Unsaid: the last one
}

// icmps are the error messages that scripts can name, and what the kernel tells the
// user of each.
func icmps() map[string]ICMP {
	return map[string]ICMP{
		"net unreachable":      {Type: internet.ICMPv4Unreachable, Code: 0},
		"host unreachable":     {Type: internet.ICMPv4Unreachable, Code: 1},
		"protocol unreachable": {Type: internet.ICMPv4Unreachable, Code: 2},
		"port unreachable":     {Type: internet.ICMPv4Unreachable, Code: 3},
		"fragmentation needed": {Type: internet.ICMPv4Unreachable, Code: internet.ICMPv4FragmentationNeeded},
		"source route failed":  {Type: internet.ICMPv4Unreachable, Code: 5},
		"source quench":        {Type: internet.ICMPv4SourceQuench},
		"time exceeded":        {Type: internet.ICMPv4TimeExceeded},
		"parameter problem":    {Type: internet.ICMPv4ParameterProblem},
	}
}

func icmpNamed(name string) (typ, code uint8, ok bool) {
	m, ok := icmps()[name]
	return m.Type, m.Code, ok
}

const errWouldBlock = syscall.EAGAIN

// errnos are the errors that scripts can name.
func errnos() map[string]error {
	return map[string]error{
		"EAGAIN":       syscall.EAGAIN,
		"ECONNREFUSED": syscall.ECONNREFUSED,
		"ECONNRESET":   syscall.ECONNRESET,
		"EHOSTUNREACH": syscall.EHOSTUNREACH,
		"EINPROGRESS":  syscall.EINPROGRESS,
		"ENETUNREACH":  syscall.ENETUNREACH,
		"ENOPROTOOPT":  syscall.ENOPROTOOPT,
		"ENOTCONN":     syscall.ENOTCONN,
		"EPIPE":        syscall.EPIPE,
		"EPROTO":       syscall.EPROTO,
		"ETIMEDOUT":    syscall.ETIMEDOUT,
	}
}

// errName is the error as scripts write it.
func errName(err error) string {
	for name, e := range errnos() {
		if e == err {
			return name
		}
	}
	if err == nil {
		return "none"
	}
	return err.Error()
}
