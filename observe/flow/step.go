package flow

import (
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// step is one segment on its way through the tracker: what it is, whose it is, and the
// event that it becomes.
type step struct {
	segment
	c      *conn
	from   int
	me     *end // that sent it
	other  *end
	idStep int // how far its IP ID is ahead
	event  *Event
	budget *int
}

// find labels the frame that is being added.
func (st *step) find(l Label, r Rule, f Finding) {
	f.Label, f.Rule = l, r
	if f.Frame == 0 {
		f.Frame = st.frame
	}
	st.event.Findings = append(st.event.Findings, f)
}

// mine and others are what is shown of the two ends.
func (st *step) mine() *End   { return &st.c.talk.Ends[st.from] }
func (st *step) others() *End { return &st.c.talk.Ends[1-st.from] }

// rel returns a sequence number of an end relative to its base.
func (e *end) rel(n tcp.Seq) uint32 { return uint32(n - e.base) }

// run takes the segment through all that is judged, in the order in which a receiver
// looks at a segment (RFC 9293 §3.10.7.4): is it whole, is it new, what does it
// acknowledge, what does it open or close.
func (st *step) run() {
	st.firstNumbers()
	switch {
	case st.broken():
	case st.copied():
	case st.has(tcp.RST):
		st.reset()
	default:
		st.stamps()
		st.sequence()
		if st.has(tcp.ACK) {
			st.acknowledge()
			st.windows()
		}
		st.opens()
		st.closes()
		st.oversize()
	}
	st.finish()
}

// firstNumbers sets where the relative numbers of both ends begin: at the SYN, or one
// before what is seen first, so that the first byte has number 1 either way.
func (st *step) firstNumbers() {
	me, other := st.me, st.other
	switch {
	case !me.known && st.has(tcp.RST): // its number may be 0 or a quoted one
		me.base = st.seq - 1
	case !me.known && st.has(tcp.SYN):
		me.start(st.seq, st.seq)
	case !me.known:
		me.start(st.seq-1, st.seq)
	case me.lastFrame == 0 && me.nxt.Less(st.seq): // so far only acknowledged, before the capture began
		me.nxt, me.una = st.seq, st.seq
	}
	if st.has(tcp.ACK) && !other.known && !st.has(tcp.RST) {
		other.start(st.ack-1, st.ack)
	}
}

func (e *end) start(base, nxt tcp.Seq) {
	e.known, e.base, e.nxt, e.una = true, base, nxt, nxt
}

// broken labels a segment whose checksum is wrong and reports whether it is to be
// ignored, as its receiver does. Where no checksum of an end was ever right, the
// capture has them before the device fills them in, and they mean nothing.
func (st *step) broken() bool {
	switch st.p.Checksum {
	case capture.ChecksumGood:
		st.me.goodSums = true
	case capture.ChecksumBad:
		st.find(LabelChecksumBad, RuleChecksum, Finding{Values: [4]int64{int64(st.p.TCP.Checksum)}})
		if st.me.goodSums {
			st.event.Ignored = true
			st.me.spoiled = sent{time: st.now, frame: st.frame, seq: st.seq, end: st.end}
			return true
		}
	}
	return false
}

// copied labels a packet that came a second time, by its IP ID, and reports whether it
// is one.
func (st *step) copied() bool {
	st.order, st.idStep = st.me.ids.next(st.id)
	if st.order != orderCopy {
		return false
	}
	f := Finding{Values: [4]int64{int64(st.id)}}
	if e := st.me.sent.sameID(&st.segment); e != nil {
		f.Frames[0] = e.frame
	} else if st.id == st.me.ids.max {
		f.Frames[0] = st.me.lastFrame
	}
	st.find(LabelDuplicate, RuleSameID, f)
	return true
}

// stamps takes in the timestamps.
func (st *step) stamps() {
	if !st.stamped {
		return
	}
	st.me.clock.tick(st.val, st.now, st.frame)
	if st.has(tcp.ACK) {
		st.other.clock.echo(st.ecr, st.now)
	}
}

// oversize labels a segment that is larger than the other end allows.
//
// RFC 9293 §3.7.1: the size does not exceed what the MSS option said, and that counts
// neither IP nor TCP header, but a segment with options carries less by their length.
// What is larger than the sender's own link, by its own MSS, are several segments that
// the kernel will cut or has joined.
func (st *step) oversize() {
	if st.p.Hints&capture.HintSuper != 0 {
		st.me.supers = true
	}
	limit, own := int(st.others().MSS), int(st.mine().MSS)
	if limit == 0 || st.len == 0 || st.me.supers {
		return
	}
	n := st.len + len(st.p.TCP.Options)
	if n <= limit {
		return
	}
	if own == 0 || n > own {
		st.me.supers = st.me.supers || n >= 2*limit
		return
	}
	st.find(LabelMSSExceeded, RuleMSS, Finding{Values: [4]int64{int64(n), int64(limit)}})
}

// finish writes down what the next segments will be compared with, and the event.
func (st *step) finish() {
	me, e := st.me, st.event
	me.lastFrame, me.lastTime = st.frame, st.now
	if st.has(tcp.ACK) {
		me.lastAck = st.ack
		e.Ack = st.other.rel(st.ack)
	}
	e.Seq = me.rel(st.seq)
	e.InFlight = st.inFlight()
	if !st.has(tcp.RST) {
		pub := st.mine()
		pub.ISN = me.base
		pub.MaxInFlight = max(pub.MaxInFlight, e.InFlight)
	}
	for i := range e.After {
		e.After[i] = st.c.talk.Ends[i].State
	}
}

// inFlight returns the sender's bytes that are not acknowledged: SYN and FIN, which
// have numbers, are no bytes.
func (st *step) inFlight() int64 {
	me := st.me
	n := me.nxt.Sub(me.una)
	if me.synSeen && me.una == me.base {
		n--
	}
	if f := &st.c.close.fins[st.from]; f.frame != 0 && me.una.LessEq(f.seq) {
		n--
	}
	return int64(max(n, 0))
}
