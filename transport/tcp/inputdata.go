package tcp

import "time"

// inputData is steps 7 and 8: data and FIN.
func (c *Conn) inputData(now time.Duration, s *arrived) {
	if len(s.data) == 0 && !s.flags.Has(FIN) {
		return
	}
	if c.state != Established && c.state != FinWait1 && c.state != FinWait2 {
		// RFC 9293 §3.10.7.4, seventh: this should not occur; ignore.
		c.drop(now, s.h, "data behind the FIN")
		return
	}
	if c.refusesData(now, s) {
		return
	}
	size, before, gap := len(s.data), c.rcv.nxt, len(c.rcv.islands) > 0
	c.trim(s)
	if s.seq != c.rcv.nxt {
		c.outOfOrder(s)
		return
	}
	c.seeSize(size)
	c.acks.came(now, c.offered(), c.rcv.mss, c.rtt.rto())
	c.take(s)
	if c.rcv.nxt == before && !c.rcv.hasFIN {
		c.dupACK() // the window is closed
		return
	}
	c.tuneWindow(now)
	if gap || c.rcv.hasFIN {
		// RFC 5681 §4.2: an ACK SHOULD be sent at once when a gap is filled, or part of it.
		c.acks.now()
	}
	c.acks.soon(c.rcv.nxt.Sub(c.rcv.acked), c.rcv.mss)
	if c.rcv.hasFIN && c.rcv.fin == c.rcv.nxt {
		c.inputFIN(now)
	}
}

// refusesData resets a peer that sends to a user who has gone.
// RFC 9293 §3.6.1, SHLD-3: if such a CLOSE call is issued while received data is still
// pending, or new data is received after it, send a RST to show that data was lost.
func (c *Conn) refusesData(now time.Duration, s *arrived) bool {
	if c.read != userClosed || c.write != userClosed || len(s.data) == 0 {
		return false
	}
	if s.seq.Add(len(s.data)).LessEq(c.rcv.nxt) {
		return false // all of it is known
	}
	c.drop(now, s.h, "data for a user who has closed")
	c.resetFor(s.ack) // what the peer has of us: it takes no other RST
	c.fail(now, errReset, "data after close")
	return true
}

// seeSize follows the size of the peer's segments: what is full is acknowledged at
// once with its second.
func (c *Conn) seeSize(n int) {
	switch {
	case n > int(c.rcv.mss):
		c.rcv.mss = uint16(min(n, int(c.snd.path)))
	case n < int(c.rcv.mss):
		c.acks.pushed = min(c.acks.pushed, 1) + 1
	}
}

// trim cuts off what was received before, and what lies beyond the window.
func (c *Conn) trim(s *arrived) {
	if early := c.rcv.nxt.Sub(s.seq); early > 0 {
		if early > len(s.data) {
			early = len(s.data)
		}
		if early > 0 {
			c.duplicate(s.seq, s.seq.Add(early))
		}
		s.data, s.seq = s.data[early:], s.seq.Add(early)
	}
	last := s.seq.Add(len(s.data))
	limit := c.rcv.edge
	if c.rcv.hasFIN && c.rcv.fin.Less(limit) {
		limit = c.rcv.fin // the stream ends there
	}
	if beyond := last.Sub(limit); beyond > 0 {
		s.data = s.data[:max(len(s.data)-beyond, 0)]
		s.flags &^= FIN
	}
	if s.flags.Has(FIN) && !c.rcv.hasFIN {
		end := s.seq.Add(len(s.data))
		if n := len(c.rcv.islands); n == 0 || c.rcv.islands[n-1].to.LessEq(end) {
			c.rcv.fin, c.rcv.hasFIN = end, true
		}
	}
}

// take appends data in order, and what lies ready behind it.
func (c *Conn) take(s *arrived) {
	n := len(s.data)
	if n == 0 {
		return
	}
	c.overlaps(s)
	c.store(s)
	c.rcv.nxt = c.rcv.nxt.Add(n)
	if len(c.rcv.islands) > 0 {
		c.rcv.nxt = c.rcv.islands.advance(c.rcv.nxt)
	}
	c.count.bytesIn += uint64(c.rcv.nxt.Sub(s.seq))
	if c.read == userClosed {
		c.rcv.ring.skip(c.rcv.nxt.Sub(c.rcv.ring.base))
		return
	}
	c.events |= EventReadable
}

// store puts a segment's data to its place in the ring, if there is a reader.
func (c *Conn) store(s *arrived) {
	if c.read == userClosed {
		return
	}
	held := c.rcv.nxt
	if n := len(c.rcv.islands); n > 0 {
		held = c.rcv.islands[n-1].to
	}
	c.rcv.ring.put(s.seq, s.data, held.Sub(c.rcv.ring.base))
}

// outOfOrder keeps data beyond a gap.
// RFC 5681 §4.2: an immediate duplicate ACK SHOULD be sent.
func (c *Conn) outOfOrder(s *arrived) {
	c.dupACK()
	if len(s.data) == 0 {
		return
	}
	c.count.outOfOrder++
	end := s.seq.Add(len(s.data))
	if island, ok := c.rcv.islands.covers(s.seq, end); ok {
		c.duplicate(s.seq, end)
		c.touch(island.from)
		return
	}
	c.overlaps(s)
	c.store(s)
	if c.rcv.islands.add(s.seq, end) {
		c.touch(s.seq)
	}
}

// overlaps reports the part of a segment that was known by an island (RFC 2883 §4.2).
func (c *Conn) overlaps(s *arrived) {
	if len(c.rcv.islands) == 0 || !c.rcv.dup.empty() {
		return
	}
	if known := c.rcv.islands.overlap(s.seq, s.seq.Add(len(s.data))); !known.empty() {
		c.duplicate(known.from, known.to)
	}
}

// inputFIN is step 8.
func (c *Conn) inputFIN(now time.Duration) {
	c.rcv.nxt++
	c.acks.now()
	c.events |= EventReadable
	switch c.state {
	case Established:
		c.enter(now, CloseWait, "FIN")
	case FinWait1:
		// If our FIN has been acknowledged, this would be FIN-WAIT-2 by now.
		c.enter(now, Closing, "FIN")
	case FinWait2:
		c.timeWait(now, "FIN")
	}
}
