package tcp

import "time"

// A tail loss probe asks for an acknowledgment when the last segments of a flight may
// be lost, sooner than the retransmission timer would (RFC 8985 §7).

// tailTimeout is PTO (§7.2): two round trips, and when a single segment is under way
// as long as the peer may delay its acknowledgment.
func (c *Conn) tailTimeout() time.Duration {
	if c.rtt.smoothed == 0 {
		return firstRTO
	}
	pto := 2 * c.rtt.smoothed
	if c.runs.n == 1 {
		return pto + maxDelayedACK
	}
	return pto + 2*time.Millisecond // as Linux: two ticks of its clock
}

// armTail schedules a probe (§7.2): when SACK is in use, nothing is held for lost, and
// no probe is under way.
func (c *Conn) armTail(now time.Duration) {
	if !c.rec.selective || c.rec.phase != phaseOpen || c.rec.tailOut || c.runs.n == 0 || c.runs.sacked > 0 || !c.established() {
		return
	}
	// In place of a timeout that would come sooner: it takes the window down for less.
	at := min(now+c.tailTimeout(), c.timers.rto)
	c.timers.early, c.timers.tail = at, true
	c.timerHook(now, "tail loss probe", at)
}

// probeTail sends the probe (§7.3): a new segment, or the last one again.
func (c *Conn) probeTail(now time.Duration, to Sink) {
	c.owed.tail = false
	if c.runs.n == 0 || c.rec.tailOut {
		return
	}
	c.count.probes++
	c.rec.tailOut, c.rec.tailAgain = true, false
	c.rec.tailEnd = c.snd.nxt
	if n := c.sendable(true); n > 0 || c.finDue(n) {
		c.sendNew(now, to, n)
		c.rec.tailEnd = c.snd.nxt
		return
	}
	c.rec.tailAgain = true
	last := int(c.runs.n) - 1
	r := c.runs.at(last)
	if c.exceeds(r, r.end.Sub(c.runs.start(last, c.snd.una)), int(c.cc.mss)) {
		c.runs.split(last, r.end.Add(-int(c.cc.mss)))
		last++
	}
	c.resend(now, to, last)
}

// tailAcknowledged is §7.4: the end of a probe. One that was a retransmission, and
// was not reported as a duplicate, has mended a loss that nobody else has seen.
func (c *Conn) tailAcknowledged(now time.Duration, d *delivery, moved bool) {
	r := &c.rec
	if !r.tailOut || c.snd.una.Less(r.tailEnd) {
		return
	}
	switch {
	case !r.tailAgain, !d.duplicate.empty():
		// It was new data; or both copies have arrived, and nothing was lost.
		r.tailOut = false
	case r.tailEnd.Less(c.snd.una):
		// More is acknowledged, and no duplicate was reported: it has mended a loss.
		r.tailOut = false
		c.remember()
		c.reduce(false)
		c.cc.cwnd = c.cc.ssthresh
		c.windowHook(now, "tail loss probe has mended a loss")
	case d.una == c.snd.una && !d.sacks && !moved && len(d.ack.data) == 0:
		// A second ACK of the same, from a peer that does not report duplicates.
		r.tailOut = false
	}
}
