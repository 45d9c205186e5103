package tcp

import (
	"math"
	"time"
)

// Constants of RFC 9438 §4.6, §5: how far a loss takes the window down, and how fast
// it comes back, in segments per second cubed.
const (
	cubicBeta = 0.7
	cubicC    = 0.4
)

// A cubic is CUBIC's congestion avoidance (RFC 9438): the window follows a cubic of
// the time since the last loss, flat where that happened.
//
//	W_max ─────────────────··─·──·──·─··      ·
//	                ··                     ·
//	           ··                       probing for more
//	 cwnd   ··
//	after a loss          K
type cubic struct {
	now   cubicEpoch
	prior cubicEpoch // to go back to when the loss turns out to be none (§4.9)
}

// A cubicEpoch is a stretch of congestion avoidance; windows are in segments.
type cubicEpoch struct {
	wMax    float64       // the window at the last loss
	k       float64       // seconds from the start until wMax is reached again
	wEst    float64       // what Reno's window would be
	cwndOld float64       // cwnd_prior: above it, wEst grows as Reno does
	start   time.Duration // when it began
	part    float64       // of a byte, still to be added to the window
	running bool
}

// begin starts an epoch (§4.2): K is the time the curve takes back to W_max.
func (e *cubicEpoch) begin(now time.Duration, cwnd float64) {
	e.start, e.running = now, true
	e.wEst = cwnd
	if e.wMax <= cwnd {
		// §4.8, §4.10: out of slow start there is no W_max to come back to.
		e.wMax, e.k = cwnd, 0
		return
	}
	// §4.2: K = cbrt((W_max - cwnd_epoch) / C).
	e.k = math.Cbrt((e.wMax - cwnd) / cubicC)
}

// at is the curve t seconds after the epoch's start.
// §4.2: W_cubic(t) = C * (t - K)³ + W_max.
func (e *cubicEpoch) at(t float64) float64 {
	d := t - e.k
	return float64(cubicC*d*d*d) + e.wMax // in two steps on every processor: a run can be repeated
}

func (c *cubic) avoid(w *congestionWindow, now, rtt time.Duration, n int32) {
	e := &c.now
	mss := float64(w.mss)
	cwnd := float64(w.cwnd) / mss
	if !e.running {
		e.begin(now, cwnd)
	}
	segments := float64(n) / mss
	e.reno(segments, cwnd)
	t := (now - e.start).Seconds()
	grown := 0.0
	if e.at(t) < e.wEst {
		// §4.3: where W_cubic(t) is less than W_est, cwnd SHOULD be set to W_est.
		grown = e.wEst - cwnd
	} else {
		// §4.2: target is W_cubic(t + RTT), at least cwnd and at most 1.5 cwnd;
		// §4.4, §4.5: cwnd grows by (target - cwnd) / cwnd for each segment.
		target := min(max(e.at(t+rtt.Seconds()), cwnd), 1.5*cwnd)
		grown = float64((target - cwnd) / cwnd * segments)
	}
	// No faster than slow start would: an ACK of n bytes adds n at most.
	e.part += min(max(grown*mss, 0), float64(n))
	whole := math.Floor(e.part)
	e.part -= whole
	w.cwnd += int32(whole)
}

// reno advances the window that Reno would have.
// §4.3: W_est = W_est + alpha_cubic * segments_acked / cwnd.
func (e *cubicEpoch) reno(segments, cwnd float64) {
	alpha := 3 * (1 - cubicBeta) / (1 + cubicBeta)
	if e.wEst >= e.cwndOld {
		alpha = 1
	}
	e.wEst += alpha * segments / cwnd
}

func (c *cubic) reduce(w *congestionWindow, timeout bool) int32 {
	c.prior = c.now
	cwnd := float64(w.cwnd) / float64(w.mss)
	last := c.now.wMax
	c.now = cubicEpoch{wMax: cwnd, cwndOld: cwnd}
	// §4.7, fast convergence: who loses below the last W_max makes room for others.
	if cwnd < last {
		c.now.wMax = cwnd * (1 + cubicBeta) / 2
	}
	// §4.8: after a timeout, K is 0 and W_max the window where avoidance begins.
	if timeout {
		c.now.wMax = 0
	}
	// §4.6: ssthresh = flight_size * beta_cubic, at least 2 segments.
	return w.part(cubicBeta)
}

func (c *cubic) undo() { c.now = c.prior }

// §4.2, §5.8: time in which the application sent too little is not the curve's.
func (c *cubic) idle(d time.Duration) {
	if c.now.running {
		c.now.start += d
	}
}
