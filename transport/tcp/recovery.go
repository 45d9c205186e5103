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
	selective bool // SACK is in use
	first     bool // one segment goes out again whatever the window says
	frto      frtoStep
	dups      uint16 // duplicate ACKs in a row: only counted without SACK
	point     Seq    // RecoveryPoint: what was SND.NXT when it began

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
func (c *Conn) recover(now time.Duration, s *arrived, d *delivery, moved bool) {
	advanced := c.snd.una != d.una
	c.rack.adapt(c.snd.una, c.snd.nxt, !d.duplicate.empty())
	c.tailAcknowledged(now, d, moved)
	c.undo(now, s, d, advanced)
	c.frto(d, advanced)
	if c.rec.phase != phaseOpen && !c.snd.una.Less(c.rec.point) {
		c.recovered(now)
	}
	if c.rec.selective {
		c.detectLoss(now)
	} else {
		c.countDuplicates(now, s, d, advanced, moved)
	}
	c.growWindow(now, d, advanced)
}

// detectLoss looks for losses by time.
func (c *Conn) detectLoss(now time.Duration) {
	again, marked := c.detect(now)
	if marked && c.rec.phase == phaseOpen {
		c.enterRecovery(now, "loss detected (RACK)")
	}
	if t := &c.timers; again != Never || !t.tail || c.runs.sacked > 0 || c.rec.phase != phaseOpen {
		t.early, t.tail = again, false
	}
}

// countDuplicates looks for losses by duplicate ACKs, where there is no SACK.
func (c *Conn) countDuplicates(now time.Duration, s *arrived, d *delivery, advanced, moved bool) {
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
	case c.runs.n > 0 && len(s.data) == 0 && s.flags&(SYN|FIN) == 0 && s.ack == c.snd.una && !moved:
		// RFC 5681 §2: a duplicate acknowledgment.
		r.dups = min(r.dups+1, 1<<15)
		// RFC 6582 §3.2 step 2: none below recover begins another recovery.
		if r.dups == dupThreshold && r.phase == phaseOpen && !r.point.In(c.snd.una+1, c.snd.nxt+1) {
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
	c.reduce(false)
	// RFC 6675 §5 (4.2): cwnd = ssthresh.
	c.cc.cwnd = c.cc.ssthresh
	// (4.3): the first segment that is presumed dropped goes out, whatever the pipe.
	c.rec.first = true
	c.windowHook(now, cause)
}

// remember keeps what an undo needs.
func (c *Conn) remember() {
	r := &c.rec
	r.point = c.snd.nxt
	r.can, r.stamped, r.again = true, false, 0
	r.una, r.cwnd, r.ssthresh = c.snd.una, c.cc.cwnd, c.cc.ssthresh
}

func (c *Conn) reduce(timeout bool) {
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

// timedOut begins slow start after the retransmission timer.
func (c *Conn) timedOut(now time.Duration) {
	r := &c.rec
	c.count.timeouts++
	// RFC 5681 §3.1: ssthresh is set when a segment has not been sent again yet.
	if r.phase == phaseOpen || r.phase == phaseRecovery || c.runs.at(0).again == 0 {
		if r.phase == phaseOpen {
			c.remember()
		}
		c.reduce(true)
	}
	r.frto = frtoAsked
	if r.phase == phaseRecovery {
		r.frto = frtoOff // RFC 5682 §3, step 1: the loss is known to be real
	}
	r.phase, r.point = phaseTimeout, c.snd.nxt
	r.dups, r.tailOut = 0, false
	if c.runs.at(0).marks&markSacked != 0 {
		c.forgetSacks()
	}
	c.loseAfterTimeout(now)
	// RFC 5681 §3.1: cwnd = LW, one segment, beside what is still under way.
	c.cc.cwnd = int32(c.runs.pipe(c.snd.una, c.snd.nxt)) + c.cc.mss
	c.windowHook(now, "timeout")
}
