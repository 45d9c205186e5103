package flow

// clock follows the timestamps of one end (RFC 7323 §3): how far its clock has come,
// and how long the other end takes to echo it, as seen here. That time is there and
// back between this point and the other end, and can be had from acknowledgements
// alone, where the other end's data give no sample.
type clock struct {
	seen     bool
	max      uint32 // the newest
	maxFrame int64  // the first frame with it
	reply    int64  // the least time until an echo, 0 for none
	waiting  bool   // for the echo of mark
	mark     uint32
	markTime int64
}

// tick takes in the timestamp of one segment.
func (k *clock) tick(val uint32, now, frame int64) {
	if k.seen && int32(val-k.max) <= 0 {
		return
	}
	k.seen, k.max, k.maxFrame = true, val, frame
	if !k.waiting {
		k.waiting, k.mark, k.markTime = true, val, now
	}
}

// echo takes in what the other end echoes. Only the first packet with a timestamp
// starts the wait, and only its own echo ends it with a sample.
func (k *clock) echo(ecr uint32, now int64) {
	if !k.waiting || int32(ecr-k.mark) < 0 {
		return
	}
	k.waiting = false
	if d := max(now-k.markTime, 1); ecr == k.mark && (k.reply == 0 || d < k.reply) {
		k.reply = d
	}
}

// roundTrip is the smoothed time until one end's bytes are acknowledged, as seen here
// (RFC 6298 §2).
type roundTrip struct{ smooth, vary int64 }

func (r *roundTrip) sample(d int64) {
	if r.smooth == 0 {
		r.smooth, r.vary = d, d/2
		return
	}
	off := d - r.smooth
	r.smooth += off / 8
	r.vary += (max(off, -off) - r.vary) / 4
}

// replyTime returns the least time after which the other end's answer to what end i
// sent came by here; 0 where nothing is known.
func (c *conn) replyTime(i int) int64 {
	a, b := c.ends[i].clock.reply, c.talk.Ends[i].RTTMin
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// least returns the shortest round trip from end to end, or what is known of it: the
// sum of what lies on either side of the capture point. A packet that passed here
// cannot have had an effect here before that time is over.
func (c *conn) least() int64 { return c.replyTime(0) + c.replyTime(1) }

// smooth returns the usual round trip from end to end.
func (c *conn) smooth() int64 {
	var sum int64
	for i := range c.ends {
		sum += max(c.ends[i].rtt.smooth, c.replyTime(i))
	}
	return sum
}

// minTimeout is Linux's least retransmission timeout. RFC 6298 §2.4 has a second,
// which hardly anyone keeps.
const minTimeout = 200e6

// timeout returns about the retransmission timeout of end i (RFC 6298 §2).
func (c *conn) timeout(i int) int64 {
	return c.smooth() + max(minTimeout, 4*c.ends[i].rtt.vary)
}
