package tcp

import (
	"testing"
	"time"
)

func TestRTOFollowsRoundTrips(t *testing.T) {
	const ms = time.Millisecond
	var r rttEstimator
	if got := r.rto(); got != time.Second { // RFC 6298 §2.1
		t.Errorf("without a sample the timeout is %v", got)
	}
	r.sample(100*ms, 0, 100) // §2.2: SRTT + 4 * R/2
	if got := r.rto(); got != 300*ms {
		t.Errorf("after a sample of 100 ms it is %v, want 300 ms", got)
	}
	for i := range Seq(1000) {
		r.sample(100*ms, 100*i, 100*i+100)
	}
	if got := r.rto(); got < 300*ms || got > 301*ms { // Linux: 200 ms above SRTT
		t.Errorf("on a steady path it is %v, want 300 ms", got)
	}
	r.sample(500*ms, 0, 0)
	if got := r.rto(); got < 450*ms {
		t.Errorf("after a late one it is %v", got)
	}
	if got := r.backedOff(30); got != maxRTO {
		t.Errorf("backed off 30 times it is %v", got)
	}
	if got, want := r.backedOff(1), 2*r.rto(); got != want {
		t.Errorf("backed off it is %v, want %v", got, want)
	}
}

func TestShortestRoundTripAges(t *testing.T) {
	var r rttEstimator
	r.shortest(time.Second, 10*time.Millisecond)
	r.shortest(2*time.Second, 20*time.Millisecond)
	if r.least != 10*time.Millisecond {
		t.Errorf("the least is %v", r.least)
	}
	r.shortest(302*time.Second, 20*time.Millisecond)
	if r.least != 20*time.Millisecond {
		t.Errorf("after five minutes the least is still %v", r.least)
	}
}
