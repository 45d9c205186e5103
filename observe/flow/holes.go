package flow

import "dialtone/transport/tcp"

// hole is a range of numbers that a segment skipped: they were not seen yet, though
// higher ones were.
type hole struct {
	seq, end    tcp.Seq
	time, frame int64  // of the segment that skipped it
	val         uint32 // its timestamp
	id          uint16 // its IP ID
	stamped     bool
}

// holes are those of one end, the lowest number first. What is below the end's nxt
// and in no hole has been seen.
type holes []hole

// mostHoles bounds them; of more the lowest is forgotten, as if it had been seen.
const mostHoles = 1024

// add notes that s skipped everything from nxt.
func (hs *holes) add(nxt tcp.Seq, s *segment) {
	if len(*hs) == mostHoles {
		*hs = append((*hs)[:0], (*hs)[1:]...)
	}
	*hs = append(*hs, hole{nxt, s.seq, s.now, s.frame, s.val, s.id, s.stamped})
}

// find returns the first hole that has any of the numbers from seq to end, and how
// many of these lie in holes. The hole is a copy.
func (hs holes) find(seq, end tcp.Seq) (first hole, missing int) {
	for i := range hs {
		h := &hs[i]
		if end.LessEq(h.seq) {
			break
		}
		lo, hi := later(seq, h.seq), earlier(end, h.end)
		if !lo.Less(hi) {
			continue
		}
		if missing == 0 {
			first = *h
		}
		missing += hi.Sub(lo)
	}
	return first, missing
}

// fill takes the numbers from seq to end out of the holes.
func (hs *holes) fill(seq, end tcp.Seq) {
	for i := 0; i < len(*hs); i++ {
		h := &(*hs)[i]
		switch {
		case end.LessEq(h.seq):
			return
		case h.end.LessEq(seq):
		case seq.LessEq(h.seq) && h.end.LessEq(end): // all of it
			*hs = append((*hs)[:i], (*hs)[i+1:]...)
			i--
		case seq.LessEq(h.seq):
			h.seq = end
		case h.end.LessEq(end):
			h.end = seq
		case len(*hs) == mostHoles: // the middle, and no room for two: the higher part goes
			h.end = seq
		default:
			upper := *h
			upper.seq, h.end = end, seq
			*hs = append(*hs, hole{})
			copy((*hs)[i+2:], (*hs)[i+1:])
			(*hs)[i+1] = upper
			return
		}
	}
}

// below takes out what lies below ack, and returns how many numbers that were.
func (hs *holes) below(ack tcp.Seq) (n int) {
	gone := 0
	for i := range *hs {
		h := &(*hs)[i]
		if ack.LessEq(h.seq) {
			break
		}
		n += earlier(ack, h.end).Sub(h.seq)
		if ack.Less(h.end) {
			h.seq = ack
			break
		}
		gone++
	}
	if gone > 0 {
		*hs = append((*hs)[:0], (*hs)[gone:]...)
	}
	return n
}

func later(a, b tcp.Seq) tcp.Seq {
	if a.Less(b) {
		return b
	}
	return a
}

func earlier(a, b tcp.Seq) tcp.Seq {
	if a.Less(b) {
		return a
	}
	return b
}
