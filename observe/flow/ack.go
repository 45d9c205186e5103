package flow

// acknowledge judges what the segment says of the other end's bytes.
func (st *step) acknowledge() {
	other := st.other
	ahead := st.ack.Sub(other.una)
	st.stale = st.bare() && (st.order == orderOlder || st.stamped && int32(st.val-st.me.clock.max) < 0)
	switch {
	case ahead > farAhead || ahead < -farAhead:
		return
	case ahead > 0:
		st.advances()
	case ahead < 0:
		st.overtakenACK()
		return
	case st.stale:
		st.find(LabelOutOfOrder, RuleOvertakenNews, Finding{Frames: [2]int64{st.me.lastFrame}})
		st.mine().OutOfOrder++
		return
	case st.answers():
		st.opensWindow()
	case st.bare():
		st.stands()
	}
	other.acked = true
	if st.sacks > 0 {
		st.selective()
	}
}

// advances takes in an acknowledgement of more than before.
func (st *step) advances() {
	other := st.other
	missing := other.holes.below(st.ack)
	if beyond := st.ack.Sub(other.nxt); beyond > 0 {
		if other.probe.frame == 0 || st.ack != other.probe.end {
			missing += beyond
		}
		other.nxt = st.ack
	}
	if missing > 0 && other.lastFrame != 0 {
		st.others().Missed += int64(missing)
		st.find(LabelNotCaptured, RuleNotCaptured, Finding{Values: [4]int64{int64(missing), int64(other.rel(st.ack))}})
	}
	if other.probe.frame != 0 && !other.probe.alive && st.ack == other.probe.end {
		st.answers()
	}
	st.sampleRTT()
	st.eifel()
	other.una, other.unaFrame, other.unaTime = st.ack, st.frame, st.now
	other.dups, other.probe = 0, probe{}
	if other.sackSeen && other.sackHigh.LessEq(st.ack) {
		other.sackSeen = false
	}
}

// sampleRTT takes the round trip from the newest segment that is now acknowledged.
// RFC 6298 §3, Karn: none where a copy was sent again, as it is not known which is
// acknowledged, unless the echoed timestamp says so; and none where a hole had held the
// acknowledgement back.
func (st *step) sampleRTT() {
	other := st.other
	h := &other.sent
	var newest, echoed *sent
	clean := other.dups == 0 && !other.sackSeen
	for ; h.una != h.tail; h.una++ {
		e := h.at(h.una)
		if !e.end.LessEq(st.ack) {
			break
		}
		clean = clean && e.marks == e.marks&markStamped
		st.reported(e)
		if st.stamped && e.marks&markStamped != 0 && e.val == st.ecr && e.seq.LessEq(other.una) {
			echoed = e
		}
		newest = e
	}
	switch {
	case newest == nil || h.lost:
		h.lost = false
		return
	case !clean:
		newest = echoed
	}
	if newest == nil || newest.marks&markSpurious != 0 {
		return
	}
	st.addRTT(max(st.now-newest.time, 1))
}

func (st *step) addRTT(d int64) {
	st.event.RTT = d
	st.other.rtt.sample(d)
	pub := st.others()
	if pub.RTTMin == 0 || d < pub.RTTMin {
		pub.RTTMin = d
	}
	pub.RTTSum += d
	pub.RTTCount++
}

// overtakenACK labels an acknowledgement of less than was acknowledged before, unless
// it is newer by other evidence.
func (st *step) overtakenACK() {
	newer := st.order == orderNewer || st.stamped && st.me.clock.maxFrame == st.frame
	if !st.bare() || newer || st.me.nxt.Less(st.seq) {
		return
	}
	st.find(LabelOutOfOrder, RuleOvertakenACK, Finding{
		Frames: [2]int64{st.other.unaFrame},
		Values: [4]int64{int64(st.other.rel(st.ack)), int64(st.other.rel(st.other.una))},
	})
	st.mine().OutOfOrder++
}

// stands judges a segment that only acknowledges what was acknowledged before: a
// duplicate ACK, or news of the window.
//
// RFC 5681 §2: a duplicate ACK comes while bytes are outstanding, carries nothing, and
// has the number and the window of the one before. RFC 6675 §2: with a SACK that
// reports something new the window does not matter.
func (st *step) stands() {
	me, other := st.me, st.other
	outstanding := other.acked && other.una.Less(other.nxt)
	same := me.window.seen && st.p.TCP.Window == me.window.raw
	reports := st.sacks > 1 || st.sacks == 1 && !st.dsack
	switch {
	case outstanding && (reports || same && !st.dsack):
		other.dups++
		other.asked = ask{st.frame, st.now}
		st.mine().DupAcks++
		st.find(LabelDupACK, RuleDupACK, Finding{
			Frames: [2]int64{other.unaFrame},
			Values: [4]int64{int64(other.dups), int64(other.rel(st.ack))},
		})
	case !reports:
		st.opensWindow()
	}
}

// selective takes in the blocks of a SACK.
func (st *step) selective() {
	other := st.other
	first := 0
	if st.dsack {
		b := st.blocks[0]
		st.find(LabelDSACK, RuleDSACK, Finding{
			Frames: [2]int64{other.dataFrame},
			Values: [4]int64{0, int64(other.rel(b[0])), int64(other.rel(b[1]))},
		})
		st.duplicated()
		first = 1
	}
	if first == st.sacks {
		return
	}
	b := st.blocks[first]
	if other.repair.again {
		other.sent.each(b[0], b[1], st.reported)
	}
	st.find(LabelSACK, RuleSACK, Finding{
		Values: [4]int64{int64(other.rel(st.ack)), int64(other.rel(b[0])), int64(other.rel(b[1]))},
	})
	for _, b := range st.blocks[first:st.sacks] {
		if !b[0].Less(b[1]) || other.nxt.Less(b[1]) || b[1].LessEq(st.ack) {
			continue // of another connection, or made up
		}
		if !other.sackSeen || other.sackHigh.Less(b[1]) {
			other.sackSeen, other.sackHigh = true, b[1]
		}
		other.asked = ask{st.frame, st.now}
	}
}
