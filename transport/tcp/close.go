package tcp

import (
	"syscall"
	"time"
)

// The errors that the kernel has for the same.
var (
	errRefused error = syscall.ECONNREFUSED
	errReset   error = syscall.ECONNRESET
	errPipe    error = syscall.EPIPE
	errTimeout error = syscall.ETIMEDOUT
)

// finTimeout is how long a connection without a user waits in FIN-WAIT-2 for the
// peer's FIN (Linux's tcp_fin_timeout): the peer may be gone for good.
const finTimeout = 60 * time.Second

type resetKind uint8

const (
	resetNone resetKind = iota
	resetBare           // <SEQ=SEG.ACK><CTL=RST>
	resetOurs           // <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>
)

// CloseWrite ends the bytes to the peer: a FIN follows those written (RFC 9293
// §3.10.4); the other direction goes on (§3.6: a half-close).
func (c *Conn) CloseWrite(now time.Duration) {
	if c.snd.closed || c.state == Closed {
		return
	}
	c.snd.closed = true
	c.write = userClosed
	switch c.state {
	case Established:
		c.enter(now, FinWait1, "close")
	case CloseWait:
		// §3.10.4: "enter LAST-ACK state" (RFC 1122 §4.2.2.20 (a)).
		c.enter(now, LastAck, "close")
	}
	// In SYN-SENT and SYN-RECEIVED it is queued until ESTABLISHED.
}

// CloseRead drops what was not read, and what is still to come.
func (c *Conn) CloseRead(now time.Duration) {
	if c.read == userClosed {
		return
	}
	c.read = userClosed
	c.rcv.ring.skip(c.unread())
	c.rcv.ring.buf = nil
	c.freed()
}

// Close closes both directions: with unread bytes by a RST, as Linux does (RFC 9293
// §3.6.1, SHLD-3), else by a FIN; the peer's is awaited without a user.
func (c *Conn) Close(now time.Duration) {
	if c.state == SynSent || c.established() && c.unread() > 0 && c.read != userClosed {
		c.Abort(now)
		return
	}
	c.CloseRead(now)
	c.CloseWrite(now)
	c.orphan(now)
}

// Abort sends a RST and forgets all (RFC 9293 §3.10.5).
func (c *Conn) Abort(now time.Duration) {
	switch c.state {
	case SynReceived, Established, FinWait1, FinWait2, CloseWait:
		c.owed.reset = resetOurs
	}
	c.finish(now, "abort")
}

// orphaned says whether the user wants nothing more of the connection.
func (c *Conn) orphaned() bool { return c.read == userClosed && c.snd.closed }

// orphan bounds the wait for the FIN of a peer that no user waits for.
func (c *Conn) orphan(now time.Duration) {
	if c.state == FinWait2 && c.read == userClosed {
		c.timers.life = now + finTimeout
		c.timerHook(now, "FIN-WAIT-2", c.timers.life)
	}
}

// fail ends the connection with an error for the user. What it has not read stays for
// it, as in Linux.
func (c *Conn) fail(now time.Duration, err error, why string) {
	if c.err == nil {
		c.err = err
	}
	c.finish(now, why)
	c.events |= EventReadable | EventWritable
}

// finish enters CLOSED.
func (c *Conn) finish(now time.Duration, why string) {
	if c.state == Closed {
		return
	}
	c.enter(now, Closed, why)
	c.timers = noTimers()
	c.events |= EventClosed
	c.owed = owed{reset: c.owed.reset, at: c.owed.at}
	c.acks.need = ackNone
	c.write = userClosed
	c.forget()
}

// forget gives back what sending takes.
func (c *Conn) forget() {
	c.snd.ring = sendRing{base: c.snd.ring.end()}
	c.runs = sentRuns{}
	c.rcv.islands = nil
}

// resetFor has Output send a RST for a segment that acknowledges seq.
func (c *Conn) resetFor(seq Seq) {
	c.owed.reset, c.owed.at = resetBare, seq
}

// sendReset is Output's first step.
func (c *Conn) sendReset(now time.Duration, to Sink) {
	kind := c.owed.reset
	c.owed.reset = resetNone
	if kind == resetBare {
		h := &c.scratch.h
		*h = Header{SrcPort: c.local, DstPort: c.remote, Seq: c.owed.at, Flags: RST}
		c.shown(now, h, 0)
		to.Segment(h, nil, nil)
		return
	}
	// RFC 9293 §3.10.5: <SEQ=SND.NXT><CTL=RST>; with ACK, as Linux.
	c.segment(now, to, c.snd.nxt, RST|ACK, 0)
}

// Reset is the answer to a segment that belongs to no connection (RFC 9293
// §3.10.7.1); none to a RST. length is that of its data.
func Reset(h *Header, length int) (rst Header, ok bool) {
	if h.Flags.Has(RST) {
		return rst, false
	}
	rst = Header{SrcPort: h.DstPort, DstPort: h.SrcPort, Flags: RST}
	if h.Flags.Has(ACK) {
		// <SEQ=SEG.ACK><CTL=RST>
		rst.Seq = h.Ack
		return rst, true
	}
	// <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
	rst.Flags |= ACK
	rst.Ack = h.Seq.Add(length) + Seq(h.Flags&FIN) + Seq(h.Flags&SYN>>1)
	return rst, true
}
