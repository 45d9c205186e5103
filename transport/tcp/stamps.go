package tcp

import "time"

// timestamps are those of RFC 7323 §3: a clock of milliseconds, as Linux's.
type timestamps struct {
	offset   uint32
	recent   uint32        // TS.Recent: what is echoed
	recentAt time.Duration // when it came
	wanted   bool          // offered, or to be offered
	on       bool          // both ends have offered them
}

// stampsLen is what the option takes, with two NOPs (RFC 7323 appendix A).
const stampsLen = 12

// pawsIdle is how long TS.Recent is good for: a peer's clock may have gone half
// around since (RFC 7323 §5.5).
const pawsIdle = 24 * 24 * time.Hour

// val is TSval now.
func (t *timestamps) val(now time.Duration) uint32 {
	return t.offset + uint32(now/time.Millisecond)
}

// old says whether a segment's TSval is from the past.
// RFC 7323 §5.3 R1: if SEG.TSval < TS.Recent and TS.Recent is valid, the segment is
// not acceptable.
func (t *timestamps) old(now time.Duration, val uint32) bool {
	return int32(val-t.recent) < 0 && now-t.recentAt < pawsIdle
}

// see takes over the TSval of a segment that begins at seq.
// RFC 7323 §4.3 (2): if SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent, then
// SEG.TSval is copied to TS.Recent.
func (t *timestamps) see(now time.Duration, val uint32, seq, acked Seq) {
	if seq.LessEq(acked) && (int32(val-t.recent) >= 0 || now-t.recentAt >= pawsIdle) {
		t.recent, t.recentAt = val, now
	}
}
