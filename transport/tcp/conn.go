package tcp

import "time"

// A Conn is one end of a connection: the machine of RFC 9293, and nothing else. It
// has no goroutine, no lock and no clock: segments, calls of the user and the time go
// in; segments to send, bytes to read, events and the next deadline come out.
//
//	events := c.Input(now, &h, payload) // a segment has arrived
//	n := c.Write(now, p)                // the user writes; 0 when there is no room
//	events := c.Expire(now)             // c.Deadline() has come
//	c.Output(now, sink)                 // after any of these: what is to be sent now
//
// now is the time since the owner's beginning, and never goes back. Between calls the
// owner must leave a Conn alone; every method takes the same lock of the owner's.
type Conn struct{}

// A Config is what a connection is made with. The zero Config but for the ports and
// ISS is Linux's behaviour.
type Config struct {
	LocalPort, RemotePort uint16
	ISS                   Seq    // initial send sequence number (RFC 6528, by [ISN])
	TimestampOffset       uint32 // what is added to the clock in timestamps, so that it tells nobody the uptime
	MaxSegment            int    // bytes of header options and data that fit the path: MTU less IP and TCP headers without options; 0: 536

	SendBuffer, RecvBuffer int // the most bytes that may wait for the peer or the user: rings start empty and grow; 0: 4 MiB and 6 MiB
	NoDelay                bool
	KeepAlive              KeepAlive
	UserTimeout            time.Duration // give up when data is unacknowledged for so long (RFC 5482); 0: after 15 retransmissions
	Congestion             string        // "cubic" (RFC 9438) or "reno" (RFC 5681, 6582); "": cubic

	NoSACK, NoTimestamps, NoWindowScale bool

	Hooks *Hooks // nil costs nothing
}

// KeepAlive is when to ask a silent peer whether it is still there (RFC 9293 §3.8.4).
type KeepAlive struct {
	Idle     time.Duration // silent for so long; 0: never asked
	Interval time.Duration // between questions; 0: 75 s
	Count    int           // unanswered questions until the connection is given up; 0: 9
}

// Never is the deadline of a connection that waits for nothing but segments.
const Never = time.Duration(1<<63 - 1)

// Events are what a call has changed for the user: who is to be woken.
type Events uint8

const (
	EventConnected Events = 1 << iota // the handshake is over: ESTABLISHED, or beyond
	EventReadable                     // more bytes, or the end of them
	EventWritable                     // more room, or an error
	EventClosed                       // CLOSED or TIME_WAIT: Err says why
)

// A Sink takes the segments that Output makes. Neither h nor data may be kept: data
// is up to two pieces of the send ring.
type Sink interface {
	Segment(h *Header, data [2][]byte)
}

// Hooks watch a connection; each may be nil. They are called inside the calls above,
// must not call back, and must copy what they keep.
type Hooks struct {
	State   func(now time.Duration, from, to State, why string)
	Segment func(now time.Duration, out bool, h *Header, length int)
	Dropped func(now time.Duration, h *Header, why string)
	Timer   func(now time.Duration, what string, at time.Duration)
	Window  func(now time.Duration, cwnd, ssthresh int, cause string)
}
