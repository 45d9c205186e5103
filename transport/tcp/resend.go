package tcp

import "time"

// sendLost sends again what was lost, the lowest first.
func (c *Conn) sendLost(now time.Duration, to Sink) {
	if c.rec.phase == phaseTimeout && c.rec.frto == frtoNew {
		return // what comes of new data decides first
	}
	size := int(c.payload())
	for i := 0; i < int(c.runs.n) && c.runs.lost != c.runs.inFlight; i++ {
		r := c.runs.at(i)
		if r.marks&(markLost|markInFlight) != markLost {
			continue
		}
		start := c.runs.start(i, c.snd.una)
		n := r.end.Sub(start)
		if c.exceeds(r, n, size) {
			c.runs.split(i, start.Add(size))
			n = size
		}
		n = c.gather(i, n, size)
		if !c.mayResend(i, start, n) {
			return
		}
		c.rec.first = false
		c.resend(now, to, i)
	}
}

// exceeds says whether run r, of n numbers, has more than size bytes: a FIN is none.
func (c *Conn) exceeds(r *sentRun, n, size int) bool {
	return n > size+1 || n > size && r.end != c.snd.ring.end()+1
}

// gather fills run i, of n bytes, up to size with what follows it and was lost as well,
// and returns how many it then has: what went out in small pieces goes again in large
// ones, as with Linux's tcp_retrans_collapse (RFC 9293 §3.8.6: such repackaging may be
// helpful).
func (c *Conn) gather(i, n, size int) int {
	limit := c.snd.una.Add(int(c.snd.wnd))
	for n < size && i+1 < int(c.runs.n) {
		next := c.runs.at(i + 1)
		if next.marks&(markLost|markInFlight) != markLost || limit.Less(next.end) {
			break
		}
		k := next.end.Sub(c.runs.at(i).end)
		if fin := next.end == c.snd.ring.end()+1; k > size-n && (!fin || k-1 > size-n) {
			k = size - n
		}
		c.runs.shift(i, k)
		n += k
	}
	return n
}

// mayResend says whether n bytes from start on may be sent again now.
func (c *Conn) mayResend(i int, start Seq, n int) bool {
	// The first may be sent though the window has shrunk to nothing: it is the
	// question whether it has opened.
	if i > 0 && !start.Less(c.snd.una.Add(int(c.snd.wnd))) {
		return false
	}
	return c.rec.first || int(c.cc.cwnd)-c.pipe() >= min(n, int(c.cc.mss))
}

// sendAgain has run i sent again though it was not lost.
func (c *Conn) sendAgain(i int) {
	if c.runs.at(i).marks&(markLost|markSacked) == 0 || c.runs.at(i).marks&markInFlight != 0 {
		c.lose(i)
		c.rec.first = true
	}
}

// resend sends run i again.
func (c *Conn) resend(now time.Duration, to Sink, i int) {
	r := c.runs.at(i)
	start := c.runs.start(i, c.snd.una)
	n := r.end.Sub(start)
	if r.marks&markLost != 0 {
		c.runs.remark(i, n, markLost|markInFlight)
	}
	r.at = now
	r.again = min(r.again, 254) + 1
	if !c.rec.stamped {
		c.rec.stamped, c.rec.stamp = true, c.stamps.val(now)
	}
	c.rec.again += int32(n)
	c.count.again++
	c.count.bytesAgain += uint64(n)
	flags := ACK
	switch {
	case start == c.snd.iss:
		flags = c.synFlags()
		n = 0
	case r.end == c.snd.ring.end()+1 && c.snd.closed:
		flags |= FIN
		n--
	}
	c.segment(now, to, start, flags, n)
	if i == 0 || c.timers.rto == Never {
		c.armRTO(now)
	}
}
