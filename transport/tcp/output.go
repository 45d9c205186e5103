package tcp

import "time"

// Output gives all segments that are to be sent now to a sink, in this order:
//
//  1. a RST, with which all ends
//  2. a tail loss probe
//  3. what was lost, as far as the congestion window allows
//  4. new data, as far as both windows allow and it is worth a segment; FIN
//  5. an acknowledgment that none of these carried, or a question to the peer
func (c *Conn) Output(now time.Duration, to Sink) {
	if c.owed.reset != resetNone {
		c.sendReset(now, to)
	}
	if c.state == Closed {
		return
	}
	if c.snd.nxt == c.snd.iss {
		c.sendNew(now, to, 0) // the SYN
	}
	if c.owed.tail {
		c.probeTail(now, to)
	}
	if c.runs.lost != c.runs.inFlight {
		c.sendLost(now, to)
	}
	if c.established() {
		c.restartIdle(now)
		for {
			n := c.sendable(false)
			if n == 0 && !c.finDue(0) {
				break
			}
			c.sendNew(now, to, n)
		}
		c.owed.over = false
	}
	c.sendACKs(now, to)
	c.schedule(now)
}

// sendable is how many bytes of new data are to be sent in the next segment: what the
// windows allow, less what is not worth one (RFC 9293 §3.8.6.2.1). beyond lets a tail
// loss probe exceed the congestion window.
func (c *Conn) sendable(beyond bool) int {
	queued := c.snd.ring.end().Sub(c.snd.nxt)
	if queued <= 0 || c.runs.full() {
		return 0
	}
	full := int(c.payload())
	n := min(queued, full)
	// RFC 9293 §3.8.6: no data beyond SND.UNA+SND.WND.
	usable := c.snd.una.Add(int(c.snd.wnd)).Sub(c.snd.nxt)
	n = min(n, usable)
	if n <= 0 || !beyond && int(c.cc.cwnd)-c.pipe() < n {
		return 0
	}
	if n < full && !c.worthwhile(n, queued) {
		return 0
	}
	return n
}

// worthwhile says whether a segment of n bytes, less than full, is sent.
func (c *Conn) worthwhile(n, queued int) bool {
	switch {
	case n == queued && (!c.snd.nagle || c.snd.closed):
		return true
	case n == queued:
		// RFC 9293 §3.7.4, Nagle's algorithm; as Linux, by Minshall: while a small
		// segment is under way no other one is sent.
		return c.snd.small.LessEq(c.snd.una)
	case c.owed.over:
		return true
	case c.snd.nxt == c.snd.una || !c.snd.nagle:
		// §3.8.6.2.1 (3): half the largest window that the peer has offered.
		return n >= int(c.snd.maxWnd)/2
	}
	return false
}

// finDue says whether the FIN goes out with, or in place of, the next n bytes.
func (c *Conn) finDue(n int) bool {
	end := c.snd.ring.end()
	if !c.snd.closed || !c.established() || c.snd.nxt.Add(n) != end {
		return false
	}
	return end.Less(c.snd.una.Add(int(c.snd.wnd)))
}

// sendNew sends n bytes from SND.NXT on; the SYN or the FIN if it is due.
func (c *Conn) sendNew(now time.Duration, to Sink, n int) {
	flags := ACK
	seq, end := c.snd.nxt, c.snd.nxt.Add(n)
	switch {
	case seq == c.snd.iss:
		flags = c.synFlags()
		end++
	case c.finDue(n):
		flags |= FIN
		end++
	}
	if c.runs.n == 0 {
		c.timers.since = now
		c.timers.rto = now + c.rtt.backedOff(c.timers.backoff)
	}
	c.runs.push(sentRun{at: now, end: end})
	c.snd.nxt = end
	if n > 0 {
		if n < int(c.payload()) {
			c.snd.small = end
		}
		c.snd.usedAt = now
		c.count.bytesOut += uint64(n)
	}
	c.segment(now, to, seq, flags, n)
	c.watchWindow()
	c.timers.fresh = true
}

