package tcp

import "fmt"

// check says what of a Conn does not hold that must hold between any two calls.
func (c *Conn) check() error {
	for _, rule := range [...]struct {
		what  string
		holds bool
	}{
		{"SND.UNA =< SND.NXT", c.snd.una.LessEq(c.snd.nxt)},
		{"the ring begins at SND.UNA", c.state == Closed || c.state == TimeWait || c.snd.ring.base == c.snd.una || c.snd.una == c.snd.iss && c.snd.ring.base == c.snd.iss+1 || c.snd.ring.n == 0 && c.snd.ring.base == c.snd.una-1},
		{"SND.NXT is not beyond the ring and a FIN", c.snd.nxt.LessEq(c.snd.ring.end() + 1)},
		{"a FIN is sent only after a close", c.snd.nxt != c.snd.ring.end()+1 || c.snd.closed || c.snd.nxt == c.snd.iss+1 || c.state == Closed || c.state == TimeWait},
		{"the send ring is within its limit", int(c.snd.ring.n) <= max(int(c.snd.max), defaultSendBuffer)},
		{"the send ring fits its memory", int(c.snd.ring.n) <= len(c.snd.ring.buf)},
		{"RCV.NXT is at the unread bytes' end", c.rcv.ring.base.LessEq(c.dataEnd())},
		{"RCV.NXT is not beyond the window but for a FIN", c.rcv.nxt.LessEq(c.rcv.edge + 1)},
		{"Last.ACK.sent =< RCV.NXT", c.rcv.acked.LessEq(c.rcv.nxt)},
		{"memory of the receive ring", len(c.rcv.ring.buf) <= 2*(max(int(c.rcv.max), defaultRecvBuffer)+1<<c.rcv.scale)},
		{"the window", c.cc.cwnd > 0 && c.cc.cwnd >= c.cc.mss || c.state == Closed},
		{"ssthresh", c.cc.ssthresh > 0},
		{"a phase has a timer", c.state == Closed || c.runs.n == 0 || c.timers.rto != Never},
		{"backoff", c.timers.tries <= 20},
	} {
		if !rule.holds {
			return fmt.Errorf("%s: does not hold; %s", rule.what, c.dump())
		}
	}
	if err := c.checkRuns(); err != nil {
		return fmt.Errorf("%w; %s", err, c.dump())
	}
	return c.checkIslands()
}

func (c *Conn) dump() string {
	return fmt.Sprintf("%s snd %d %d %d ring %d+%d closed %v rcv %d %d edge %d base %d fin %v %d islands %d runs %d sacked %d lost %d again %d cwnd %d phase %d timers %+v",
		c.state, c.snd.iss, c.snd.una, c.snd.nxt, c.snd.ring.base, c.snd.ring.n, c.snd.closed, c.rcv.irs, c.rcv.nxt, c.rcv.edge, c.rcv.ring.base, c.rcv.hasFIN, c.rcv.fin, len(c.rcv.islands),
		c.runs.n, c.runs.sacked, c.runs.lost, c.runs.inFlight, c.cc.cwnd, c.rec.phase, c.timers)
}

func (c *Conn) checkRuns() error {
	var sum sentRuns
	start := c.snd.una
	for i := range int(c.runs.n) {
		r := c.runs.at(i)
		n := r.end.Sub(start)
		if n <= 0 {
			return fmt.Errorf("run %d of %d has %d bytes", i, c.runs.n, n)
		}
		if r.marks&markSacked != 0 && r.marks != markSacked {
			return fmt.Errorf("run %d is marked %b", i, r.marks)
		}
		if r.marks == markInFlight {
			return fmt.Errorf("run %d is under way again and was not lost", i)
		}
		sum.count(r.marks, n)
		start = r.end
	}
	if c.state != Closed && c.state != TimeWait && start != c.snd.nxt {
		return fmt.Errorf("runs end at %d, SND.NXT is %d", start, c.snd.nxt)
	}
	if sum.sacked != c.runs.sacked || sum.lost != c.runs.lost || sum.inFlight != c.runs.inFlight {
		return fmt.Errorf("marks are counted wrong: %d %d %d, want %d %d %d", c.runs.sacked, c.runs.lost, c.runs.inFlight, sum.sacked, sum.lost, sum.inFlight)
	}
	return nil
}

func (c *Conn) checkIslands() error {
	last := c.rcv.nxt
	for i, s := range c.rcv.islands {
		if !s.from.Less(s.to) || !last.Less(s.from) || !s.to.LessEq(c.rcv.edge+1) {
			return fmt.Errorf("island %d of %v, RCV.NXT %d, edge %d", i, c.rcv.islands, c.rcv.nxt, c.rcv.edge)
		}
		last = s.to
	}
	return nil
}
