package flow

import "dialtone/transport/tcp"

// window is what an end announces that it has room for.
type window struct {
	seen  bool
	syn   bool   // raw is that of a SYN, which is never scaled
	scale int8   // -1 for not known
	raw   uint16 // as on the wire
	frame int64  // that announced it
	edge  tcp.Seq
	known bool // edge is
}

// scaled returns a window in bytes, -1 where the scale is not known.
func (w *window) scaled(raw uint16) int64 {
	switch {
	case raw == 0:
		return 0
	case w.scale < 0:
		return -1
	}
	return int64(raw) << w.scale
}

func (w *window) bytes() int64 {
	if w.syn {
		return int64(w.raw)
	}
	return w.scaled(w.raw)
}

// of returns what a segment of this end announces, in bytes, -1 where its scale is not
// known.
func (w *window) of(h *tcp.Header) int64 {
	if h.Flags&tcp.SYN != 0 {
		return int64(h.Window) // RFC 7323 §2.2: never scaled
	}
	return w.scaled(h.Window)
}

// zero reports whether the end has announced that there is no room.
func (w *window) zero() bool { return w.seen && w.raw == 0 && !w.syn }

// windows takes in the window that the segment announces, and judges whether its own
// bytes fill the other end's.
func (st *step) windows() {
	st.fillsWindow()
	w, h := &st.me.window, &st.p.TCP
	if st.stale || st.ack != st.other.una {
		return // overtaken: it says how it was
	}
	// RFC 7323 §2.2: the window of a SYN is not scaled.
	w.seen, w.syn, w.raw, w.frame = true, st.has(tcp.SYN), h.Window, st.frame
	n := w.bytes()
	w.edge, w.known = st.ack.Add(int(max(n, 0))), n >= 0
	if h.Window == 0 && !w.syn && !st.has(tcp.FIN) {
		st.find(LabelZeroWindow, RuleZeroWindow, Finding{})
		st.mine().ZeroWindows++
	}
}

// opensWindow labels a segment that announces more room than the one before, and
// nothing else. RFC 7323 §2.2 has the window of a SYN in other units.
func (st *step) opensWindow() {
	w, raw := &st.me.window, st.p.TCP.Window
	if !w.seen || w.syn || raw <= w.raw {
		return
	}
	st.find(LabelWindowUpdate, RuleWindowUpdate, Finding{Values: [4]int64{w.bytes(), w.scaled(raw)}})
}

// fillsWindow labels new bytes up to the edge of the other end's window.
func (st *step) fillsWindow() {
	w := &st.other.window
	end := st.seq.Add(st.len)
	if st.len == 0 || !w.known || w.raw == 0 || end != st.me.nxt || end.Less(w.edge) || st.isAgain() {
		return
	}
	st.find(LabelWindowFull, RuleWindowFull, Finding{
		Frames: [2]int64{w.frame}, Values: [4]int64{int64(st.me.rel(w.edge))},
	})
}

// isAgain reports whether the segment was found to be one that was sent again.
func (st *step) isAgain() bool {
	for i := range st.event.Findings {
		if st.event.Findings[i].Label.Is(LabelRetransmission) && st.event.Findings[i].Frame == st.frame {
			return true
		}
	}
	return false
}

// probe is a segment that an end sent only to be answered.
type probe struct {
	frame int64 // 0 for none that waits
	alive bool  // a keep-alive, not a zero-window probe
	end   tcp.Seq
}

// asks labels a segment that is sent only to be answered, and reports whether it is
// one: its number says nothing then.
func (st *step) asks() bool {
	me, w := st.me, &st.other.window
	n := st.size()
	if n > 1 || st.has(tcp.SYN|tcp.FIN) || !st.has(tcp.ACK) || !me.acked || me.una != me.nxt {
		return false
	}
	f := Finding{Frames: [2]int64{w.frame}, Values: [4]int64{int64(me.rel(st.seq))}}
	old := st.seq == me.nxt-1
	switch {
	case w.zero() && old:
		st.find(LabelZeroWindowProbe, RuleProbeOld, f)
	case w.zero() && n == 1 && st.seq == me.nxt && st.seq == w.edge:
		f.Values[0] = 1
		st.find(LabelZeroWindowProbe, RuleProbeByte, f)
	case old && st.now-me.unaTime > st.c.smooth() && st.order != orderOlder:
		f = Finding{Values: [4]int64{f.Values[0], st.now - max(me.lastTime, st.other.lastTime)}}
		st.find(LabelKeepAlive, RuleKeepAlive, f)
	default:
		return false
	}
	me.probe = probe{frame: st.frame, alive: !w.zero(), end: st.end}
	return true
}

// answers labels the answer to a probe of the other end.
func (st *step) answers() bool {
	p := &st.other.probe
	if p.frame == 0 || !st.bare() {
		return false
	}
	f := Finding{Frames: [2]int64{p.frame}, Values: [4]int64{st.me.window.scaled(st.p.TCP.Window)}}
	if p.alive {
		st.find(LabelKeepAliveACK, RuleKeepAliveACK, f)
	} else {
		st.find(LabelProbeACK, RuleProbeACK, f)
	}
	*p = probe{}
	return true
}
