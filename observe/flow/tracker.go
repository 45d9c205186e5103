package flow

import (
	"net/netip"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// Config is how a Tracker works. The zero Config is a good one.
type Config struct {
	// MaxConversations is how many conversations are followed at the same time; zero
	// or negative for 65,536. Beyond it one is given up for each new one: one that has
	// closed, else one of which only one end was heard, else one that was quiet for
	// long. Of the closed no more than a sixteenth of that is kept.
	MaxConversations int

	// MaxSegments is about how many segments, of all conversations together, are
	// remembered to judge what comes later; zero or negative for 1,048,576 (40 MB).
	// Each end of a TCP connection may have a few in any case.
	MaxSegments int
}

// The defaults of a Config.
const (
	defaultConversations = 1 << 16
	defaultSegments      = 1 << 20
)

// A Tracker follows the conversations of one capture. It is not safe for use by
// several goroutines at once.
type Tracker struct {
	most     int // conversations
	budget   int // places for segments that may yet be made
	seed     seed
	table    table
	last     *conn // of the packet before, very often of the next one too
	queues   [worths]queue
	count    int // conversations so far
	evicted  int64
	event    Event
	step     step
	reserved []conn  // places made and not used yet
	free     []*conn // places of conversations that were forgotten
}

// New returns a tracker that has seen nothing.
func New(c Config) *Tracker {
	t := &Tracker{most: c.MaxConversations, budget: c.MaxSegments, seed: newSeed()}
	if t.most <= 0 {
		t.most = defaultConversations
	}
	if t.budget <= 0 {
		t.budget = defaultSegments
	}
	t.event.Findings = make([]Finding, 0, 16)
	return t
}

// Evicted returns how many conversations were given up to stay within
// Config.MaxConversations, though they had not closed. If more packets of one of them
// came, they are in a new conversation.
func (t *Tracker) Evicted() int64 { return t.evicted }

// Add says what p did to its conversation: nil for a packet of no conversation, which
// is one without ports, or an ICMP error that quotes none that is known. The event is
// valid until the next call; its Conversation stays, and goes on changing.
//
// Checksums are judged where p has a verdict: call Packet.Verify before.
func (t *Tracker) Add(p *capture.Packet) *Event {
	switch {
	case p.HasTCP:
		return t.addTCP(p)
	case p.HasUDP:
		return t.addUDP(p)
	case p.Protocol == internet.ICMP || p.Protocol == internet.ICMPv6:
		return t.addError(p)
	}
	return nil
}

// addTCP adds a segment.
func (t *Tracker) addTCP(p *capture.Packet) *Event {
	c, from := t.conversation(p)
	reused := Finding{}
	if c != nil && c.isReuse(&p.TCP, from) {
		old := c.talk
		reused.Values = [4]int64{int64(old.ID), int64(p.TCP.Seq), int64(c.ends[from].base)}
		t.restart(c, p, from)
		c.talk.Reuses, from = old.ID, 0
	}
	if c == nil {
		c, from = t.open(p)
		if p.TCP.Flags&(tcp.SYN|tcp.RST) == 0 {
			c.talk.Opened = HowMidstream
		}
	}
	e := t.begin(c, from, p)
	st := &t.step
	st.c, st.from, st.me, st.other = c, from, &c.ends[from], &c.ends[1-from]
	st.event, st.budget = e, &t.budget
	st.load(p)
	if c.talk.Reuses != 0 && reused.Values[0] != 0 {
		st.find(LabelPortReuse, RulePortReuse, reused)
	}
	st.run()
	e.Window = st.me.window.of(&p.TCP)
	t.settle(c)
	return e
}

// begin makes the event that of a packet.
func (t *Tracker) begin(c *conn, from int, p *capture.Packet) *Event {
	talk := c.talk
	talk.Last = p.Time
	talk.Ends[from].Packets++
	c.marked = c.marked || talk.Ends[0].Packets+talk.Ends[1].Packets > 1
	t.last = c
	e := &t.event
	e.Packet, e.Talk, e.From = p, talk, from
	e.Seq, e.Ack, e.Len, e.Window, e.InFlight, e.RTT, e.Ignored = 0, 0, p.Len, 0, 0, 0, false
	for i := range e.Before {
		e.Before[i], e.After[i] = talk.Ends[i].State, talk.Ends[i].State
	}
	e.Findings = e.Findings[:0]
	return e
}

// conversation returns that of p and which end sent it; nil if there is none.
func (t *Tracker) conversation(p *capture.Packet) (c *conn, from int) {
	var k key
	turned := k.of(p)
	if c = t.last; c == nil || !c.key.is(&k) {
		if c = t.table.find(&k, t.seed.hash(&k)); c == nil {
			return nil, 0
		}
	}
	return c, c.end(turned)
}

// end returns which end sends packets that are turned so against the key.
func (c *conn) end(turned bool) int {
	if turned != c.turned {
		return 1
	}
	return 0
}

// isReuse reports whether a segment of end from opens another connection with the same
// addresses and ports: a SYN with another initial number (RFC 9293 §3.4.1), or any
// from an end that had not sent one when the connection ended.
func (c *conn) isReuse(h *tcp.Header, from int) bool {
	if h.Flags&(tcp.SYN|tcp.ACK|tcp.RST) != tcp.SYN {
		return false
	}
	if me := &c.ends[from]; me.known {
		return me.base != h.Seq
	}
	return c.talk.Closed != HowNot
}

// open begins the conversation of p, in a free place or that of an evicted one.
func (t *Tracker) open(p *capture.Packet) (c *conn, from int) {
	var k key
	turned := k.of(p)
	switch n := len(t.free); {
	case n > 0:
		c, t.free = t.free[n-1], t.free[:n-1]
	case t.table.used >= t.most:
		c = t.evict()
	default:
		c = t.place()
	}
	c.key, c.hash = k, t.seed.hash(&k)
	t.start(c, p, turned)
	t.table.insert(c)
	t.queue(c)
	return c, c.end(turned)
}

// restart begins a new conversation in the place of one of the same key, by end from.
func (t *Tracker) restart(c *conn, p *capture.Packet, from int) {
	t.start(c, p, c.turned != (from == 1))
}

// placesAtOnce is how many places are made together.
const placesAtOnce = 64

// place returns a place that was never used.
func (t *Tracker) place() *conn {
	if len(t.reserved) == 0 {
		t.reserved = make([]conn, min(placesAtOnce, t.most))
	}
	c := &t.reserved[0]
	t.reserved = t.reserved[1:]
	c.index = int32(len(t.table.conns))
	t.table.conns = append(t.table.conns, c)
	return c
}

// start makes c that of a new conversation, whose first packet is p. What c had
// allocated for another one serves on.
func (t *Tracker) start(c *conn, p *capture.Packet, turned bool) {
	t.count++
	old := c.ends
	c.ends, c.open, c.close = [2]end{}, opening{}, closing{}
	c.turned, c.marked = turned, false
	for i := range c.ends {
		c.ends[i].sent, c.ends[i].holes = old[i].sent.fresh(&t.budget), old[i].holes[:0]
		c.ends[i].window.scale = -1
	}
	src, dst := netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
	// The answer to a SYN that is not there: the one that it answers opened it.
	if p.HasTCP && p.TCP.Flags&(tcp.SYN|tcp.ACK) == tcp.SYN|tcp.ACK {
		c.turned = !turned
		src, dst = dst, src
	}
	c.talk = &Conversation{
		ID: t.count, Protocol: p.Protocol, VLAN: p.VLAN,
		First: p.Time, Last: p.Time, Closer: -1,
		Ends: [2]End{{Addr: src, Scale: -1}, {Addr: dst, Scale: -1}},
	}
}
