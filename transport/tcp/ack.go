package tcp

import "time"

// An ackPolicy decides when an acknowledgment goes out that no data carries: at once
// in the beginning and when something is wrong, else for every second segment, or
// after a delay that follows the peer's pace (RFC 9293 §3.8.6.3, as Linux does it).
type ackPolicy struct {
	need   ackNeed
	quick  uint8         // acknowledgments that go out at once
	pushed uint8         // segments less than full since the last acknowledgment, up to two
	talks  bool          // the user answers what it reads: data will carry the acknowledgment
	delay  time.Duration // adapted to the peer's pace; 0: no data yet
	lastIn time.Duration // when data, or in its absence any segment, came last
	heard  time.Duration // when any segment came last
	oddAt  time.Duration // when a segment out of order in time was answered last
}

type ackNeed uint8

const (
	ackNone ackNeed = iota
	ackDelayed
	ackNow
)

const (
	minDelayedACK = 40 * time.Millisecond
	// RFC 9293 §3.8.6.3, MUST-40: the delay MUST be less than 0.5 seconds.
	maxDelayedACK = 200 * time.Millisecond
	maxQuickACKs  = 16
	// Segments that cannot be ours are answered this rarely, so that two ends that
	// take one another's for such do not answer forever (RFC 5961 §7, as Linux).
	oddInterval = 500 * time.Millisecond
)

// came adapts the delay to the time between arrivals of data.
func (a *ackPolicy) came(now time.Duration, window int, mss uint16, rto time.Duration) {
	gap := now - a.lastIn
	switch {
	case a.delay == 0:
		a.hurry(window, mss)
		a.delay = minDelayedACK
	case gap <= minDelayedACK/2:
		a.delay = a.delay/2 + minDelayedACK/2
	case gap < a.delay:
		a.delay = min(a.delay/2+gap, rto)
	case gap > rto:
		// The peer has paused, and may be waiting for its window to grow again.
		a.hurry(window, mss)
	}
	a.lastIn = now
}

// hurry lets the next acknowledgments go at once: a peer in slow start counts them.
func (a *ackPolicy) hurry(window int, mss uint16) {
	a.quick = max(a.quick, uint8(min(max(window/(2*int(mss)), 2), maxQuickACKs)))
}

// again follows what has come twice: the peer has not had our acknowledgments, and is
// to have the next ones soon.
func (a *ackPolicy) again(window int, mss uint16) {
	a.hurry(window, mss)
	a.talks, a.delay = false, minDelayedACK
}

// now asks for an acknowledgment at once.
func (a *ackPolicy) now() { a.need = ackNow }

// soon asks for one that may be delayed, unless early ones are due anyway; unacked is
// how many bytes have not been acknowledged.
// RFC 9293 §3.8.6.3, SHLD-19: an ACK SHOULD be generated for at least every second
// full-sized segment.
func (a *ackPolicy) soon(unacked int, mss uint16) {
	switch {
	case unacked > int(mss), a.quick > 0 && !a.talks:
		a.need = ackNow
	case a.need == ackNone:
		a.need = ackDelayed
	}
}

// read acknowledges at once what the user has read to its end, if no answer of the
// user's is to be expected, or more than one segment waits, as Linux.
func (a *ackPolicy) read(unacked int, mss uint16) {
	if a.need == ackDelayed && (unacked > int(mss) || a.pushed > 1 || a.pushed > 0 && !a.talks) {
		a.need = ackNow
	}
}

// wait is how long a delayed acknowledgment may wait, given the round trip.
func (a *ackPolicy) wait(smoothed time.Duration) time.Duration {
	most := maxDelayedACK
	if smoothed > 0 {
		most = min(max(smoothed, minDelayedACK), most)
	}
	return min(max(a.delay, minDelayedACK), most)
}

// sent says that an acknowledgment went out; data that it was on data.
func (a *ackPolicy) sent(now time.Duration, data bool) {
	if a.need != ackNone && a.quick > 0 {
		a.quick--
	}
	a.need, a.pushed = ackNone, 0
	if data && a.delay > 0 && now-a.lastIn < a.delay {
		a.talks = true
	}
}

// odd says whether a segment that cannot be ours may be answered now.
func (a *ackPolicy) odd(now time.Duration) bool {
	if a.oddAt != 0 && now-a.oddAt < oddInterval {
		return false
	}
	a.oddAt = max(now, 1)
	return true
}
