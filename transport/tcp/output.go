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
			if n == 0 && (!c.finDue(0) || int(c.cc.cwnd) <= c.pipe()) {
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
// windows allow, less what is not worth one (RFC 9293 §3.8.6.2.1). A tail loss probe may
// go beyond the congestion window, and need not be worth it.
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
	if n < full && !beyond && !c.worthwhile(n, queued) {
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
		return !c.snd.small.In(c.snd.una+1, c.snd.nxt+1)
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
		c.timers.since, c.timers.asked = now, 0
		c.armRTO(now)
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
