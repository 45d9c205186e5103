package tcp

import "time"

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
