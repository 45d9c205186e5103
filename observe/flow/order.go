package flow

import "dialtone/transport/tcp"

// farAhead is more than any window: numbers so far from the expected ones are not of
// this connection.
const farAhead = 1 << 30

// sequence judges the segment's own numbers: new, beyond a hole, or below what was
// seen already.
func (st *step) sequence() {
	me := st.me
	ahead := st.seq.Sub(me.nxt)
	switch {
	case ahead > farAhead || ahead < -farAhead:
	case st.has(tcp.SYN) && st.has(tcp.ACK) && me.synSeen && !st.c.open.accepted[st.from]:
		// In a simultaneous open the SYN comes again, now with an ACK: not for a loss.
	case st.asks():
	case ahead > 0:
		me.holes.add(me.nxt, &st.segment)
		me.nxt = st.seq
		st.fresh()
	case st.size() == 0:
	case ahead == 0:
		st.fresh()
	default:
		st.below()
	}
}

// fresh takes in numbers that are the next ones.
func (st *step) fresh() {
	if st.size() == 0 {
		return
	}
	switch e := st.me.spoiled; {
	case e.frame != 0 && e.seq.Less(st.end) && st.seq.Less(e.end):
		f := Finding{Frames: [2]int64{e.frame}, Values: [4]int64{int64(st.len), st.now - e.time}}
		st.resent(RuleSpoiled, f, e.time, e.frame)
		st.me.spoiled = sent{}
	case st.idStep > 1 && st.skipped():
	default:
		st.keep(0)
	}
	st.mine().Bytes += int64(st.len)
	st.me.nxt = st.end
}

// keep remembers the segment in the history of its end.
func (st *step) keep(m marks) {
	me := st.me
	if st.stamped {
		m |= markStamped
	}
	s := me.sent.push(st.budget) // field by field: see segment.load
	s.time, s.frame, s.seq, s.end = st.now, st.frame, st.seq, st.end
	s.val, s.id, s.sum, s.marks = st.val, st.id, st.sum, m
	me.dataTime, me.dataFrame = st.now, st.frame
	me.size = max(me.size, st.len)
}

// below judges numbers below the next one. They fill a hole, or were seen before.
func (st *step) below() {
	me := st.me
	end := earlier(st.end, me.nxt)
	first, missing := me.holes.find(st.seq, end)
	if missing == end.Sub(st.seq) {
		st.fills(&first)
	} else {
		st.repeats()
	}
	if missing > 0 {
		me.holes.fill(st.seq, end)
	}
	if me.nxt.Less(st.end) {
		missing += st.end.Sub(me.nxt)
		me.nxt = st.end
	}
	st.mine().Bytes += int64(min(missing, st.len))
}

// fills judges a segment that fills the hole h, or a part of it. Either it was sent
// before the segment that skipped it, and overtaken; or it was sent again, and the
// first copy was lost before it came here. The evidence, strongest first:
//
//  1. timestamps: the sender's clock does not run backwards;
//  2. IP IDs, where the sender counts them up;
//  3. the same timestamp, where a round trip takes longer than any clock's tick;
//  4. time: nobody can ask for something and be answered in less than a round trip;
//  5. without asking only a timeout sends again.
func (st *step) fills(h *hole) {
	me, waited := st.me, st.now-h.time
	byID := st.id != 0 && h.id != 0 && me.ids.trusted()
	least := st.c.least()
	asked := me.asked.frame > h.frame
	f := Finding{Frames: [2]int64{h.frame}, Values: [4]int64{waited, least}}
	switch {
	case st.stamped && h.stamped && st.val != h.val:
		f.Values = [4]int64{int64(st.val), int64(h.val)}
		st.overtakenOrAgain(int32(st.val-h.val) < 0, RuleOlderTimestamp, RuleNewerTimestamp, f, h)
	case byID && st.id != h.id:
		f.Values = [4]int64{int64(st.id), int64(h.id)}
		st.overtakenOrAgain(int16(st.id-h.id) < 0, RuleOlderID, RuleNewerID, f, h)
	case st.stamped && h.stamped && least > slowTick:
		st.overtakenOrAgain(true, RuleSameTick, RuleNone, f, h)
	case waited < least:
		st.overtakenOrAgain(true, RuleTooSoon, RuleNone, f, h)
	case asked:
		f.Frames[1] = me.asked.frame
		st.overtakenOrAgain(false, RuleNone, RuleAfterRTT, f, h)
	default:
		f.Values[1] = st.c.timeout(st.from)
		st.overtakenOrAgain(waited < f.Values[1]*9/10, RuleNotAsked, RuleAfterTimeout, f, h)
	}
}

