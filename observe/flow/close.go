package flow

import "dialtone/transport/tcp"

// closing is how far the close has come.
type closing struct {
	fins    [2]fin
	again   int64 // a FIN that came again and is not acknowledged again yet
	crossed bool
	joined  bool // the second FIN acknowledged the first in its own segment
	half    bool // a half-close was labelled
}

// fin is the FIN of one end.
type fin struct {
	seq         tcp.Seq // its number
	frame, time int64   // 0 for none yet
	acked       int64   // the frame that first acknowledged it, 0 for none yet
}

// closes follows the close and what it makes of both states. The order is that in
// which a segment does its work: its ACK shows that the other's FIN had arrived; then
// its own FIN is sent; then its ACK arrives at the other end.
func (st *step) closes() {
	theirs := &st.c.close.fins[1-st.from]
	if theirs.frame != 0 && st.has(tcp.ACK) && theirs.seq.Less(st.ack) {
		if theirs.acked == 0 {
			theirs.acked = st.frame
			st.gotFIN()
		}
		if st.has(tcp.FIN) {
			st.sendsFIN()
		}
		st.finAcked()
		st.afterFIN(theirs)
		return
	}
	if st.has(tcp.FIN) {
		st.sendsFIN()
	}
}

// gotFIN moves the sender on: it has acknowledged the other's FIN for the first time.
func (st *step) gotFIN() {
	pub := st.mine()
	switch pub.State {
	case tcp.SynReceived, tcp.Established:
		pub.State = tcp.CloseWait
	case tcp.FinWait1:
		pub.State = tcp.Closing
		if st.c.close.fins[st.from].acked != 0 {
			pub.State = tcp.TimeWait
		}
	case tcp.FinWait2:
		pub.State = tcp.TimeWait
	}
}

// sendsFIN takes in the sender's FIN.
func (st *step) sendsFIN() {
	pub, cl := st.mine(), &st.c.close
	mine, theirs := &cl.fins[st.from], &cl.fins[1-st.from]
	if mine.frame != 0 {
		if mine.seq == st.end-1 && mine.acked != 0 {
			cl.again = st.frame
			if pub.State == tcp.Closed && st.c.talk.Closed != HowReset {
				pub.State = tcp.LastAck // so the last ACK has not arrived
			}
		}
		return
	}
	*mine = fin{seq: st.end - 1, frame: st.frame, time: st.now}
	switch pub.State {
	case tcp.SynReceived, tcp.Established:
		pub.State = tcp.FinWait1
	case tcp.CloseWait:
		pub.State = tcp.LastAck
	}
	f := Finding{Frames: [2]int64{theirs.frame}, Values: [4]int64{st.now - theirs.time}}
	switch {
	case theirs.frame == 0:
		if st.c.talk.Closer < 0 {
			st.c.talk.Closer = st.from
		}
		st.find(LabelFIN, RuleFIN, Finding{Values: [4]int64{st.said()}})
	case theirs.acked == st.frame:
		cl.joined = true
		st.find(LabelFinalFIN, RuleFinalFINWithACK, f)
	case theirs.acked != 0:
		st.find(LabelFinalFIN, RuleFinalFIN, f)
	default:
		cl.crossed = true
		st.find(LabelCrossedFIN, RuleCrossedFIN, f)
	}
}

// said is how many bytes the sender has sent before its FIN, those too that were not
// captured. A sequence number tells it modulo 2^32.
func (st *step) said() int64 {
	bytes := st.mine().Bytes
	return bytes + int64(int32(st.me.rel(st.end-1)-1-uint32(bytes)))
}

// finAcked moves the other end on, at which the ACK of its FIN arrives, and ends the
// conversation when both FINs are acknowledged.
func (st *step) finAcked() {
	pub, cl, talk := st.others(), &st.c.close, st.c.talk
	mine := &cl.fins[st.from]
	switch pub.State {
	case tcp.FinWait1:
		// If a FIN is on its way to it, only its own ACK shows which came first.
		if mine.frame == 0 || mine.acked != 0 {
			pub.State = tcp.FinWait2
		}
	case tcp.Closing:
		pub.State = tcp.TimeWait
	case tcp.LastAck:
		pub.State = tcp.Closed
	}
	if mine.acked == 0 || talk.Closed != HowNot {
		return
	}
	switch {
	case cl.crossed:
		talk.Closed = HowBothAtOnce
	case cl.joined:
		talk.Closed = HowThreeWay
	default:
		talk.Closed = HowFourWay
	}
	st.find(LabelFinalACK, RuleFinalACK, Finding{Frames: [2]int64{cl.fins[1-st.from].frame}})
}

// afterFIN judges what an end does after it has acknowledged the other's FIN, theirs.
func (st *step) afterFIN(theirs *fin) {
	cl := &st.c.close
	if cl.again != 0 && st.bare() {
		if st.mine().State == tcp.TimeWait {
			st.find(LabelTimeWaitACK, RuleTimeWaitACK, Finding{Frames: [2]int64{cl.again, theirs.acked}})
		}
		cl.again = 0
	}
	if st.len > 0 && !cl.half && !cl.crossed && !st.isAgain() {
		cl.half = true
		st.find(LabelHalfClose, RuleHalfClose, Finding{
			Frame: theirs.acked, Frames: [2]int64{theirs.frame, st.frame}, Values: [4]int64{int64(st.len)},
		})
	}
}

// reset takes in an RST: its sender has no connection any more, nor has the other end
// if it believes it.
func (st *step) reset() {
	talk, other := st.c.talk, st.other
	mine, theirs := st.mine(), st.others()
	refused := theirs.State == tcp.SynSent && mine.State == 0 && st.has(tcp.ACK) && other.base.Less(st.ack)
	mine.State = tcp.Closed
	how := HowReset
	if refused {
		how = HowRefused
		st.find(LabelRefused, RuleRefused, Finding{
			Frames: [2]int64{other.lastFrame}, Values: [4]int64{st.now - other.lastTime},
		})
	} else {
		st.aborts()
	}
	if !refused && !st.believed() {
		return
	}
	theirs.State = tcp.Closed
	if talk.Closed == HowNot {
		talk.Closed = how
		if talk.Closer < 0 {
			talk.Closer = st.from
		}
	}
}

// aborts labels an RST in mid-stream, with what it answers.
//
// RFC 9293 §3.5.2: an RST that answers a segment with ACK has the number that this
// acknowledges and no ACK itself; one that answers a segment without has number 0.
func (st *step) aborts() {
	other := st.other
	answer := other.lastFrame != 0 && !st.has(tcp.ACK) && st.seq == other.lastAck ||
		other.lastFrame != 0 && st.has(tcp.ACK) && st.seq == 0 && st.ack == other.nxt
	if !answer {
		st.find(LabelReset, RuleResetAlone, Finding{})
		return
	}
	st.find(LabelReset, RuleReset, Finding{
		Frames: [2]int64{other.lastFrame}, Values: [4]int64{st.now - other.lastTime},
	})
}

// believed reports whether the other end takes the RST for one of this connection.
//
// RFC 9293 §3.5.3: the number has to be in the window.
func (st *step) believed() bool {
	other := st.other
	if other.lastFrame == 0 || !st.me.known {
		return true
	}
	room := 1 << 16
	if w := &other.window; w.known {
		room = max(w.edge.Sub(other.lastAck), 1)
	}
	ahead := st.seq.Sub(other.lastAck)
	return ahead >= 0 && ahead < room || other.lastAck == 0
}
