package flow

import "dialtone/transport/tcp"

// repair is what is known of an end's recovery from loss.
type repair struct {
	timeout recovery // begun by a timeout
	fast    recovery // begun by duplicate ACKs or SACK
	again   bool     // there are retransmissions, up to
	to      tcp.Seq  // this number
}

// recovery lasts until all that was out when it began is acknowledged.
type recovery struct {
	frame, time int64 // of the retransmission that began it; 0 for none
	to          tcp.Seq
}

func (r *recovery) on(una tcp.Seq) bool { return r.frame != 0 && una.Less(r.to) }

// resent labels a retransmission: by rule r that it is one, and why it was sent again.
// The copy before it passed at time since, as frame.
func (st *step) resent(r Rule, f Finding, since, frame int64) {
	st.again(r, f, since, frame)
	st.keep(markAgain | markResend)
	if r := &st.me.repair; !r.again || r.to.Less(st.end) {
		r.again, r.to = true, st.end
	}
}

func (st *step) again(r Rule, f Finding, since, frame int64) {
	st.find(LabelRetransmission, r, f)
	st.why(since, frame)
	pub := st.mine()
	pub.Resent++
	pub.Lost++
	pub.Retransmitted += int64(st.len)
}

// why labels a retransmission with what made the end send again, as far as the
// evidence tells:
//
//  1. a SYN has no other cause than its timer;
//  2. the lowest outstanding bytes after a timeout without progress, unless a duplicate
//     ACK or SACK came just now;
//  3. what follows such a timeout until all that was out then is acknowledged;
//  4. a SACK that reports later bytes;
//  5. three duplicate ACKs;
//  6. a partial acknowledgement in a recovery from 4 or 5;
//  7. the last bytes, after more than a round trip without news: a tail-loss probe.
func (st *step) why(since, frame int64) {
	me, c := st.me, st.c
	timeout, smooth := c.timeout(st.from), c.smooth()
	progress, last := since, frame
	if me.unaTime > since {
		progress, last = me.unaTime, me.unaFrame
	}
	idle := st.now - progress
	lowest := st.seq.LessEq(me.una)
	asked := me.asked.frame > frame
	askedAgo := st.now - me.asked.time
	above := me.sackSeen && st.end.Less(me.sackHigh)
	cause := asked && (above || me.dups >= dupThreshold)
	switch {
	case st.has(tcp.SYN):
		st.find(LabelTimeoutRetransmission, RuleSYNTimeout, Finding{Frames: [2]int64{frame}, Values: [4]int64{st.now - since}})
	case lowest && idle >= timeout*9/10 && !(cause && askedAgo < max(2*smooth, lateAnswer)):
		rule := RuleTimeout
		if me.repair.timeout.on(me.una) && me.repair.timeout.frame == last {
			rule = RuleTimeoutAgain
		}
		st.find(LabelTimeoutRetransmission, rule, Finding{Frames: [2]int64{last}, Values: [4]int64{idle, timeout}})
		me.repair.timeout = recovery{st.frame, st.now, me.nxt}
	case me.repair.timeout.on(me.una) && st.seq.Less(me.repair.timeout.to) && since <= me.repair.timeout.time:
		st.find(LabelTimeoutRetransmission, RuleTimeoutRecovery, Finding{Frames: [2]int64{me.repair.timeout.frame}})
	case asked && above:
		// RFC 6675 §5 asks for three segments above, RFC 8985 for one sent later.
		st.find(LabelFastRetransmission, RuleSACKedAbove, Finding{
			Frames: [2]int64{me.asked.frame},
			Values: [4]int64{askedAgo, int64(me.rel(me.sackHigh)), int64(me.rel(st.end))},
		})
		st.recovers()
	case asked && me.dups >= dupThreshold && lowest:
		st.find(LabelFastRetransmission, RuleDupACKs, Finding{
			Frames: [2]int64{me.asked.frame}, Values: [4]int64{int64(me.dups), askedAgo, timeout},
		})
		st.recovers()
	case me.repair.fast.on(me.una) && st.seq.Less(me.repair.fast.to) && me.unaTime > me.repair.fast.time:
		st.find(LabelFastRetransmission, RulePartialACK, Finding{Frames: [2]int64{me.unaFrame, me.repair.fast.frame}})
	case !st.end.Less(me.nxt):
		st.probesTail(smooth, timeout)
	}
}

