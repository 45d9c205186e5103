package tcp

import "time"

// Bounds of the retransmission timeout. Where RFC 6298 §2.4 asks for a second at
// least, Linux has long shown that 200 ms will do: delayed acknowledgments are faster.
const (
	minRTO     = 200 * time.Millisecond
	firstRTO   = time.Second       // RFC 6298 §2.1
	maxRTO     = 120 * time.Second // RFC 6298 §2.5: at least 60 s
	lostSynRTO = 3 * time.Second   // RFC 6298 §5.7
	minRTTSpan = 300 * time.Second // for how long the least round trip is held for true
)

// An rttEstimator smooths round-trip times (RFC 6298 §2), with Linux's variance: many
// samples in one round trip must not narrow it, and a faster path must not widen it.
type rttEstimator struct {
	smoothed  time.Duration // SRTT; 0: no sample yet
	deviation time.Duration // of single samples
	worst     time.Duration // the largest deviation in this round trip
	variance  time.Duration // RTTVAR, of which 4 make the timeout
	round     Seq           // when this is acknowledged, a round trip is over
	slow      bool          // the SYN was lost: the first timeout is longer

	least   time.Duration // RTT_min, for loss detection (RFC 8985 §6.2)
	leastAt time.Duration // when it was measured
}

// sample takes in a round trip: una and nxt are SND.UNA and SND.NXT now.
func (r *rttEstimator) sample(rtt time.Duration, una, nxt Seq) {
	rtt = max(rtt, time.Microsecond)
	if r.smoothed == 0 {
		// RFC 6298 §2.2: SRTT <- R, RTTVAR <- R/2.
		r.smoothed, r.deviation = rtt, rtt/2
		r.variance = max(r.deviation, minRTO/4)
		r.worst, r.round = r.variance, nxt
		return
	}
	// RFC 6298 §2.3: RTTVAR <- (1 - 1/4) * RTTVAR + 1/4 * |SRTT - R'|.
	err := rtt - r.smoothed
	gain := time.Duration(4)
	if err < 0 && -err > r.deviation {
		gain = 32 // the path has become faster: no reason to wait longer
	}
	r.deviation += (max(err, -err) - r.deviation) / gain
	// RFC 6298 §2.3: SRTT <- (1 - 1/8) * SRTT + 1/8 * R'.
	r.smoothed += err / 8
	r.worst = max(r.worst, r.deviation)
	r.variance = max(r.variance, r.worst)
	if r.round.Less(una) {
		// Once in a round trip the variance may fall, to the worst of that.
		r.variance -= (r.variance - r.worst) / 4
		r.worst, r.round = minRTO/4, nxt
	}
}

// shortest takes in the round trip of the newest segment that arrived, which no
// delayed acknowledgment of earlier ones has made longer.
func (r *rttEstimator) shortest(now, rtt time.Duration) {
	if r.least == 0 || rtt <= r.least || now-r.leastAt > minRTTSpan {
		r.least, r.leastAt = rtt, now
	}
}

// rto is the retransmission timeout before any back-off: SRTT and four times the
// variance, which Linux holds at 200 ms or more (RFC 6298 §2.3, §2.4).
func (r *rttEstimator) rto() time.Duration {
	switch {
	case r.smoothed > 0:
	case r.slow: // RFC 6298 §5.7: if the SYN was sent again, RTO MUST be 3 seconds
		return lostSynRTO
	default:
		return firstRTO
	}
	return min(r.smoothed+4*r.variance, maxRTO)
}

// backedOff is the timeout after n of them in a row.
// RFC 6298 §5.5: the host MUST set RTO <- RTO * 2.
func (r *rttEstimator) backedOff(n uint8) time.Duration {
	return min(r.rto()<<min(n, 20), maxRTO)
}
