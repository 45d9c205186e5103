package tcp

import "time"

// unread is how many bytes wait for the user.
func (c *Conn) unread() int { return c.dataEnd().Sub(c.rcv.ring.base) }

// dataEnd is behind the last byte in order: RCV.NXT, or the FIN before it.
func (c *Conn) dataEnd() Seq {
	if c.rcv.hasFIN && c.rcv.fin.Less(c.rcv.nxt) {
		return c.rcv.fin
	}
	return c.rcv.nxt
}

// window is RCV.WND as it could be offered now.
//
// RFC 9293 §3.8.6.2.2, receiver's silly window avoidance: the right edge stays until
// the window can grow by half the buffer or a full segment.
// §3.8.6: a receiver SHOULD NOT move the right edge to the left.
func (c *Conn) window(time.Duration) int {
	offered := max(c.rcv.edge.Sub(c.rcv.nxt), 0)
	free := int(c.rcv.limit) - c.unread()
	if !c.stateOpen() {
		// In whole segments, as Linux: a peer fills such a window without a rest.
		if size := int(c.snd.path); free > size {
			free -= free % size
		}
		return max(free, 0)
	}
	if free-offered >= min(int(c.rcv.limit)/2, int(c.snd.path)) {
		return free
	}
	return offered
}

// stateOpen says whether the peer knows a window already.
func (c *Conn) stateOpen() bool { return c.state >= Established }

// offer is the window field of the next segment, and moves the right edge that it
// tells. What the scale cuts off would move it to the left, so it is rounded up, as
// long as the buffer can take that.
func (c *Conn) offer(now time.Duration) uint16 {
	n, unit := c.window(now), 1<<c.rcv.scale
	field := min((n+unit-1)>>c.rcv.scale, 65535)
	if field<<c.rcv.scale+c.unread() > int(c.rcv.limit)+unit {
		field = min(n>>c.rcv.scale, 65535)
	}
	if edge := c.rcv.nxt.Add(field << c.rcv.scale); c.rcv.edge.Less(edge) {
		c.rcv.edge = edge
	}
	return uint16(field)
}

// freed asks for a window update when the user has read so much that the window can
// double, as Linux; or when the peer had none.
func (c *Conn) freed() {
	if c.state != Established && c.state != FinWait1 && c.state != FinWait2 {
		return
	}
	offered := max(c.rcv.edge.Sub(c.rcv.nxt), 0)
	free := int(c.rcv.limit) - c.unread()
	if free >= 2*offered && free-offered >= min(int(c.rcv.limit)/2, int(c.snd.path)) {
		c.acks.now()
	}
}

// tuning finds how large the window must be: twice what the user reads in a round
// trip, and more while that grows (dynamic right-sizing, as in Linux).
type tuning struct {
	rtt   time.Duration // the round trip as the receiver sees it
	at    time.Duration // when this round trip began
	read  uint32        // bytes read in it
	space uint32        // bytes read in the best one
	mark  Seq           // without timestamps: a round trip is over when this has come
	seen  time.Duration // when mark was set
}

// tuneWindow measures the round trip as the receiver sees it: the time between a
// window's offer and its last byte.
func (c *Conn) tuneWindow(now time.Duration) {
	t := &c.rcv.tune
	if c.rtt.smoothed > 0 && t.rtt == 0 {
		t.rtt = c.rtt.smoothed
	}
	if !c.rcv.nxt.Less(t.mark) {
		if rtt := now - t.seen; t.seen > 0 && rtt > 0 && (t.rtt == 0 || rtt < t.rtt) {
			t.rtt = rtt
		}
		t.mark, t.seen = c.rcv.edge, now
	}
}

// haveRead grows the buffer's limit by what the user read in the last round trip.
func (c *Conn) haveRead(now time.Duration, n int) {
	t := &c.rcv.tune
	t.read += uint32(n)
	if now-t.at < t.rtt || t.rtt == 0 {
		return
	}
	if read := t.read; read > t.space {
		t.space = max(t.space, minBuffer)
		need := 2*uint64(read) + 16*uint64(c.snd.path)
		need += 2 * need * uint64(read-min(read, t.space)) / uint64(t.space)
		t.space = read
		if limit := int32(min(need, uint64(c.rcv.max))); limit > c.rcv.limit {
			c.rcv.limit = limit
		}
	}
	t.read, t.at = 0, now
}

// room is how many bytes the send ring can take.
func (c *Conn) room() int { return max(int(c.snd.limit)-int(c.snd.ring.n), 0) }

// growSend lets the send ring hold two congestion windows: one under way, one to
// follow.
func (c *Conn) growSend() {
	if n := min(2*c.cc.cwnd, c.snd.max); n > c.snd.limit {
		c.snd.limit = n
	}
}

// duplicate has the next acknowledgment report a run that came twice (RFC 2883 §4).
func (c *Conn) duplicate(from, to Seq) {
	if c.rec.selective && from != to && c.established() {
		c.count.duplicates++
		c.rcv.dup = span{from, to}
	}
}

// touch makes the island that seq lies on the newest.
// RFC 2018 §4: the first SACK block MUST specify the block with the segment that
// triggered this ACK; then those reported most recently.
func (c *Conn) touch(seq Seq) {
	r := &c.rcv.recent
	island, _ := c.rcv.islands.covers(seq, seq)
	i := 0
	for i < len(r)-1 && (r[i].Less(island.from) || island.to.LessEq(r[i])) {
		i++
	}
	copy(r[1:i+1], r[:i])
	r[0] = seq
}

// blocks are those of the next acknowledgment: a duplicate first, then islands, the
// newest first.
func (c *Conn) blocks(b *[4][2]Seq) (n int) {
	most := 4
	if c.stamps.on {
		most = 3 // RFC 2018 §3: as many as there is room for
	}
	if d := c.rcv.dup; !d.empty() {
		b[0] = [2]Seq{d.from, d.to}
		n = 1
		// RFC 2883 §4: if it lies on an island, that follows as the second block.
		if island, ok := c.rcv.islands.covers(d.from, d.to); ok {
			b[n] = c.block(island)
			n++
		}
	}
	for _, seq := range c.rcv.recent {
		island, ok := c.rcv.islands.covers(seq, seq)
		if ok && n < most && !listed(b[:n], island) {
			b[n] = c.block(island)
			n++
		}
	}
	return n
}

// block is an island as it is reported: with the FIN behind it.
func (c *Conn) block(s span) [2]Seq {
	if c.rcv.hasFIN && s.to == c.rcv.fin {
		s.to++
	}
	return [2]Seq{s.from, s.to}
}

func listed(b [][2]Seq, s span) bool {
	for _, have := range b {
		if have[0] == s.from {
			return true
		}
	}
	return false
}

func (c *Conn) blockCount() int {
	var b [4][2]Seq
	return c.blocks(&b)
}
