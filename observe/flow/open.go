package flow

import "dialtone/transport/tcp"

// opening is how far the handshake has come.
type opening struct {
	syn, synACK [2]int64 // their frames, of each end
	synTime     [2]int64
	accepted    [2]bool // it sent a SYN+ACK
	done        bool    // the third segment was seen
}

// opens follows the handshake and what it makes of both states.
func (st *step) opens() {
	switch {
	case !st.has(tcp.SYN):
		st.third()
	case !st.has(tcp.ACK):
		st.first()
	default:
		st.second()
	}
	// The ACK of its SYN arrives at the other end.
	if other := st.others(); other.State == tcp.SynReceived && st.has(tcp.ACK) && st.other.base.Less(st.ack) {
		other.State = tcp.Established
	}
}

// first takes in a SYN.
func (st *step) first() {
	o, pub := &st.c.open, st.mine()
	if o.syn[st.from] != 0 {
		return
	}
	o.syn[st.from], o.synTime[st.from] = st.frame, st.now
	st.announces()
	if pub.State == 0 {
		pub.State = tcp.SynSent
	}
	st.find(LabelSYN, RuleSYN, Finding{Values: [4]int64{int64(st.seq)}})
	if crossed := o.syn[1-st.from]; crossed != 0 && !o.accepted[1-st.from] {
		st.find(LabelSimultaneous, RuleCrossedSYN, Finding{Frames: [2]int64{crossed}})
		st.c.talk.Opened = HowSimultaneous
	}
}

// second takes in a SYN+ACK: its sender was in LISTEN, or had sent a SYN that crossed.
func (st *step) second() {
	o, pub := &st.c.open, st.mine()
	switch {
	case pub.State == 0:
		st.event.Before[st.from] = tcp.Listen
		pub.State = tcp.SynReceived
	case pub.State == tcp.Established && st.me.nxt == st.me.base+1 && st.c.talk.Opened != HowMidstream:
		pub.State = tcp.SynReceived // it comes again: the third segment has not arrived
	case pub.State < tcp.Established:
		pub.State = tcp.SynReceived
	}
	if o.accepted[st.from] {
		return
	}
	o.accepted[st.from], o.synACK[st.from] = true, st.frame
	if o.syn[st.from] == 0 {
		o.syn[st.from], o.synTime[st.from] = st.frame, st.now
		st.announces()
	}
	f := Finding{Values: [4]int64{0, int64(st.seq)}}
	if asked := o.syn[1-st.from]; asked != 0 {
		f.Frames[0], f.Values[0] = asked, st.now-o.synTime[1-st.from]
	}
	st.find(LabelSYNACK, RuleSYNACK, f)
}

// third takes in a segment without SYN: who sends one with an ACK has the other's SYN.
func (st *step) third() {
	o, pub, talk := &st.c.open, st.mine(), st.c.talk
	if !st.has(tcp.ACK) {
		return
	}
	if pub.State < tcp.Established {
		pub.State = tcp.Established
	}
	if o.done {
		return
	}
	if talk.Opened == HowNot {
		talk.Opened = HowHandshake
	}
	if o.accepted[1-st.from] && st.other.base.Less(st.ack) {
		o.done = true
		if talk.Opened == HowHandshake && o.syn[st.from] != 0 {
			st.find(LabelHandshake, RuleHandshake, Finding{
				Frames: [2]int64{o.synACK[1-st.from], o.syn[st.from]},
				Values: [4]int64{st.now - o.synTime[st.from]},
			})
		}
	}
}

// announces takes in the options of a SYN.
func (st *step) announces() {
	st.me.synSeen = true
	pub, o := st.mine(), st.p.TCP.Options
	pub.MSS, _ = o.MSS()
	if scale, ok := o.WindowScale(); ok {
		pub.Scale = int8(min(scale, 14)) // RFC 7323 §2.3
	}
	pub.SACK, pub.TS = o.SACKPermitted(), st.stamped
	if !st.other.synSeen {
		return
	}
	// RFC 7323 §2.2: windows are scaled if both SYNs have the option, else neither way.
	theirs := st.others()
	st.me.window.scale, st.other.window.scale = 0, 0
	if pub.Scale >= 0 && theirs.Scale >= 0 {
		st.me.window.scale, st.other.window.scale = pub.Scale, theirs.Scale
	}
}
