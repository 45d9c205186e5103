package tcp

import "time"

// A delivery is what an acknowledgment says of the data under way.
type delivery struct {
	ack  *arrived
	una  Seq // SND.UNA before
	fack Seq // RACK.fack before

	bytes        int           // that have arrived newly
	oldest       time.Duration // round trip of the first run acknowledged
	oldestSacked time.Duration // of the first run selectively acknowledged
	newest       time.Duration // of the last one sent
	again        bool          // some of the runs acknowledged had been sent again
	duplicate    span          // reported as received twice (RFC 2883), if not empty
	sacks        bool          // something was selectively acknowledged
	original     bool          // something that was never sent again, though it was under way at a timeout
}

// arrived takes in run r, whole is whether the acknowledgment is cumulative.
func (d *delivery) arrived(now time.Duration, c *Conn, r *sentRun, whole bool) {
	rtt := max(now-r.at, 1)
	switch {
	case r.again > 0:
		d.again = d.again || whole
	case whole && d.oldest == 0:
		d.oldest = rtt
	case !whole && d.oldestSacked == 0:
		d.oldestSacked = rtt
	}
	if r.again == 0 {
		d.newest = rtt
		d.original = d.original || r.end.LessEq(c.rec.point)
	}
	c.rack.arrived(now, c, r, d)
}

// sacked takes in the SACK blocks of an acknowledgment (RFC 2018 §5), the lowest
// first, so that what one ACK reports is not held for reordered.
func (c *Conn) sacked(now time.Duration, s *arrived, d *delivery) {
	if len(s.h.Options) < 10 || len(s.h.Options) == 12 && s.stamped {
		return // no room for a block beside what was seen
	}
	blocks, n := s.h.Options.SACK()
	first := 0
	if n > 0 && c.reportsDuplicate(blocks[:n], s.ack) {
		c.count.dupsReported++
		// More duplicates than were sent again are the network's: they tell nothing.
		if c.count.dupsReported <= c.count.again {
			d.duplicate = span{blocks[0][0], blocks[0][1]}
		}
		first = 1
	}
	sortBlocks(blocks[first:n])
	for _, b := range blocks[first:n] {
		// Only what lies in the window can have arrived.
		if b[0].Less(b[1]) && c.snd.una.Less(b[0]) && b[1].LessEq(c.snd.nxt) {
			c.sackBlock(now, b[0], b[1], d)
		}
	}
}

func sortBlocks(b [][2]Seq) {
	for i := range b {
		for j := i; j > 0 && b[j][0].Less(b[j-1][0]); j-- {
			b[j], b[j-1] = b[j-1], b[j]
		}
	}
}

// reportsDuplicate says whether the first block is a D-SACK.
// RFC 2883 §4: it is below the acknowledgment, or inside the second block.
func (c *Conn) reportsDuplicate(b [][2]Seq, ack Seq) bool {
	if b[0][0].Less(ack) {
		return b[0][1].LessEq(ack) && b[0][0].Less(b[0][1]) && ack.Sub(b[0][0]) <= int(c.snd.maxWnd)
	}
	return len(b) > 1 && b[1][0].LessEq(b[0][0]) && b[0][1].LessEq(b[1][1])
}

// sackBlock marks the runs that lie wholly in a block, and joins sacked neighbours. As
// in Linux, a run is not cut for one that lies in part: no honest peer's block does,
// and a dishonest one's would cut what is under way to crumbs.
func (c *Conn) sackBlock(now time.Duration, from, to Seq, d *delivery) {
	runs := &c.runs
	for i := runs.find(from); i < int(runs.n); {
		r, start := runs.at(i), runs.start(i, c.snd.una)
		if to.Less(r.end) {
			return
		}
		if r.marks&markSacked != 0 || start.Less(from) {
			i++
			continue
		}
		n := r.end.Sub(start)
		d.bytes += n
		d.sacks = true
		d.arrived(now, c, r, false)
		runs.remark(i, n, markSacked)
		i = c.joinSacked(i)
	}
}

// joinSacked joins run i with sacked neighbours, and returns the index behind it.
func (c *Conn) joinSacked(i int) int {
	if i > 0 && c.runs.at(i-1).marks&markSacked != 0 {
		c.runs.join(i)
		i--
	}
	if i+1 < int(c.runs.n) && c.runs.at(i+1).marks&markSacked != 0 {
		c.runs.join(i + 1)
	}
	return i + 1
}

// forgetSacks takes back all that was selectively acknowledged.
// RFC 2018 §8: after a timeout the sender SHOULD turn off all of the SACKed bits, for
// the receiver may have thrown the data away; it has, when what it acknowledged
// cumulatively ends where a sacked run begins.
func (c *Conn) forgetSacks() {
	start := c.snd.una
	for i := range int(c.runs.n) {
		r := c.runs.at(i)
		if n := r.end.Sub(start); r.marks&markSacked != 0 {
			c.runs.remark(i, n, markLost)
		}
		start = r.end
	}
}
