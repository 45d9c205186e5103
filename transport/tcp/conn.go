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
//
// A Conn is what RFC 9293 §3.3.1 calls the transmission control block, by concern:
//
//	conn.go                    fields, and what they mean
//	open.go, close.go          OPEN, CLOSE, ABORT; states
//	input.go, input*.go        a segment's way in, step by step as in §3.10.7
//	output.go, segment.go      what is to be sent now: SYN, data, ACK, RST
//	timer.go, rto.go, ...      what becomes due: by keepalive.go, persist.go, tail.go
//	rtt.go                     round trips and the retransmission timeout
//	sent.go, sack.go           what is under way, and what of it arrived
//	loss.go, recovery.go, ...  what was lost; what follows; undo.go, frto.go: what is undone
//	congestion.go, cubic.go    how much may be under way; inuse.go: whether that was used
//	window.go, tuning.go       how much is offered to the peer; report.go: what is reported
//	sendring.go, recvring.go   bytes, from the user and for the user
type Conn struct {
	local, remote uint16
	state         State
	passive       bool   // it came from LISTEN
	events        Events // what the current call has changed
	read, write   userEnd
	err           error
	hooks         *Hooks

	snd    sendSpace
	rcv    recvSpace
	stamps timestamps
	acks   ackPolicy
	owed   owed

	runs  sentRuns
	rtt   rttEstimator
	rack  rack
	rec   recovery
	cc    congestionWindow
	ctl   congestionControl
	cubic cubic

	timers  timers
	keep    keepAlive
	count   counters
	scratch scratch
}

// sendSpace is the send sequence space (RFC 9293 §3.3.1, figure 3).
//
//	     1         2          3          4
//	----------|----------|----------|----------
//	     SND.UNA    SND.NXT    SND.UNA+SND.WND
//
//	1 acknowledged  2 sent, not acknowledged
//	3 may be sent   4 may not be sent yet
type sendSpace struct {
	iss      Seq
	una      Seq
	nxt      Seq
	wl1      Seq    // SEG.SEQ of the last window update
	wl2      Seq    // SEG.ACK of the last window update
	wnd      uint32 // bytes, scaled
	maxWnd   uint32 // the largest seen
	small    Seq    // the end of the last segment sent that was less than full
	ring     sendRing
	limit    int32         // of the ring, until it shows that more is needed
	max      int32         // what limit may grow to
	usedAt   time.Duration // when data was sent last
	peak     int32         // most bytes under way since the last look whether the window is in use
	look     Seq           // when this is acknowledged, a look is due
	mss      uint16        // bytes of options and data that peer and path take
	peerMSS  uint16        // what the peer has announced
	path     uint16        // what the path takes
	scale    uint8         // Snd.Wind.Shift
	nagle    bool
	closed   bool // a FIN follows the last byte of the ring
	reserved bool // Reserve has lent room of the ring
}

// recvSpace is the receive sequence space (RFC 9293 §3.3.1, figure 4).
//
//	     1          2          3
//	----------|----------|----------
//	       RCV.NXT    RCV.NXT+RCV.WND
//
//	1 received  2 may be sent to us  3 may not
type recvSpace struct {
	irs     Seq
	nxt     Seq
	edge    Seq // RCV.NXT+RCV.WND as offered to the peer: never goes back
	acked   Seq // Last.ACK.sent (RFC 7323 §4.3)
	fin     Seq // the FIN's number, if hasFIN
	hasFIN  bool
	offered bool   // window scaling is in use
	scale   uint8  // Rcv.Wind.Shift
	mss     uint16 // the size of the peer's full segments, as seen
	ring    recvRing
	islands spans
	recent  [4]Seq // in the islands that changed last, the newest first (RFC 2018 §4)
	dup     span   // to be reported as received twice (RFC 2883), if not empty
	limit   int32  // bytes that may wait for the user, until more is needed
	max     int32  // what limit may grow to
	tune    tuning
}

// A userEnd is how far the user has gone with one direction.
type userEnd uint8

const (
	userOpen    userEnd = iota
	userWaiting         // Write found too little room and is to be told of more
	userClosed
)

// owed is what Output has to send though it is neither new data nor lost.
type owed struct {
	reset resetKind
	at    Seq   // SEG.SEQ of the RST, for resetAt
	acks  uint8 // further pure ACKs, for a peer that counts duplicates
	probe bool  // a segment below the window, which the peer must answer
	tail  bool  // a tail loss probe (RFC 8985 §7)
	over  bool  // send even less than is worth sending (RFC 9293 §3.8.6.2.1)
}

// counters are for people; see Info.
type counters struct {
	segmentsIn, segmentsOut  uint64
	bytesIn, bytesOut        uint64 // in order once; sent first
	bytesAcked, bytesAgain   uint64
	again, timeouts, probes  uint32
	undone, duplicates       uint32
	outOfOrder, challenges   uint32
	recoveries, dupsReported uint32
}

// scratch is where Output puts a header together, so that none lives on the heap.
type scratch struct {
	h       Header
	options [MaxOptions]byte
}

// Events are what a call has changed for the user: who is to be woken.
type Events uint8

const (
	EventConnected    Events = 1 << iota // the handshake is over: ESTABLISHED, or beyond
	EventReadable                        // more bytes, or the end of them
	EventWritable                        // more room, or an error
	EventClosed                          // CLOSED or TIME_WAIT: Err says why
	EventAcknowledged                    // not the user's: what was sent has arrived, so the way there works
)

// A Sink takes the segments that Output makes. None of what it is given may be
// kept: the data is a piece of the send ring, or two where that comes around.
type Sink interface {
	Segment(h *Header, head, tail []byte)
}

// raised ends a call: it returns the events since the last one.
func (c *Conn) raised() Events {
	e := c.events
	c.events = 0
	return e
}

// State is the state the connection is in.
func (c *Conn) State() State { return c.state }

// Err says why the connection is over: nil, or a syscall.Errno.
func (c *Conn) Err() error { return c.err }

// established says whether the handshake is over and data can come and go.
func (c *Conn) established() bool { return c.state >= Established && c.state < TimeWait }
