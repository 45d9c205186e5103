package tcp

import "time"

// A phase is what the sender is busy with (RFC 5681 §3.2, RFC 6675, RFC 6298 §5).
type phase uint8

const (
	phaseOpen     phase = iota // nothing is lost
	phaseRecovery              // fast recovery, until all that was under way is acknowledged
	phaseTimeout               // slow start after the retransmission timer, as long
)

// recovery is how far the mending of losses has come, and how to take it back when
// there were none (RFC 3522, RFC 4015; RFC 3708).
type recovery struct {
	phase     phase
	selective bool   // SACK is in use
	first     bool   // one segment goes out again whatever the window says
	dups      uint16 // duplicate ACKs in a row: only counted without SACK
	point     Seq    // RecoveryPoint: what was SND.NXT when it began
	begun     bool   // point is valid

	// To be taken back when nothing was lost, as long as can is set.
	can      bool
	stamped  bool   // something was sent again in this phase
	stamp    uint32 // TSval of the first segment sent again
	again    int32  // bytes sent again, less those that were reported as duplicates
	cwnd     int32
	ssthresh int32
	una      Seq // where it began

	soft error // what ICMP said last: the reason if nothing else comes

	tailEnd   Seq // TLP.end_seq: SND.NXT when a tail loss probe was sent
	tailAgain bool
	tailOut   bool // a probe is under way
}

// recover follows an acknowledgment that came while data was under way: RFC 9293 has
// it in §3.8, by RFC 5681, 6582, 6675 and 8985.
func (c *Conn) recover(now time.Duration, s *arrived, d *delivery, opened bool) {
	advanced := c.snd.una != d.una
	c.rack.adapt(c.snd.una, c.snd.nxt, !d.duplicate.empty())
	c.tailAcknowledged(now, d)
	c.undo(now, s, d, advanced)
	if c.rec.phase != phaseOpen && !c.snd.una.Less(c.rec.point) {
		c.recovered(now)
	}
	c.timers.early, c.timers.tail = Never, false
	if c.rec.selective {
		c.detectLoss(now)
	} else {
		c.countDuplicates(now, s, d, advanced, opened)
	}
	c.growWindow(now, d, advanced)
}

// detectLoss looks for losses by time.
func (c *Conn) detectLoss(now time.Duration) {
	again, marked := c.detect(now)
	if marked && c.rec.phase == phaseOpen {
		c.enterRecovery(now, "loss detected (RACK)")
	}
	if again != Never {
		c.timers.early = again
	}
}

// countDuplicates looks for losses by duplicate ACKs, where there is no SACK.
func (c *Conn) countDuplicates(now time.Duration, s *arrived, d *delivery, advanced, opened bool) {
	r := &c.rec
	switch {
	case advanced:
		// RFC 6582 §3.2: a partial ACK shows the next loss; each one deflates by what
		// it acknowledges.
		r.dups -= uint16(min(int(r.dups), d.bytes/int(c.cc.mss)))
		if r.phase == phaseRecovery && c.runs.n > 0 && c.runs.at(0).marks == 0 {
			c.lose(0)
		}
		if r.phase == phaseOpen {
			r.dups = 0
		}
	case c.runs.n > 0 && len(s.data) == 0 && s.flags&(SYN|FIN) == 0 && s.ack == c.snd.una && !opened:
		// RFC 5681 §2: a duplicate acknowledgment.
		r.dups = min(r.dups+1, 1<<15)
		// RFC 6582 §3.2 step 2: none below recover begins another recovery.
		if r.dups == dupThreshold && r.phase == phaseOpen && (!r.begun || r.point.LessEq(c.snd.una)) {
			c.lose(0)
			c.enterRecovery(now, "three duplicate ACKs")
		}
	}
}

// enterRecovery begins fast recovery.
func (c *Conn) enterRecovery(now time.Duration, cause string) {
	c.rec.phase = phaseRecovery
	c.count.recoveries++
	c.remember()
	c.reduce(now, false)
	// RFC 6675 §5 (4.2): cwnd = ssthresh.
	c.cc.cwnd = c.cc.ssthresh
	// (4.3): the first segment that is presumed dropped goes out, whatever the pipe.
	c.rec.first = true
	c.windowHook(now, cause)
}

// remember keeps what an undo needs.
func (c *Conn) remember() {
	r := &c.rec
	r.point, r.begun = c.snd.nxt, true
	r.can, r.stamped, r.again = true, false, 0
	r.una, r.cwnd, r.ssthresh = c.snd.una, c.cc.cwnd, c.cc.ssthresh
}

func (c *Conn) reduce(_ time.Duration, timeout bool) {
	c.cc.ssthresh = c.ctl.reduce(&c.cc, timeout)
	c.cc.acked = 0
}

// recovered ends a phase.
func (c *Conn) recovered(now time.Duration) {
	if c.rec.phase == phaseRecovery {
		c.cc.cwnd = min(c.cc.cwnd, c.cc.ssthresh)
		c.windowHook(now, "recovered")
	}
	c.rack.recovered()
	c.rec.phase, c.rec.dups = phaseOpen, 0
}

// timeout begins slow start after the retransmission timer.
func (c *Conn) timedOut(now time.Duration) {
	r := &c.rec
	c.count.timeouts++
	// RFC 5681 §3.1: ssthresh is set when a segment has not been sent again yet.
	if r.phase == phaseOpen || r.phase == phaseRecovery || c.runs.at(0).again == 0 {
		if r.phase == phaseOpen {
			c.remember()
		}
		c.reduce(now, true)
	}
	r.phase, r.point, r.begun = phaseTimeout, c.snd.nxt, true
	r.dups, r.tailOut = 0, false
	if c.runs.at(0).marks&markSacked != 0 {
		c.forgetSacks()
	}
	c.loseAfterTimeout(now)
	// RFC 5681 §3.1: cwnd = LW, one segment, beside what is still under way.
	c.cc.cwnd = int32(c.runs.pipe(c.snd.una, c.snd.nxt)) + c.cc.mss
	c.windowHook(now, "timeout")
}

// undo takes the last reduction of the window back when it turns out that nothing was
// lost: an ACK's timestamp is older than the first segment sent again (Eifel, RFC 3522
// §3.2), or every byte sent again was reported as a duplicate (RFC 3708).
func (c *Conn) undo(now time.Duration, s *arrived, d *delivery, advanced bool) {
	r := &c.rec
	if !r.can {
		return
	}
	why := ""
	switch {
	case advanced && r.phase != phaseOpen && r.stamped && c.stamps.on && s.stamped && s.ecr != 0 && int32(s.ecr-r.stamp) < 0:
		why = "undone: arrived before it was sent again (Eifel)"
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
