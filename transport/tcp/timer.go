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
	maxSyns = 11
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
		c.timers.rto = now + c.rtt.backedOff(c.timers.backoff)
		return
	}
	c.detectLoss(now)
}

// rtoDue is the retransmission timer's, RFC 6298 §5.4 to §5.7, or the zero window's.
func (c *Conn) rtoDue(now time.Duration) {
	t := &c.timers
	t.rto = Never
	if c.runs.n == 0 {
		c.persistDue(now)
		return
	}
	if c.givesUp(now) {
		return
	}
	t.early, t.tail = Never, false
	c.owed.tail = false
	if t.backoff < 250 {
		t.backoff++
	}
	if c.established() {
		c.timedOut(now)
	} else {
		c.sendAgain(0)
	}
	t.rto = now + c.synOr(c.rtt.backedOff(t.backoff))
	c.bound(now)
	c.timerHook(now, "retransmission", t.rto)
}

// synOr is the timeout d, but for the first SYNs: those go out a second apart, as
// Linux's, where RFC 6298 §5.5 doubles from the first.
func (c *Conn) synOr(d time.Duration) time.Duration {
	if c.state != SynSent {
		return d
	}
	return firstRTO << max(int(c.timers.backoff)-linearTries, 0)
}

// givesUp ends a connection whose peer has not answered for too long (RFC 9293 §3.8.3).
func (c *Conn) givesUp(now time.Duration) bool {
	t := &c.timers
	most := uint8(maxTries)
	switch c.state {
	case SynSent:
		most = maxSyns
	case SynReceived:
		most = maxSynAcks
	}
	t.tries++
	if t.limit > 0 && now-t.since >= t.limit || t.limit == 0 && t.tries > most {
		c.timeoutError(now)
		return true
	}
	return false
}

// timeoutError ends the connection: by what ICMP said last, if it did.
func (c *Conn) timeoutError(now time.Duration) {
	err := errTimeout
	if c.rec.soft != nil {
		err = c.rec.soft
	}
	if c.state == SynReceived && c.passive {
		err = nil
	}
	c.fail(now, err, "no answer")
}

// bound keeps the next timeout within the user timeout (RFC 5482).
func (c *Conn) bound(now time.Duration) {
	if t := &c.timers; t.limit > 0 {
		t.rto = max(min(t.rto, t.since+t.limit), now)
	}
}

// persistDue asks a peer that has closed its window whether it is open again.
// RFC 9293 §3.8.6.1, MUST-37: as long as it answers, the connection MUST stay open.
func (c *Conn) persistDue(now time.Duration) {
	if c.givesUp(now) {
		return
	}
	if c.timers.backoff < 250 {
		c.timers.backoff++
	}
	c.count.probes++
	if c.snd.nxt.Less(c.snd.una.Add(int(c.snd.wnd))) {
		c.owed.over = true // §3.8.6.2.1: the override timeout
		return
	}
	c.owed.probe = true
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

// rearm follows an acknowledgment.
// RFC 6298 §5.2, §5.3: when all is acknowledged, turn the timer off; when new data is,
// restart it.
func (c *Conn) rearm(now time.Duration, advanced bool) {
	t := &c.timers
	switch {
	case c.runs.n == 0:
		t.rto, t.early = Never, Never
		t.backoff = 0
	case advanced:
		t.backoff = 0
		t.rto = now + c.rtt.rto()
		c.bound(now)
	}
	if advanced {
		t.fresh = true // a tail loss probe is scheduled anew
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
		t.rto = now + c.rtt.backedOff(t.backoff)
		if t.backoff == 0 {
			t.since = now
		}
		c.bound(now)
		c.timerHook(now, "zero window", t.rto)
	}
	if c.acks.need == ackDelayed && t.ack == Never {
		t.ack = now + c.acks.wait(c.rtt.smoothed)
	}
	if t.idle == Never && (c.snd.ring.buf != nil || c.rcv.ring.buf != nil || c.runs.ring != nil) {
		t.idle = now + idleRings
	}
}

// waiting says whether the user has something to send.
func (c *Conn) waiting() bool {
	end := c.snd.ring.end()
	return c.snd.nxt != end && c.snd.nxt != end+1 || c.snd.closed && c.snd.nxt == end
}

// idleDue gives back the memory of a connection that was not used for a while.
func (c *Conn) idleDue(now time.Duration) {
	t := &c.timers
	t.idle = Never
	if used := max(c.snd.usedAt, c.acks.lastIn); now-used < idleRings {
		t.idle = used + idleRings
		return
	}
	if c.snd.ring.n == 0 && !c.snd.reserved {
		c.snd.ring.buf = nil
	}
	if c.unread() == 0 && len(c.rcv.islands) == 0 {
		c.rcv.ring.buf, c.rcv.islands = nil, nil
	}
	if c.runs.n == 0 {
		c.runs.ring = nil
	}
}
