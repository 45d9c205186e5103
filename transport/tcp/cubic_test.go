package tcp

import (
	"math"
	"testing"
	"time"
)

// drive acknowledges whole windows, one each round trip, and returns the window in
// segments after the time.
func drive(w *congestionWindow, ctl congestionControl, from, to, rtt time.Duration) float64 {
	for now := from; now < to; now += rtt {
		left := w.cwnd
		for ; left > 0; left -= w.mss {
			w.grow(ctl, now, rtt, min(w.mss, left))
		}
	}
	return float64(w.cwnd) / float64(w.mss)
}

// TestCubicFollowsItsCurve is figure 1 and equation 1 of RFC 9438: on a long path the
// window is C(t-K)³ + W_max.
func TestCubicFollowsItsCurve(t *testing.T) {
	const rtt = 100 * time.Millisecond
	var c cubic
	w := congestionWindow{cwnd: 1000 * 1448, ssthresh: 2, mss: 1448}
	w.ssthresh = c.reduce(&w, false)
	w.cwnd = w.ssthresh
	if got := float64(w.cwnd) / 1448; math.Abs(got-700) > 1 {
		t.Fatalf("after a loss at 1000 the window is %v, want 700", got)
	}
	k := math.Cbrt(1000 * 0.3 / cubicC)
	for at := time.Second; at <= 15*time.Second; at += time.Second {
		got := drive(&w, &c, at-time.Second, at, rtt)
		d := at.Seconds() - k
		if want := cubicC*d*d*d + 1000; math.Abs(got-want) > 0.02*want {
			t.Errorf("after %v the window is %.0f, want %.0f", at, got, want)
		}
	}
}

// TestCubicIsFriendly: on a short path the window is no less than Reno's (§4.3).
func TestCubicIsFriendly(t *testing.T) {
	const rtt = 10 * time.Millisecond
	var c cubic
	w := congestionWindow{cwnd: 20 * 1448, mss: 1448}
	w.ssthresh = c.reduce(&w, false)
	w.cwnd = w.ssthresh
	got := drive(&w, &c, 0, time.Second, rtt)
	alpha := 3 * (1 - cubicBeta) / (1 + cubicBeta)
	if least := 14 + alpha*100*0.9; got < least {
		t.Errorf("after 100 round trips the window is %.1f, want %.1f at least", got, least)
	}
}

func TestCubicConvergesAndComesBack(t *testing.T) {
	var c cubic
	w := congestionWindow{cwnd: 100 * 1000, mss: 1000}
	c.reduce(&w, false)
	w.cwnd = 80 * 1000
	before := c.now
	c.reduce(&w, false)
	// §4.7: below the last W_max, W_max = cwnd * (1 + beta) / 2.
	if got := c.now.wMax; math.Abs(got-68) > 0.01 {
		t.Errorf("W_max is %v, want 68", got)
	}
	c.undo()
	if c.now != before {
		t.Errorf("after undo %+v, want %+v", c.now, before)
	}
	c.reduce(&w, true)
	if c.now.wMax != 0 {
		t.Errorf("after a timeout W_max is %v", c.now.wMax)
	}
}

func TestRenoGrowsBySegments(t *testing.T) {
	w := congestionWindow{cwnd: 10 * 1000, ssthresh: 10 * 1000, mss: 1000}
	if got := drive(&w, newReno{}, 0, 10*time.Millisecond, time.Millisecond); math.Abs(got-20) > 1 {
		t.Errorf("after ten round trips from 10 the window is %v, want 20", got)
	}
	if got := (newReno{}).reduce(&w, false); got != w.cwnd/2 {
		t.Errorf("ssthresh is %d, want half of %d", got, w.cwnd)
	}
	w.cwnd = 1000
	if got := (newReno{}).reduce(&w, false); got != 2000 {
		t.Errorf("ssthresh is %d, want two segments", got)
	}
}

func TestSlowStartEndsAtTheThreshold(t *testing.T) {
	w := congestionWindow{cwnd: 9500, ssthresh: 10000, mss: 1000}
	w.grow(newReno{}, 0, time.Millisecond, 1000)
	if w.cwnd != 10000 || w.acked != 500 {
		t.Errorf("the window is %d and %d over, want 10000 and 500", w.cwnd, w.acked)
	}
}

func TestIdleWindowRestarts(t *testing.T) {
	w := congestionWindow{cwnd: 100 * 1000, ssthresh: unlimited, mss: 1000}
	w.restart(3500*time.Millisecond, time.Second)
	if w.cwnd != 12500 {
		t.Errorf("after three timeouts the window is %d, want an eighth", w.cwnd)
	}
	w.restart(time.Hour, time.Second)
	if w.cwnd != 10000 {
		t.Errorf("after an hour the window is %d, want ten segments", w.cwnd)
	}
}
