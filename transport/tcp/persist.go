package tcp

import "time"

// persistDue asks a peer that has closed its window whether it is open again.
// RFC 9293 §3.8.6.1, MUST-37: as long as it answers, the connection MUST stay open.
func (c *Conn) persistDue(now time.Duration) {
	if c.givesUp(now) {
		return
	}
	c.timers.asked = min(c.timers.asked, 250) + 1
	c.count.probes++
	if c.snd.nxt.Less(c.snd.una.Add(int(c.snd.wnd))) {
		c.owed.over = true // §3.8.6.2.1: the override timeout
		return
	}
	c.owed.probe = true
}

// waiting says whether the user has something to send.
func (c *Conn) waiting() bool {
	end := c.snd.ring.end()
	return c.snd.nxt != end && c.snd.nxt != end+1 || c.snd.closed && c.snd.nxt == end
}
