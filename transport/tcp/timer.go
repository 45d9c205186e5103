package tcp

import "time"

// timers are when something is due; Never when it is not.
type timers struct {
	rto   time.Duration // retransmission; with nothing under way, the question to a closed window
	early time.Duration // sooner than rto: losses found by time, or a tail loss probe
	ack   time.Duration // the delayed acknowledgment
	life  time.Duration // keep-alive, FIN-WAIT-2 without a user, TIME-WAIT
	idle  time.Duration // memory to be given back
	since time.Duration // when what is first under way was sent, or was last acknowledged
	limit time.Duration // user timeout; 0: by tries
	tail  bool          // early is for a tail loss probe
	fresh bool          // new data was sent since timers were set last

	backoff uint8 // how often the timeout has doubled
	asked   uint8 // how often a closed window was asked for
	tries   uint8 // timeouts without any answer
}

func noTimers() timers {
	return timers{rto: Never, early: Never, ack: Never, life: Never, idle: Never}
}

// How often something is sent again until the connection is given up.
const (
	maxTries    = 15 // RFC 9293 §3.8.3, SHLD-11: R2 at least 100 s; Linux's tcp_retries2
	maxSynAcks  = 5  // Linux's tcp_synack_retries
	linearTries = 4  // Linux's tcp_syn_linear_timeouts: these come after a second each
	// RFC 9293 §3.8.3, MUST-23: R2 for a SYN MUST be at least 3 minutes. Linux, with
	// 10, gives up after 131 s.
	maxSyns  = 11
	synAgain = 2 * time.Millisecond // Linux's TCP_TIMEOUT_MIN
	// How long rings are kept that hold nothing.
	idleRings = 2 * time.Second
)

// Deadline is when to call Expire; [Never] for not at all.
func (c *Conn) Deadline() time.Duration {
	t := &c.timers
	return min(t.rto, t.early, t.ack, t.life, t.idle)
}

// Expire does what is due when Deadline has come; earlier it does nothing.
func (c *Conn) Expire(now time.Duration) Events {
	t := &c.timers
	if t.ack <= now {
		t.ack = Never
		c.ackDue()
	}
	if t.early <= now {
		c.earlyDue(now)
	}
	if t.rto <= now {
		c.rtoDue(now)
	}
	if t.life <= now {
		c.lifeDue(now)
	}
	if t.idle <= now {
		c.idleDue(now)
	}
	return c.raised()
}

// ackDue is the end of the delayed acknowledgment's patience: the user does not
// answer soon, so that the next ones are not waited for so long.
func (c *Conn) ackDue() {
	if c.acks.need == ackDelayed {
		c.acks.now()
		c.acks.talks = false
		c.acks.delay = minDelayedACK
	}
}

// earlyDue finds losses by time, or asks by a tail loss probe.
func (c *Conn) earlyDue(now time.Duration) {
	tail := c.timers.tail
	c.timers.early, c.timers.tail = Never, false
	if tail {
		c.owed.tail = true
		// RFC 8985 §7.3: the sender MUST re-arm the RTO timer.
		c.armRTO(now)
		return
	}
	c.detectLoss(now)
}

// lifeDue is the keep-alive's, or the end of a state.
func (c *Conn) lifeDue(now time.Duration) {
	c.timers.life = Never
	switch {
	case c.state == TimeWait:
		c.finish(now, "2 MSL are over")
	case c.state == FinWait2 && c.read == userClosed:
		c.finish(now, "FIN-WAIT-2 is over")
	case c.established():
		c.keepAliveDue(now)
	}
}

// schedule is Output's end: it sets the timers that follow from what was sent.
func (c *Conn) schedule(now time.Duration) {
	t := &c.timers
	if t.fresh {
		t.fresh = false
		if t.early == Never || t.tail {
			c.armTail(now)
		}
	}
	if t.rto == Never && c.runs.n == 0 && c.established() && c.waiting() {
		// Nothing is under way whose ACK could tell of a window.
		if t.asked == 0 {
			t.since = now
		}
		c.armRTO(now)
		c.timerHook(now, "zero window", t.rto)
	}
	if c.acks.need == ackDelayed && t.ack == Never {
		t.ack = now + c.acks.wait(c.rtt.smoothed)
	}
	if t.idle == Never && c.spare() != (spare{}) {
		t.idle = now + idleRings
	}
}

// idleDue gives back the memory of a connection that was not used for a while.
func (c *Conn) idleDue(now time.Duration) {
	t := &c.timers
	t.idle = Never
	if used := max(c.snd.usedAt, c.acks.lastIn); now-used < idleRings {
		t.idle = used + idleRings
		return
	}
	have := c.spare()
	if have.send {
		c.snd.ring.buf = nil
	}
	if have.recv {
		c.rcv.ring.buf, c.rcv.islands = nil, nil
	}
	if have.runs {
		c.runs.ring = nil
	}
}

// spare says which rings hold nothing but memory.
type spare struct{ send, recv, runs bool }

func (c *Conn) spare() spare {
	return spare{
		send: c.snd.ring.buf != nil && c.snd.ring.n == 0 && !c.snd.reserved,
		recv: c.rcv.ring.buf != nil && c.unread() == 0 && len(c.rcv.islands) == 0,
		runs: c.runs.ring != nil && c.runs.n == 0,
	}
}
