package tcp

import "time"

// inputSynSent is RFC 9293 §3.10.7.3: ACK, RST, security, SYN, in this order.
func (c *Conn) inputSynSent(now time.Duration, s *arrived) {
	c.acks.heard = now
	acked := s.flags.Has(ACK)
	// First: if SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset, unless the RST bit
	// is set: <SEQ=SEG.ACK><CTL=RST>
	if acked && !s.ack.In(c.snd.iss+1, c.snd.nxt+1) {
		c.drop(now, s.h, "ACK of what was not sent")
		if !s.flags.Has(RST) {
			c.resetFor(s.ack)
		}
		c.beginAgain(now)
		return
	}
	switch {
	case s.flags.Has(RST):
		// Second: with an acceptable ACK the connection is refused; without, drop.
		if !acked {
			c.drop(now, s.h, "RST without ACK")
			return
		}
		c.fail(now, errRefused, "RST")
	case !s.flags.Has(SYN):
		c.drop(now, s.h, "neither SYN nor RST")
	case c.stamps.wanted && acked && s.stamped && !c.echoesUs(now, s.ecr):
		// RFC 7323 §5.5 has no such rule; Linux's is that an answer to the SYN echoes it.
		c.drop(now, s.h, "TSecr is not of our SYN")
		c.resetFor(s.ack)
	default:
		c.inputOpening(now, s, acked)
	}
}

// beginAgain sends the SYN again at once, the first time that the peer has held it for
// part of an old connection, which our RST has ended (RFC 9293 §3.5.1): as Linux.
func (c *Conn) beginAgain(now time.Duration) {
	if c.timers.tries == 0 {
		c.timers.rto = min(c.timers.rto, now+synAgain)
	}
}

// echoesUs says whether a TSecr lies between our SYN and now.
func (c *Conn) echoesUs(now time.Duration, ecr uint32) bool {
	return ecr == 0 || ecr-c.stamps.val(c.timers.since) <= c.stamps.val(now)-c.stamps.val(c.timers.since)
}

// inputOpening takes the peer's SYN (fourth).
func (c *Conn) inputOpening(now time.Duration, s *arrived, acked bool) {
	c.synchronize(now, s.h)
	c.acceptOptions(s.h.Options)
	if !acked {
		// A simultaneous open: SYN-RECEIVED, and the SYN goes out again with an ACK.
		c.enter(now, SynReceived, "SYN")
		if c.runs.n > 0 {
			c.sendAgain(0)
		}
		return
	}
	c.connected(now, "SYN+ACK")
	c.acknowledged(now, s)
	c.acks.now()
	// "If there are other controls or text in the segment, then continue processing at
	// the sixth step": they lie behind the SYN.
	if s.end != s.seq+1 {
		s.seq++
		s.flags &^= SYN
		c.inputData(now, s)
	}
}
