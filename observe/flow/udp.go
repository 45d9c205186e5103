package flow

import "dialtone/observe/capture"

// addUDP adds a datagram. Who sends the first one asks; what comes the other way after
// it is an answer, and gives a sample of the round trip.
func (t *Tracker) addUDP(p *capture.Packet) *Event {
	c, from := t.conversation(p)
	if c == nil {
		c, from = t.open(p)
	}
	e := t.begin(c, from, p)
	me, other := &c.ends[from], &c.ends[1-from]
	c.talk.Ends[from].Bytes += int64(p.Len)
	if other.lastFrame != 0 && !other.acked {
		other.acked = true
		st := step{c: c, from: from, other: other, event: e}
		st.addRTT(max(p.Time-other.lastTime, 1))
	}
	me.lastFrame, me.lastTime, me.acked = p.Number, p.Time, false
	t.settle(c)
	return e
}
