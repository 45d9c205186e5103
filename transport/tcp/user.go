package tcp

import "time"

// Write takes as many bytes of p as there is room for; 0 when there is none, or when
// nothing can be written any more: see Err and Writable.
func (c *Conn) Write(now time.Duration, p []byte) int {
	if c.Writable() < 0 {
		return 0
	}
	n := c.snd.ring.write(p, int(c.snd.limit))
	if n < len(p) {
		c.write = userWaiting
	}
	return n
}

// Writable is how many bytes Write would take now; -1 when it takes none any more.
func (c *Conn) Writable() (n int) {
	if c.write == userClosed || c.snd.closed || c.state == Closed {
		return -1
	}
	return c.room()
}

// Read moves bytes to p; 0 when there are none: Readable says whether that is the end.
func (c *Conn) Read(now time.Duration, p []byte) int {
	n := c.rcv.ring.take(p, c.dataEnd())
	if n > 0 {
		c.haveRead(now, n)
		c.freed()
	}
	return n
}

// Peek shows the first bytes that can be read, in one piece: not always all. They stay
// as they are until Discard, Read or CloseRead; Input and Output may go on meanwhile.
func (c *Conn) Peek() []byte { return c.rcv.ring.peek(c.dataEnd()) }

// Discard takes the first n bytes as read.
func (c *Conn) Discard(now time.Duration, n int) {
	if n = min(n, c.unread()); n > 0 {
		c.rcv.ring.skip(n)
		c.haveRead(now, n)
		c.freed()
	}
}

// Reserve is room for up to n bytes that [Conn.Commit] then sends, in one piece: less
// than n, or none, as with Write. Between the two there may be Input and Output, but
// no other Write.
func (c *Conn) Reserve(n int) []byte {
	free := c.Writable()
	if n > free && free >= 0 {
		c.write = userWaiting
	}
	c.snd.reserved = free > 0 && n > 0
	return c.snd.ring.reserve(min(n, free))
}

// Commit takes the first n bytes of what Reserve returned as written.
func (c *Conn) Commit(now time.Duration, n int) {
	if c.Writable() >= 0 && c.snd.reserved {
		c.snd.ring.n += uint32(max(n, 0))
	}
	c.snd.reserved = false
}

// Readable is how many bytes can be read, and whether the end is behind them.
func (c *Conn) Readable() (n int, end bool) {
	return c.unread(), c.read == userClosed || c.rcv.hasFIN && c.rcv.fin.Less(c.rcv.nxt)
}

// SetNoDelay says whether small segments go out at once; false is Nagle's algorithm.
func (c *Conn) SetNoDelay(on bool) { c.snd.nagle = !on }

// SetUserTimeout sets how long data may be unacknowledged; 0: 15 retransmissions.
func (c *Conn) SetUserTimeout(d time.Duration) { c.timers.limit = max(d, 0) }

// SetBuffers sets the most bytes that may wait; 0 leaves one as it is. What was
// offered to the peer stays so: the window never shrinks.
func (c *Conn) SetBuffers(send, recv int) {
	if send > 0 {
		c.snd.max = bufferLimit(send, 0)
		c.snd.limit = c.snd.max
	}
	if recv > 0 {
		c.rcv.max = bufferLimit(recv, 0)
		c.rcv.limit = c.rcv.max
		c.freed()
	}
}

// SetMaxSegment follows a change of the path: n is as Config.MaxSegment. What was too
// long for it is sent again (RFC 1191 §6.4).
func (c *Conn) SetMaxSegment(now time.Duration, n int) {
	path := segmentLimit(n)
	if path == c.snd.path {
		return
	}
	smaller := path < c.snd.mss
	c.snd.path = path
	c.snd.mss = min(c.snd.peerMSS, path)
	c.resize()
	if !smaller || !c.established() {
		return
	}
	start := c.snd.una
	for i := range int(c.runs.n) {
		r := c.runs.at(i)
		size := r.end.Sub(start)
		if size > int(c.payload()) && r.marks&(markSacked|markLost) == 0 {
			c.runs.remark(i, size, markLost)
		}
		start = r.end
	}
	c.rec.first = c.runs.lost > 0
}

// Sent says whether seq is a number that was sent and not acknowledged: an ICMP error
// that quotes another one is not about this connection (RFC 5927 §4.1).
func (c *Conn) Sent(seq Seq) bool { return seq.In(c.snd.una, c.snd.nxt) }

// Unreachable takes in an ICMP error about this connection's segments: a hard one
// ends a connection that is being opened, a soft one is told when it times out.
// RFC 9293 §3.9.2.2, MUST-56: soft errors MUST NOT abort the connection; Linux, as
// RFC 5461 §4, treats hard ones so too once it is open.
func (c *Conn) Unreachable(now time.Duration, err error, hard bool) Events {
	if c.state == Closed || c.state == TimeWait {
		return 0
	}
	if hard && (c.state == SynSent || c.state == SynReceived) {
		c.fail(now, err, "ICMP error")
		return c.raised()
	}
	c.rec.soft = err
	return c.raised()
}
