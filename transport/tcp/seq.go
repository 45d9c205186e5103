package tcp

// Seq is a sequence number: a point on a circle of 2³² (RFC 9293 §3.4).
type Seq uint32

// A sequence number has no first and no last: of two that are less than half the
// circle apart, the earlier is the one from which the way to the other is shorter
// clockwise (RFC 9293 §3.4).
//
//	       0 = 2³²
//	     ·    ·
//	   s        ·      s.Less(t): t.Sub(s) is positive
//	   ·        t      t.Less(s): no
//	     ·    ·
//
// Exactly opposite ones are each less than the other; no window reaches so far.

// Less says whether s comes before t.
func (s Seq) Less(t Seq) bool { return int32(s-t) < 0 }

// LessEq says whether s is t or comes before it.
func (s Seq) LessEq(t Seq) bool { return int32(s-t) <= 0 }

// Add goes n bytes ahead, or back where n is negative.
func (s Seq) Add(n int) Seq { return s + Seq(n) }

// Sub is how many bytes s is ahead of t; negative where it is behind.
func (s Seq) Sub(t Seq) int { return int(int32(s - t)) }

// In says whether s lies in the half-open arc from first to end, which may be longer
// than half the circle; the arc from a number to itself is empty.
func (s Seq) In(first, end Seq) bool { return s-first < end-first }
