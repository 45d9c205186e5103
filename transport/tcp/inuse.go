package tcp

import "time"

// growWindow lets the congestion window grow by what has arrived, if it was in use
// (RFC 7661 §4: only a window that limits the sender has been tested).
func (c *Conn) growWindow(now time.Duration, d *delivery, advanced bool) {
	if d.bytes == 0 || c.rec.phase == phaseRecovery || !c.inUse() {
		return
	}
	if !advanced && !c.rack.reordered {
		return
	}
	c.cc.grow(c.ctl, now, c.rtt.smoothed, int32(min(d.bytes, maxWindow)))
}

// inUse says whether the window, not the user or the peer, has limited the sender in
// the last round trip; in slow start half of it will do, as it doubles in one.
func (c *Conn) inUse() bool {
	peak := c.snd.peak
	if c.cc.cwnd < c.cc.ssthresh {
		return c.cc.cwnd < 2*peak
	}
	return peak > c.cc.cwnd-c.cc.mss
}

// pipe is how many bytes are under way. Without SACK each duplicate ACK stands for a
// segment that has arrived.
func (c *Conn) pipe() int {
	n := c.runs.pipe(c.snd.una, c.snd.nxt)
	if c.rec.dups > 0 {
		n = max(n-int(c.rec.dups)*int(c.cc.mss), 0)
	}
	return n
}
