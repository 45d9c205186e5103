package tcp

import "time"

// An arrived segment on its way through Input.
type arrived struct {
	h       *Header
	seq     Seq // SEG.SEQ
	end     Seq // SEG.SEQ+SEG.LEN: behind its last number
	ack     Seq // SEG.ACK
	flags   Flags
	data    []byte
	window  uint32 // SEG.WND, scaled
	val     uint32 // SEG.TSval
	ecr     uint32 // SEG.TSecr
	stamped bool
}

// Input takes a segment whose checksum is right. payload is copied. The steps are
// those of RFC 9293 §3.10.7.4, in its order; each says whether to go on:
//
//  1. sequence number, and timestamp (RFC 7323 §5)
//  2. RST
//  3. security: not in use
//  4. SYN
//  5. ACK
//  6. URG: its data is read like any other
//  7. data
//  8. FIN
func (c *Conn) Input(now time.Duration, h *Header, payload []byte) Events {
	c.count.segmentsIn++
	c.arrivedHook(now, h, len(payload))
	s := arrived{h: h, data: payload}
	c.arrive(&s)
	switch c.state {
	case Closed:
		c.drop(now, h, "connection is closed")
		return c.raised()
	case SynSent:
		c.inputSynSent(now, &s)
		return c.raised()
	}
	if c.inputSequence(now, &s) &&
		c.inputRST(now, &s) &&
		c.inputSYN(now, &s) &&
		c.inputACK(now, &s) {
		c.inputData(now, &s)
	}
	return c.raised()
}

// arrive reads what the steps look at, in place: to copy what was just written is slow.
func (c *Conn) arrive(s *arrived) {
	h := s.h
	s.seq, s.ack, s.flags, s.window = h.Seq, h.Ack, h.Flags, uint32(h.Window)
	s.end = s.seq.Add(len(s.data)) + Seq(s.flags&FIN) + Seq(s.flags&SYN>>1) // bits 0 and 1
	if s.flags&SYN == 0 {
		s.window <<= c.snd.scale
	}
	if c.stamps.wanted {
		s.val, s.ecr, s.stamped = h.Options.Timestamps()
	}
}

// inputSequence is step 1: is any of the segment in the window?
//
// RFC 7323 §3.2 would have a segment without timestamps dropped when they are in use;
// Linux takes it, as middleboxes are known to remove them.
func (c *Conn) inputSequence(now time.Duration, s *arrived) bool {
	c.acks.heard = now
	if c.stamps.on && s.stamped && c.stamps.old(now, s.val) && !s.flags.Has(RST) {
		c.refuse(now, s, "timestamp is older than the last (PAWS)")
		return false
	}
	if !c.acceptable(s) {
		if c.answersSYN(s) {
			return true
		}
		c.refuse(now, s, "outside the window")
		return false
	}
	if c.stamps.on && s.stamped {
		c.stamps.see(now, s.val, s.seq, c.rcv.acked)
	}
	return true
}

// acceptable is the test of RFC 9293 §3.4, figure 5 ("Segment Acceptability Tests").
// MUST-66: ACK and RST are processed while the window is zero; what is beyond it is
// cut off later.
func (c *Conn) acceptable(s *arrived) bool {
	nxt, edge := c.rcv.nxt, c.rcv.edge
	if s.seq == nxt {
		return true
	}
	if s.seq == s.end { // no length: the number itself must be in the window
		return s.seq.In(nxt, edge)
	}
	return s.seq.In(nxt, edge) || (s.end-1).In(nxt, edge)
}

// answersSYN says whether this is the SYN+ACK of a simultaneous open: its SYN has come
// before, its ACK is news (RFC 9293 §3.5, figure 7).
func (c *Conn) answersSYN(s *arrived) bool {
	if c.state != SynReceived || !s.flags.Has(SYN|ACK) || s.seq != c.rcv.irs || s.ack != c.snd.nxt {
		return false
	}
	s.flags &^= SYN
	s.seq++
	return true
}

// refuse drops a segment that is none of this connection's, with an acknowledgment
// that tells a peer in earnest where we are: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>.
// RFC 9293 §3.10.7.4: unless the RST bit is set.
func (c *Conn) refuse(now time.Duration, s *arrived, why string) {
	c.drop(now, s.h, why)
	switch {
	case s.flags.Has(RST):
	case c.state == SynReceived && c.passive && s.flags&(SYN|ACK) == SYN && s.seq == c.rcv.irs:
		// The SYN again: the peer has not had our answer to it, which helps it more.
		if c.acks.odd(now) {
			c.sendAgain(0)
		}
	case len(s.data) > 0 || s.flags.Has(FIN):
		// RFC 2883 §4: what came twice is reported.
		if last := s.seq.Add(len(s.data)); last.LessEq(c.rcv.nxt) {
			c.duplicate(s.seq, last)
		}
		if c.state == TimeWait && s.flags.Has(FIN) {
			// RFC 9293 §3.10.7.4: acknowledge it, and restart the 2 MSL timeout.
			c.restartTimeWait(now)
		}
		c.acks.again(c.offered(), c.rcv.mss)
		c.dupACK()
	default:
		c.challenge(now)
	}
}

// challenge acknowledges, so that a peer in earnest shows itself (RFC 5961 §3, §4,
// §5), and not often (§7).
func (c *Conn) challenge(now time.Duration) {
	if c.acks.odd(now) {
		c.count.challenges++
		c.acks.now()
	}
}

// dupACK acknowledges at once. A peer without SACK counts duplicates: it has one for
// each segment.
func (c *Conn) dupACK() {
	if c.acks.need == ackNow && !c.rec.selective {
		c.owed.acks = min(c.owed.acks+1, 200)
	}
	c.acks.now()
}

// inputRST is step 2.
func (c *Conn) inputRST(now time.Duration, s *arrived) bool {
	if !s.flags.Has(RST) {
		return true
	}
	// RFC 9293 §3.10.7.4 second, RFC 5961 §3: with the very number that is expected
	// the connection is reset; elsewhere in the window the peer must prove it.
	if s.seq != c.rcv.nxt {
		c.drop(now, s.h, "RST is not at RCV.NXT")
		c.challenge(now)
		return false
	}
	switch {
	case c.state == SynReceived && c.passive:
		c.fail(now, nil, "RST: back to LISTEN")
	case c.state == SynReceived:
		c.fail(now, errRefused, "RST")
	case c.state == CloseWait:
		c.fail(now, errPipe, "RST")
	case c.state == TimeWait:
		// RFC 1337 would have it survive; RFC 9293 and Linux end it.
		c.fail(now, nil, "RST")
	default:
		// In CLOSING and LAST-ACK, too, as Linux: what was written may be lost. RFC 9293
		// says nothing to the user there.
		c.fail(now, errReset, "RST")
	}
	return false
}

// inputSYN is step 4.
func (c *Conn) inputSYN(now time.Duration, s *arrived) bool {
	if !s.flags.Has(SYN) {
		return true
	}
	if c.state == SynReceived && c.passive {
		// The peer begins again: the listening port will take its next SYN.
		c.drop(now, s.h, "SYN in the window")
		c.fail(now, nil, "SYN: back to LISTEN")
		return false
	}
	// RFC 9293 §3.10.7.4 fourth: in a synchronized state an endpoint MUST send a
	// "challenge ACK" to the remote peer, whatever the sequence number.
	c.drop(now, s.h, "SYN on a connection")
	c.challenge(now)
	return false
}