// watchWindow keeps the most that was under way in this round trip.
func (c *Conn) watchWindow() {
	pipe := int32(c.pipe())
	if c.snd.look.LessEq(c.snd.una) {
		c.snd.look, c.snd.peak = c.snd.nxt, 0
	}
	c.snd.peak = max(c.snd.peak, pipe)
}

// restartIdle takes the window down after a time without data (RFC 5681 §4.1).
func (c *Conn) restartIdle(now time.Duration) {
	if c.runs.n > 0 || c.snd.usedAt == 0 || c.snd.ring.n == 0 {
		return
	}
	idle := now - c.snd.usedAt
	if idle <= c.rtt.rto() {
		return
	}
	c.ctl.idle(idle)
	c.cc.restart(idle, c.rtt.rto())
	c.snd.usedAt = now
	c.windowHook(now, "restart after idle")
}

// sendLost sends again what was lost, the lowest first.
func (c *Conn) sendLost(now time.Duration, to Sink) {
	size := int(c.payload())
	for i := 0; i < int(c.runs.n) && c.runs.lost != c.runs.inFlight; i++ {
		r := c.runs.at(i)
		if r.marks&(markLost|markInFlight) != markLost {
			continue
		}
		start := c.runs.start(i, c.snd.una)
		n := r.end.Sub(start)
		if n > size+1 || n > size && r.end != c.snd.ring.end()+1 {
			c.runs.split(i, start.Add(size))
			n = size
		}
		if !c.mayResend(i, start, n) {
			return
		}
		c.rec.first = false
		c.resend(now, to, i)
	}
}

// mayResend says whether n bytes from start on may be sent again now.
func (c *Conn) mayResend(i int, start Seq, n int) bool {
	// The first may be sent though the window has shrunk to nothing: it is the
	// question whether it has opened.
	if i > 0 && !start.Less(c.snd.una.Add(int(c.snd.wnd))) {
		return false
	}
	return c.rec.first || int(c.cc.cwnd)-c.pipe() >= min(n, int(c.cc.mss))
}

// sendAgain has run i sent again though it was not lost.
func (c *Conn) sendAgain(i int) {
	if c.runs.at(i).marks&(markLost|markSacked) == 0 || c.runs.at(i).marks&markInFlight != 0 {
		c.lose(i)
		c.rec.first = true
	}
}

// resend sends run i again.
func (c *Conn) resend(now time.Duration, to Sink, i int) {
	r := c.runs.at(i)
	start := c.runs.start(i, c.snd.una)
	n := r.end.Sub(start)
	if r.marks&markLost != 0 {
		c.runs.remark(i, n, markLost|markInFlight)
	}
	r.at = now
	r.again = min(r.again, 254) + 1
	if !c.rec.stamped {
		c.rec.stamped, c.rec.stamp = true, c.stamps.val(now)
	}
	c.rec.again += int32(n)
	c.count.again++
	c.count.bytesAgain += uint64(n)
	flags := ACK
	switch {
	case start == c.snd.iss:
		flags = c.synFlags()
		n = 0
	case r.end == c.snd.ring.end()+1 && c.snd.closed:
		flags |= FIN
		n--
	}
	c.segment(now, to, start, flags, n)
	if c.timers.rto == Never {
		c.timers.rto = now + c.rtt.backedOff(c.timers.backoff)
	}
}

// synFlags are SYN, and ACK when the peer's has come.
func (c *Conn) synFlags() Flags {
	if c.state == SynSent {
		return SYN
	}
	return SYN | ACK
}

// sendACKs sends what no data has carried.
func (c *Conn) sendACKs(now time.Duration, to Sink) {
	if c.state < SynReceived {
		return
	}
	if c.owed.probe {
		// RFC 9293 §3.8.4, §3.8.6.1: SEG.SEQ = SND.NXT-1 is below the window, and so
		// must be answered. RFC 9293 sends an octet of new data to a zero window;
		// Linux none, as here: there is nothing to be thrown away.
		c.owed.probe = false
		c.segment(now, to, c.snd.una-1, ACK, 0)
	}
	for ; c.owed.acks > 0; c.owed.acks-- {
		c.segment(now, to, c.snd.nxt, ACK, 0)
	}
	if c.acks.need == ackNow {
		c.segment(now, to, c.snd.nxt, ACK, 0)
	}
}
