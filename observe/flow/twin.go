package flow

// sameID returns the kept segment that has the numbers and the IP ID of s.
func (h *history) sameID(s *segment) *sent {
	for i := h.tail; i != h.head; {
		i--
		if e := h.at(i); e.seq == s.seq && e.end == s.end && e.id == s.id {
			return e
		}
	}
	return nil
}

// twin returns the kept segment that is the same packet as the step's; or else the
// newest that has any of its numbers, nil for none.
func (h *history) twin(st *step) (e *sent, same bool) {
	for i := h.tail; i != h.head; {
		i--
		s := h.at(i)
		if !s.seq.Less(st.end) || !st.seq.Less(s.end) {
			continue
		}
		if s.seq == st.seq && s.end == st.end && st.twinOf(s) {
			return s, true
		}
		if e == nil {
			e = s
		}
	}
	return e, false
}

// twinOf reports whether the segment and s, which have the same numbers, are the same
// packet. An IP ID decides where both have one. Else, with the same timestamp and
// checksum, the sender would have to send both in one tick, and nobody would have had
// the time to ask for the second.
func (st *step) twinOf(s *sent) bool {
	stamped := st.stamped && s.marks&markStamped != 0
	switch {
	case stamped && st.val != s.val || st.sum != s.sum:
		return false
	case st.id != 0 && s.id != 0 && st.me.ids.unique():
		return st.id == s.id
	case st.sum == 0:
		return false
	}
	asked := st.me.asked.frame > s.frame
	if stamped {
		return !asked || st.c.least() > slowTick
	}
	return !asked && st.now-s.time < max(st.c.least(), minTwin)
}

// minTwin is within which a copy comes where no round trip is known.
const minTwin = 1e6
