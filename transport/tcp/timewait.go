package tcp

import "time"

// timeWaitLength is 2 MSL. RFC 9293 §3.4.2 has an MSL of two minutes; Linux's
// TIME_WAIT is 60 s.
const timeWaitLength = 60 * time.Second

// timeWait enters TIME-WAIT.
func (c *Conn) timeWait(now time.Duration, why string) {
	c.enter(now, TimeWait, why)
	need := c.acks.need
	c.timers = noTimers()
	c.acks.need = need
	c.events |= EventClosed
	c.write = userClosed
	c.forget()
	c.restartTimeWait(now)
}

func (c *Conn) restartTimeWait(now time.Duration) {
	c.timers.life = now + timeWaitLength
	c.timerHook(now, "2 MSL", c.timers.life)
}

// TimeWait is the record that may stand for a connection which is in TIME_WAIT, whose
// bytes have all been read and whose last segments have been sent.
func (c *Conn) TimeWait() (TimeWaitRecord, bool) {
	if c.state != TimeWait || c.unread() > 0 || c.acks.need != ackNone || c.owed.acks > 0 {
		return TimeWaitRecord{}, false
	}
	return TimeWaitRecord{
		deadline: c.timers.life, recentAt: c.stamps.recentAt, oddAt: c.acks.oddAt,
		sndNxt: c.snd.nxt, rcvNxt: c.rcv.nxt, recent: c.stamps.recent, offset: c.stamps.offset,
		window: uint16(max(c.rcv.edge.Sub(c.rcv.nxt), 0) >> c.rcv.scale), scale: c.rcv.scale, stamped: c.stamps.on,
	}, true
}

// A TimeWaitRecord answers for a connection in TIME_WAIT (RFC 9293 §3.6.1, RFC 6191).
type TimeWaitRecord struct {
	deadline, recentAt, oddAt time.Duration
	sndNxt, rcvNxt            Seq
	recent, offset            uint32
	window                    uint16
	scale                     uint8
	stamped                   bool
}

// Deadline is when the record can be forgotten; in the past after a RST.
func (w *TimeWaitRecord) Deadline() time.Duration { return w.deadline }

// ISS is a first sequence number for a connection that takes the place of this one:
// next, or where that is not beyond all that was sent, one that is.
func (w *TimeWaitRecord) ISS(next Seq) Seq {
	// RFC 9293 §3.6.1, MAY-2: accept, with an ISN larger than the largest number it used.
	if beyond := w.sndNxt + 65535 + 2; next.Less(beyond) {
		return beyond
	}
	return next
}

// Input takes a segment of length bytes of data: reply is sent if answer; when reopen,
// a SYN begins a new connection in place of the old one, whose ISS is [TimeWaitRecord.ISS]'s.
// That only where somebody still listens.
func (w *TimeWaitRecord) Input(now time.Duration, h *Header, length int, listening bool) (reply Header, answer, reopen bool) {
	clock := timestamps{recent: w.recent, recentAt: w.recentAt}
	val, _, stamped := h.Options.Timestamps()
	stamped = stamped && w.stamped
	old := stamped && clock.old(now, val)
	switch {
	case listening && h.Flags&(SYN|RST|ACK) == SYN && !old && (w.rcvNxt.Less(h.Seq) || stamped && int32(val-w.recent) > 0):
		// RFC 6191 §2: a SYN whose timestamp is greater than the last of the old
		// connection, or whose sequence number is, SHOULD be accepted.
		return reply, false, true
	case h.Flags.Has(RST):
		// RFC 9293 §3.10.7.4: ends it; at the very number that is expected (RFC 5961 §3).
		if h.Seq == w.rcvNxt {
			w.deadline = now
		}
		return reply, false, false
	}
	if h.Flags.Has(FIN) && !old && h.Seq.Add(length)+1 == w.rcvNxt {
		// The peer has not seen our last ACK: acknowledge it, and restart 2 MSL.
		w.deadline = now + timeWaitLength
	}
	if h.Flags&(SYN|FIN) == 0 && length == 0 && h.Seq == w.rcvNxt {
		return reply, false, false // nothing that needs an answer
	}
	if length == 0 && !h.Flags.Has(FIN) && w.oddAt != 0 && now-w.oddAt < oddInterval {
		return reply, false, false
	}
	w.oddAt = max(now, 1)
	reply = Header{SrcPort: h.DstPort, DstPort: h.SrcPort, Seq: w.sndNxt, Ack: w.rcvNxt, Flags: ACK, Window: w.window}
	if w.stamped {
		clock.offset = w.offset
		reply.Options = Options(nil).AppendNop(2).AppendTimestamps(clock.val(now), w.recent)
	}
	return reply, true, false
}
