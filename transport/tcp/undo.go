package tcp

import "time"

// undo takes the last reduction of the window back when it turns out that nothing was
// lost: an ACK's timestamp is older than the first segment sent again (Eifel, RFC 3522
// §3.2), every byte sent again was reported as a duplicate (RFC 3708), or after a
// timeout something else arrives (F-RTO).
func (c *Conn) undo(now time.Duration, s *arrived, d *delivery, advanced bool) {
	r := &c.rec
	if !r.can {
		return
	}
	why := ""
	switch {
	case advanced && r.phase != phaseOpen && r.stamped && c.stamps.on && s.stamped && s.ecr != 0 && int32(s.ecr-r.stamp) < 0:
		why = "undone: arrived before it was sent again (Eifel)"
	case d.original && r.phase == phaseTimeout && r.frto != frtoOff && r.selective:
		why = "undone: arrived without being sent again (F-RTO)"
	case !d.duplicate.empty() && r.stamped && r.una.LessEq(d.duplicate.from):
		if r.again -= int32(d.duplicate.to.Sub(d.duplicate.from)); r.again > 0 {
			return
		}
		why = "undone: all sent again was duplicate (D-SACK)"
	default:
		return
	}
	r.can = false
	c.count.undone++
	if r.phase != phaseOpen {
		c.unmark()
	}
	r.phase = phaseOpen
	c.ctl.undo()
	c.cc.cwnd = max(c.cc.cwnd, r.cwnd)
	c.cc.ssthresh = max(c.cc.ssthresh, r.ssthresh)
	c.timers.backoff = 0
	c.windowHook(now, why)
}

// unmark takes back what was held for lost.
func (c *Conn) unmark() {
	start := c.snd.una
	for i := range int(c.runs.n) {
		r := c.runs.at(i)
		if r.marks&markLost != 0 {
			c.runs.remark(i, r.end.Sub(start), 0)
		}
		start = r.end
	}
}
