package tcp

import "time"

// keepAlive is what was asked for, and how far the questions have come.
type keepAlive struct {
	KeepAlive
	asked int
}

// SetKeepAlive sets when a silent peer is asked.
func (c *Conn) SetKeepAlive(k KeepAlive) {
	c.keep = keepAlive{KeepAlive: k.withDefaults()}
	if c.established() && !(c.state == FinWait2 && c.read == userClosed) {
		c.timers.keepFrom(c.acks.heard, c.keep.KeepAlive)
	}
}

// keepFrom schedules the first question of a silence that began at heard.
func (t *timers) keepFrom(heard time.Duration, k KeepAlive) {
	t.life = Never
	if k.Idle > 0 {
		t.life = heard + k.Idle
	}
}

// keepAliveDue asks, or gives up (RFC 9293 §3.8.4).
// MUST-26: keep-alives MUST only be sent when no sent data is outstanding, and no data
// or acknowledgment packets have been received within an interval.
func (c *Conn) keepAliveDue(now time.Duration) {
	if c.keep.Idle <= 0 {
		return
	}
	if heard := c.acks.heard; now-heard < c.keep.Idle || c.runs.n > 0 {
		c.keep.asked = 0
		c.timers.life = max(heard+c.keep.Idle, now+min(c.keep.Idle, c.keep.Interval))
		if now-heard < c.keep.Idle {
			c.timers.life = heard + c.keep.Idle
		}
		return
	}
	// MUST-29: a failure to answer a single probe MUST NOT be taken for a dead peer.
	if c.keep.asked >= c.keep.Count {
		c.owed.reset = resetOurs
		c.timeoutError(now)
		return
	}
	c.keep.asked++
	c.count.probes++
	c.owed.probe = true
	c.timers.life = now + c.keep.Interval
	c.timerHook(now, "keep-alive", c.timers.life)
}