// slowTick is that of the slowest timestamp clock in use (RFC 7323 §5.4 allows a
// second; systems tick every 1, 4 or 10 ms).
const slowTick = 10e6

// overtakenOrAgain labels what fills hole h by the rule of the verdict.
func (st *step) overtakenOrAgain(overtaken bool, older, newer Rule, f Finding, h *hole) {
	if overtaken {
		st.find(LabelOutOfOrder, older, f)
		st.mine().OutOfOrder++
		st.keep(markAgain)
		return
	}
	st.resent(newer, f, h.time, h.frame)
}

// repeats judges a segment with numbers that were seen: a copy, the first copy that
// comes after the second, or a retransmission.
func (st *step) repeats() {
	e, same := st.me.sent.twin(st)
	switch {
	case same:
		f := Finding{Frames: [2]int64{e.frame}, Values: [4]int64{st.now - e.time}}
		st.find(LabelDuplicate, RuleSameBytes, f)
		if st.id != 0 && st.id == e.id {
			n := &st.event.Findings[len(st.event.Findings)-1]
			n.Rule, n.Values[0] = RuleSameID, int64(st.id)
		}
	case st.sentBefore(e):
		st.late(e)
	default:
		rule, f := RuleSeenBefore, Finding{Values: [4]int64{int64(st.len)}}
		if st.len == 0 {
			rule = RuleSeenControl
		}
		since, of := st.me.dataTime, st.me.dataFrame
		if e != nil {
			f.Frames[0], f.Values[1] = e.frame, st.now-e.time
			since, of = e.time, e.frame
		}
		st.resent(rule, f, since, of)
		st.needless()
	}
}

// sentBefore reports whether the segment was sent before e, the newest that brought
// its bytes, or, where that is forgotten, before the newest of all.
func (st *step) sentBefore(e *sent) bool {
	me := st.me
	switch {
	case e == nil:
		return st.order == orderOlder || st.stamped && me.clock.seen && int32(st.val-me.clock.max) < 0
	case st.stamped && e.marks&markStamped != 0 && st.val != e.val:
		return int32(st.val-e.val) < 0
	case st.id != 0 && e.id != 0 && me.ids.trusted():
		return int16(st.id-e.id) < 0
	}
	return false
}

// late labels a first copy that comes after e, the second: so that one was needless.
func (st *step) late(e *sent) {
	f := Finding{}
	if e != nil {
		f.Frames[0] = e.frame
	}
	st.find(LabelOutOfOrder, RuleOvertakenByCopy, f)
	st.mine().OutOfOrder++
	if e != nil && e.marks&markSpurious == 0 {
		st.spurious(st.mine(), e, RuleLateOriginal, Finding{Frames: [2]int64{st.frame}})
	}
}

// skipped judges a segment with the next numbers whose IP ID is not the next: packets
// of this end are missing that brought no other numbers. Where the end has nothing to
// acknowledge, counts its IDs strictly, and paused for longer than a round trip, the
// missing packets brought these same bytes, at the tail, where no later segment shows
// the hole. If so, the segment is labelled and kept.
func (st *step) skipped() bool {
	me, pause := st.me, st.now-st.me.dataTime
	if me.size == 0 || !me.ids.counts() || me.supers || me.lastAck != st.ack || st.other.nxt != st.ack {
		return false
	}
	gap := 0
	if n := len(me.holes); n > 0 && me.holes[n-1].end == st.seq {
		gap = (st.seq.Sub(me.holes[n-1].seq) + me.size - 1) / me.size
	}
	missing := st.idStep - 1 - gap
	if missing < 1 || pause < st.c.smooth() || st.c.smooth() == 0 {
		return false
	}
	f := Finding{Frames: [2]int64{me.dataFrame}, Values: [4]int64{int64(missing), pause}}
	st.resent(RuleSkippedID, f, me.dataTime, me.dataFrame)
	return true
}