const (
	dupThreshold = 3    // RFC 5681 §3.2
	lateAnswer   = 20e6 // what a busy sender may take to answer, in nanoseconds
)

// recovers notes that a fast recovery begins, unless one is on.
func (st *step) recovers() {
	if me := st.me; !me.repair.fast.on(me.una) {
		me.repair.fast = recovery{st.frame, st.now, me.nxt}
	}
}

// probesTail labels the last bytes sent again where a timeout is not due yet.
//
// RFC 8985 §7.2: the probe timeout is two round trips after the last transmission or
// acknowledgement.
func (st *step) probesTail(smooth, timeout int64) {
	me := st.me
	quiet := st.now - max(me.dataTime, me.unaTime)
	if smooth > 0 && quiet > smooth {
		st.find(LabelTailLossProbe, RuleTailLoss, Finding{
			Frames: [2]int64{me.dataFrame}, Values: [4]int64{quiet, timeout, smooth},
		})
	}
}

// needless labels a retransmission of what had been acknowledged here.
func (st *step) needless() {
	me := st.me
	if me.acked && st.end.LessEq(me.una) {
		f := Finding{Frames: [2]int64{me.unaFrame}, Values: [4]int64{st.now - me.unaTime}}
		st.spurious(st.mine(), me.sent.at(me.sent.tail-1), RuleAckedBefore, f)
	}
}

// spurious labels e, a retransmission of the end that pub shows, as one that was not
// needed: its own frame, which is this or an earlier one.
func (st *step) spurious(pub *End, e *sent, r Rule, f Finding) {
	if e.marks&markSpurious != 0 {
		return
	}
	if e.marks&markResend != 0 {
		pub.Lost--
	}
	e.marks |= markSpurious
	f.Frame = e.frame
	st.find(LabelSpurious, r, f)
}

// eifel judges the retransmission of the lowest bytes when an acknowledgement covers
// it (RFC 3522 §3.2, step 4): one that echoes an older timestamp answers the copy
// before; one that does not shows that the retransmission was needed. Of the lowest
// only, for the ACK of others may have waited, and echo what came first.
func (st *step) eifel() {
	other := st.other
	r := &other.repair
	if !r.again {
		return
	}
	if r.to.LessEq(other.una) {
		r.again = false
		return
	}
	e, before := other.sent.copies(other.una)
	if e == nil || e.marks&(markResend|markStamped) != markResend|markStamped || !st.stamped || st.duplicates(e) {
		return
	}
	switch {
	case int32(st.ecr-e.val) >= 0:
		e.marks |= markNeeded
	case before != nil && before.marks&markStamped != 0 && int32(st.ecr-before.val) >= 0:
		st.spurious(st.others(), e, RuleEifel, Finding{
			Frames: [2]int64{st.frame}, Values: [4]int64{int64(st.ecr), int64(e.val)},
		})
	}
}

// reported notes that e, a segment of the other end, is acknowledged. If it is a
// retransmission, and nobody reported its bytes before it can have been answered, it
// brought them: a D-SACK to come is about a copy that the network made.
func (st *step) reported(e *sent) {
	if e.marks&(markResend|markSpurious|markNeeded) != markResend {
		return
	}
	if st.duplicates(e) {
		return
	}
	if least := st.c.replyTime(1 - st.from); least > 0 && st.now-e.time >= least {
		e.marks |= markNeeded
	}
}

// duplicated judges what the first block of a D-SACK reports: the newest
// retransmission of these bytes was not needed (RFC 2883 §4), unless the network had
// made a copy of it, or it had others besides, which are not reported.
func (st *step) duplicated() {
	b := st.blocks[0]
	e := st.other.sent.covers(b[0], b[1])
	if e != nil && e.marks&(markResend|markNeeded) == markResend && b[0].LessEq(e.seq) && e.end.LessEq(b[1]) {
		st.spurious(st.others(), e, RuleDSACKed, Finding{Frames: [2]int64{st.frame}})
	}
}
