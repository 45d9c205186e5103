package tcp

import "time"

// inputACK is step 5.
func (c *Conn) inputACK(now time.Duration, s *arrived) bool {
	if !s.flags.Has(ACK) {
		c.drop(now, s.h, "no ACK")
		return false
	}
	if c.state == SynReceived && !c.inputHandshakeACK(now, s) {
		return false
	}
	switch ahead := s.ack.Sub(c.snd.una); {
	case s.ack.Sub(c.snd.nxt) > 0:
		// If the ACK acks something not yet sent (SEG.ACK > SND.NXT), then send an
		// ACK, drop the segment, and return.
		c.drop(now, s.h, "ACK of what was not sent")
		c.challenge(now)
		return false
	case ahead < -int(c.snd.maxWnd):
		// RFC 5961 §5: older than SND.UNA - MAX.SND.WND, it is a guess.
		c.drop(now, s.h, "ACK is too old")
		c.challenge(now)
		return false
	case ahead >= 0:
		c.acknowledged(now, s)
	}
	return c.finAcknowledged(now)
}

// inputHandshakeACK is step 5 in SYN-RECEIVED.
func (c *Conn) inputHandshakeACK(now time.Duration, s *arrived) bool {
	// If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED; else form a reset:
	// <SEQ=SEG.ACK><CTL=RST>
	if !s.ack.In(c.snd.una+1, c.snd.nxt+1) {
		c.drop(now, s.h, "ACK is not of our SYN")
		c.resetFor(s.ack)
		return false
	}
	c.connected(now, "ACK")
	c.setWindow(s)
	return true
}

// finAcknowledged moves on when our FIN has been acknowledged; false when nothing is
// left of the connection.
func (c *Conn) finAcknowledged(now time.Duration) bool {
	if !c.snd.closed || c.snd.una != c.snd.ring.end()+1 {
		return true
	}
	switch c.state {
	case FinWait1:
		c.enter(now, FinWait2, "ACK of FIN")
		c.orphan(now)
	case Closing:
		c.timeWait(now, "ACK of FIN")
	case LastAck:
		c.finish(now, "ACK of FIN")
		return false
	}
	return true
}

// acknowledged takes in an acknowledgment from SND.UNA to SND.NXT: what has arrived,
// what was lost, how much may be under way.
func (c *Conn) acknowledged(now time.Duration, s *arrived) {
	d := delivery{ack: s, una: c.snd.una, fack: c.rack.fack}
	moved := c.updateWindow(s)
	advanced := s.ack != c.snd.una
	if advanced {
		c.advance(now, s.ack, &d)
	}
	if c.rec.selective {
		c.sacked(now, s, &d)
	}
	// RFC 9293 §3.8.6.1: a closed window that is answered for is no failure; but
	// without a user it is not kept forever.
	if advanced || (c.runs.n == 0 || c.snd.wnd == 0) && !c.orphaned() {
		c.timers.tries = 0
	}
	if c.runs.n == 0 && !advanced && d.duplicate.empty() && !c.rec.tailOut {
		c.opened()
		return // nothing was under way
	}
	c.measure(now, s, &d)
	c.recover(now, s, &d, moved)
	c.rearm(now, advanced)
	c.opened()
}

// advance moves SND.UNA to ack.
func (c *Conn) advance(now time.Duration, ack Seq, d *delivery) {
	una := c.snd.una
	for c.runs.n > 0 && una != ack {
		r := c.runs.at(0)
		end := r.end
		if ack.Less(end) { // part of a run
			n := ack.Sub(una)
			c.runs.count(r.marks, -n)
			if r.marks&markSacked == 0 {
				d.bytes += n
			}
			break
		}
		n := end.Sub(una)
		if r.marks&markSacked == 0 {
			d.bytes += n
			d.arrived(now, c, r, true)
		}
		c.runs.pop(n)
		una = end
	}
	c.snd.una = ack
	c.events |= EventAcknowledged
	c.count.bytesAcked += uint64(ack.Sub(d.una))
	c.snd.ring.release(ack)
	c.timers.since = now
}

// updateWindow takes SEG.WND, and says whether it is another one.
// RFC 9293 §3.10.7.4 fifth: if SND.WL1 < SEG.SEQ, or SND.WL1 = SEG.SEQ and SND.WL2 =<
// SEG.ACK, the send window MUST be updated.
func (c *Conn) updateWindow(s *arrived) (changed bool) {
	if !c.snd.wl1.Less(s.seq) && (c.snd.wl1 != s.seq || s.ack.Less(c.snd.wl2)) {
		return false
	}
	return c.setWindow(s)
}

func (c *Conn) setWindow(s *arrived) (changed bool) {
	changed = c.snd.wnd != s.window
	c.snd.wnd = s.window
	c.snd.wl1, c.snd.wl2 = s.seq, s.ack
	c.snd.maxWnd = max(c.snd.maxWnd, s.window)
	return changed
}

// opened tells a waiting writer of room, when that is worth it: a third of all, as
// Linux.
func (c *Conn) opened() {
	c.growSend()
	if c.write == userWaiting && c.room() >= int(c.snd.limit)/3 {
		c.write = userOpen
		c.events |= EventWritable
	}
}

// measure takes the round trip from what the ACK is for.
func (c *Conn) measure(now time.Duration, s *arrived, d *delivery) {
	rtt := d.oldest
	if d.again || rtt == 0 {
		rtt = d.oldestSacked
	}
	// RFC 6298 §3, Karn: of segments sent again only a timestamp says which one was
	// acknowledged; and (RFC 7323 §4.1) only one that acknowledges new data.
	if rtt == 0 && c.stamps.on && s.stamped && s.ecr != 0 && c.snd.una != d.una {
		age := int32(c.stamps.val(now) - s.ecr)
		if age >= 0 {
			rtt = max(time.Duration(age), 1) * time.Millisecond
		}
	}
	if rtt > 0 {
		c.rtt.sample(rtt, c.snd.una, c.snd.nxt)
		c.timers.backoff = 0
	}
	if d.newest > 0 {
		c.rtt.shortest(now, d.newest)
	}
}
