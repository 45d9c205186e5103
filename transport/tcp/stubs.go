package tcp

import (
	"net/netip"
	"time"
)

// Connect begins a connection by sending a SYN: the user's active OPEN (RFC 9293
// §3.10.1). Output then sends it.
func Connect(c *Config, now time.Duration) *Conn { return &Conn{} }

// Accept begins a connection with a SYN that came to a listening port (RFC 9293
// §3.10.7.2); Output then sends the SYN+ACK. Use [Listening] to tell such a SYN from
// what a listening port answers otherwise.
func Accept(c *Config, now time.Duration, syn *Header, data []byte) *Conn { return &Conn{} }

// Listening says what a listening port does with a segment (RFC 9293 §3.10.7.2):
// begin a connection with Accept, answer with rst, or neither.
func Listening(h *Header, length int) (accept bool, rst Header, answer bool) { return }

// Input takes a segment whose checksum is right. payload is copied.
func (c *Conn) Input(now time.Duration, h *Header, payload []byte) Events { return 0 }

// Expire does what is due when Deadline has come; earlier it does nothing.
func (c *Conn) Expire(now time.Duration) Events { return 0 }

// Deadline is when to call Expire; [Never] for not at all.
func (c *Conn) Deadline() time.Duration { return Never }

// Output gives all segments that are to be sent now to a sink.
func (c *Conn) Output(now time.Duration, to Sink) {}

// Write takes as many bytes of p as there is room for; 0 when there is none, or when
// nothing can be written any more: see Err and Writable.
func (c *Conn) Write(now time.Duration, p []byte) int { return 0 }

// Read moves bytes to p; 0 when there are none: Readable says whether that is the end.
func (c *Conn) Read(now time.Duration, p []byte) int { return 0 }

// Readable is how many bytes can be read, and whether the end is behind them.
func (c *Conn) Readable() (n int, end bool) { return 0, false }

// Writable is how many bytes Write would take now; -1 when it takes none any more.
func (c *Conn) Writable() (n int) { return 0 }

// CloseWrite ends the bytes to the peer: a FIN follows those written.
func (c *Conn) CloseWrite(now time.Duration) {}

// CloseRead drops what was not read, and what is still to come.
func (c *Conn) CloseRead(now time.Duration) {}

// Close closes both directions: with unread bytes by a RST, as Linux does.
func (c *Conn) Close(now time.Duration) {}

// Abort sends a RST and forgets all (RFC 9293 §3.10.5).
func (c *Conn) Abort(now time.Duration) {}

// State is the state the connection is in.
func (c *Conn) State() State { return Closed }

// Err says why the connection is over: nil, or a syscall.Errno.
func (c *Conn) Err() error { return nil }

// Unreachable takes in an ICMP error about this connection's segments: a hard one
// ends a connection that is being opened, a soft one is told when it times out
// (RFC 9293 §3.9.2.2).
func (c *Conn) Unreachable(now time.Duration, err error, hard bool) Events { return 0 }

// SetMaxSegment follows a change of the path: n is as Config.MaxSegment.
func (c *Conn) SetMaxSegment(now time.Duration, n int) {}

// SetNoDelay says whether small segments go out at once; false is Nagle's algorithm.
func (c *Conn) SetNoDelay(on bool) {}

// SetKeepAlive sets when a silent peer is asked.
func (c *Conn) SetKeepAlive(k KeepAlive) {}

// SetBuffers sets the most bytes that may wait; 0 leaves one as it is. What was
// offered to the peer stays so: the window never shrinks.
func (c *Conn) SetBuffers(send, recv int) {}

// SetUserTimeout sets how long data may be unacknowledged; 0: 15 retransmissions.
func (c *Conn) SetUserTimeout(d time.Duration) {}

// Info is a snapshot for people.
func (c *Conn) Info() Info { return Info{} }

// Info is what is known of a connection, like Linux's TCP_INFO.
type Info struct {
	State State
}

// TimeWait is the record that may stand for a connection which is in TIME_WAIT, and
// whose bytes have all been read.
func (c *Conn) TimeWait() (TimeWaitRecord, bool) { return TimeWaitRecord{}, false }

// A TimeWaitRecord answers for a connection in TIME_WAIT (RFC 9293 §3.6.1, RFC 6191).
type TimeWaitRecord struct{}

// Input takes a segment of length bytes of data: reply is sent if answer; when reopen,
// a SYN begins a new connection in place of the old one, whose ISS is [TimeWaitRecord.ISS]'s.
func (w *TimeWaitRecord) Input(now time.Duration, h *Header, length int) (reply Header, answer, reopen bool) {
	return
}

// Deadline is when the record can be forgotten.
func (w *TimeWaitRecord) Deadline() time.Duration { return Never }

// ISS is a first sequence number beyond all of the old connection: next where it is.
func (w *TimeWaitRecord) ISS(next Seq) Seq { return next }

// Reset is the answer to a segment that belongs to no connection (RFC 9293
// §3.10.7.1); none to a RST. length is that of its data.
func Reset(h *Header, length int) (rst Header, ok bool) { return }

// An ISN makes initial sequence numbers (RFC 6528).
type ISN struct{ Secret [16]byte }

// Next is the number for a connection that begins now.
func (g *ISN) Next(now time.Duration, local, remote netip.AddrPort) Seq { return 0 }

// TimestampOffset is a connection's Config.TimestampOffset, as unguessable as Next.
func (g *ISN) TimestampOffset(local, remote netip.AddrPort) uint32 { return 0 }
