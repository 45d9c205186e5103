package tcp

import "time"

// A congestion window and the threshold below which it grows by slow start, in bytes
// (RFC 5681 §2).
type congestionWindow struct {
	cwnd     int32
	ssthresh int32
	mss      int32 // SMSS: bytes of data in a full segment
	acked    int32 // in congestion avoidance: bytes acknowledged since cwnd grew last
}

const unlimited = 1<<31 - 1

// maxWindow keeps a window within what a peer can ever offer.
const maxWindow = maxBuffer

// A congestionControl sets the window when the connection is out of slow start.
type congestionControl interface {
	// avoid grows the window for n bytes acknowledged in congestion avoidance.
	avoid(w *congestionWindow, now, rtt time.Duration, n int32)
	// reduce is the slow start threshold after a loss now; timeout says that it was
	// the retransmission timer that found it.
	reduce(w *congestionWindow, timeout bool) int32
	// undo takes back the last reduce: nothing had been lost.
	undo()
	// idle says that the window was not used for a while, so that it did not grow.
	idle(d time.Duration)
}

// grow takes n newly acknowledged bytes of a window that was in use.
func (w *congestionWindow) grow(cc congestionControl, now, rtt time.Duration, n int32) {
	if w.cwnd < w.ssthresh {
		n = w.slowStart(n)
	}
	if n > 0 {
		cc.avoid(w, now, rtt, n)
	}
	w.cwnd = min(w.cwnd, maxWindow)
}

// slowStart grows the window to the threshold, and returns what is left for
// congestion avoidance.
// RFC 5681 §3.1: during slow start, a TCP increments cwnd by at most SMSS bytes for
// each ACK. Linux counts the bytes alone, as peers may acknowledge many segments at
// once (RFC 3465 without its limit L).
func (w *congestionWindow) slowStart(n int32) (left int32) {
	grown := min(n, w.ssthresh-w.cwnd)
	w.cwnd += grown
	return n - grown
}

// additive grows the window by one segment for every n bytes that are acknowledged.
func (w *congestionWindow) additive(acked, n int32) {
	w.acked += acked
	if w.acked >= n {
		w.acked -= n
		w.cwnd += w.mss
	}
}

// part is that part of the window which is a slow start threshold after a loss: two
// segments at least, and whole ones, as Linux counts.
func (w *congestionWindow) part(beta float64) int32 {
	return max(int32(float64(w.cwnd/w.mss)*beta), 2) * w.mss
}

// restart takes a window that nothing was sent in for d down to the initial one, by
// half for every timeout that passed.
// RFC 5681 §4.1: a TCP SHOULD set cwnd to no more than RW before it begins
// transmission, if it has not sent data in an interval exceeding the RTO.
func (w *congestionWindow) restart(d, rto time.Duration) {
	w.ssthresh = max(w.ssthresh, w.cwnd/4*3)
	least := min(initialWindow(w.mss), w.cwnd)
	for d -= rto; d > 0 && w.cwnd > least; d -= rto {
		w.cwnd /= 2
	}
	w.cwnd = max(w.cwnd, least)
}

// initialWindow is ten segments (RFC 6928 §2, without its limit of 14,600 bytes, as
// Linux).
func initialWindow(mss int32) int32 { return 10 * mss }

// newReno is the congestion avoidance of RFC 5681.
type newReno struct{}

// RFC 5681 §3.1: cwnd grows by about one segment for every window acknowledged.
func (newReno) avoid(w *congestionWindow, _, _ time.Duration, n int32) { w.additive(n, w.cwnd) }

// RFC 5681 §3.1: ssthresh = max(FlightSize / 2, 2*SMSS). The window stands for the
// flight: it only grows while it is in use.
func (newReno) reduce(w *congestionWindow, _ bool) int32 { return w.part(0.5) }

func (newReno) undo()              {}
func (newReno) idle(time.Duration) {}
