package tcp

import "time"

// A rack finds what was lost by time (RFC 8985): a segment that was sent well before
// one that has arrived. How much before follows the reordering that is seen.
type rack struct {
	sentAt    time.Duration // RACK.xmit_ts: when the newest segment that arrived was sent
	rtt       time.Duration // RACK.rtt: how long it took
	end       Seq           // RACK.end_seq: where it ends
	fack      Seq           // RACK.fack: the highest that arrived
	round     Seq           // RACK.dsack_round, if inRound
	inRound   bool
	reordered bool  // RACK.reordering_seen
	mult      uint8 // RACK.reo_wnd_mult
	persist   uint8 // RACK.reo_wnd_persist: recoveries until mult falls back
}

const (
	rackPersist  = 16
	dupThreshold = 3 // RFC 5681 §3.2
)

func newRack(iss Seq) rack { return rack{end: iss, fack: iss, mult: 1, persist: rackPersist} }

// arrived is steps 1 to 3 of RFC 8985 §6.2 for a run that has just arrived.
func (k *rack) arrived(now time.Duration, c *Conn, r *sentRun, d *delivery) {
	if k.fack.Less(r.end) {
		k.fack = r.end
	} else if r.end.Less(d.fack) && r.again == 0 {
		// Step 3: what was never sent again has arrived behind what was sent later.
		k.reordered = true
	}
	rtt := now - r.at
	if r.again > 0 && (c.arrivedEarlier(d.ack, r) || rtt < c.rtt.least) {
		return // step 2: it is the first copy that arrived, not the one sent last
	}
	if later(r.at, r.end, k.sentAt, k.end) {
		k.sentAt, k.end, k.rtt = r.at, r.end, max(rtt, 1)
	}
}

// arrivedEarlier says whether the ACK's timestamp is from before run r was sent again.
func (c *Conn) arrivedEarlier(s *arrived, r *sentRun) bool {
	return c.stamps.on && s.stamped && s.ecr != 0 && int32(s.ecr-c.stamps.val(r.at)) < 0
}

// later is RACK_sent_after: of segments sent at one time the higher is the later.
func later(at time.Duration, end Seq, at2 time.Duration, end2 Seq) bool {
	return at > at2 || at == at2 && end2.Less(end)
}

// adapt is step 4 (RACK_update_reo_wnd), the part that lasts: the window widens with
// every round trip that has shown a needless retransmission.
func (k *rack) adapt(una, nxt Seq, duplicate bool) {
	if k.inRound && k.round.LessEq(una) {
		k.inRound = false
	}
	if duplicate && !k.inRound {
		k.inRound, k.round = true, nxt
		k.mult = min(k.mult, 254) + 1
		k.persist = rackPersist
	}
}

// recovered is the other part of step 4: after 16 recoveries the window is the least.
func (k *rack) recovered() {
	if k.persist--; k.persist == 0 {
		k.mult, k.persist = 1, rackPersist
	}
}

// reorderWindow is RACK.reo_wnd: how much later than due a segment may still arrive.
func (c *Conn) reorderWindow() time.Duration {
	if !c.rack.reordered {
		// As long as no reordering was seen, three segments beyond it tell a loss.
		if c.rec.phase != phaseOpen || int(c.runs.sacked) >= dupThreshold*int(c.cc.mss) {
			return 0
		}
	}
	return min(time.Duration(c.rack.mult)*c.rtt.least/4, c.rtt.smoothed)
}

// detect is step 5 (RACK_detect_loss): it marks what was lost, and returns when to
// look again; Never where there is nothing to wait for.
func (c *Conn) detect(now time.Duration) (again time.Duration, marked bool) {
	again = Never
	if c.rack.rtt == 0 {
		return again, false
	}
	window := c.rack.rtt + c.reorderWindow()
	start := c.snd.una
	for i := range int(c.runs.n) {
		r := c.runs.at(i)
		n := r.end.Sub(start)
		start = r.end
		if r.marks&markSacked != 0 || r.marks&(markLost|markInFlight) == markLost {
			continue
		}
		if !later(c.rack.sentAt, c.rack.end, r.at, r.end) {
			if r.again == 0 {
				break // and what follows was sent later still
			}
			continue
		}
		if due := r.at + window; due <= now {
			c.runs.remark(i, n, markLost)
			marked = true
		} else {
			again = min(again, due)
		}
	}
	return again, marked
}

// loseAfterTimeout marks what a timeout shows to be lost (RFC 8985 §6.3,
// RACK_mark_losses_on_RTO): the first run, and all that are overdue.
func (c *Conn) loseAfterTimeout(now time.Duration) {
	window := c.rack.rtt + c.reorderWindow()
	start := c.snd.una
	for i := range int(c.runs.n) {
		r := c.runs.at(i)
		n := r.end.Sub(start)
		start = r.end
		if r.marks&markSacked != 0 {
			continue
		}
		if i == 0 || !c.rec.selective || r.at+window <= now {
			c.runs.remark(i, n, markLost)
		}
	}
}

// lose marks the first run: by counting duplicates nothing more can be known.
func (c *Conn) lose(i int) {
	n := c.runs.at(i).end.Sub(c.runs.start(i, c.snd.una))
	c.runs.remark(i, n, markLost)
}
