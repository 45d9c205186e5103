package tcp

import "time"

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
	t.backoff = min(t.backoff, 250) + 1
	if c.established() {
		c.timedOut(now)
	} else {
		c.sendAgain(0)
	}
	c.armRTO(now)
	c.timerHook(now, "retransmission", t.rto)
}

// synOr is the timeout d, but for the first SYNs: those go out a second apart, as
// Linux's, where RFC 6298 §5.5 doubles from the first.
func (c *Conn) synOr(d time.Duration) time.Duration {
	if c.state != SynSent {
		return d
	}
	return min(firstRTO<<max(int(c.timers.backoff)-linearTries, 0), maxRTO)
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

// armRTO starts the timer anew, within the user timeout (RFC 5482).
func (c *Conn) armRTO(now time.Duration) {
	t := &c.timers
	doubled := t.backoff
	if c.runs.n == 0 {
		doubled = t.asked
	}
	t.rto = now + c.synOr(c.rtt.backedOff(doubled))
	if t.limit > 0 {
		t.rto = max(min(t.rto, t.since+t.limit), now)
	}
}

// rearm follows an acknowledgment. The timeout stays backed off until a round trip has
// been measured again (RFC 6298 §5, Karn).
// RFC 6298 §5.2, §5.3: when all is acknowledged, turn the timer off; when new data is,
// restart it.
func (c *Conn) rearm(now time.Duration, advanced bool) {
	t := &c.timers
	switch {
	case c.runs.n == 0:
		t.rto, t.early = Never, Never
	case advanced:
		c.armRTO(now)
	}
	if advanced {
		t.fresh = true // a tail loss probe is scheduled anew
	}
}
