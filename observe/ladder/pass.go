package ladder

import (
	"dialtone/observe/capture"
	"dialtone/observe/filter"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// A Pass reads a source once, from its first frame to its last: each frame is
// taken apart, held against the filter, and given to the tracker.
type Pass struct {
	source  capture.Source
	filter  *filter.Expr // all of it, which may ask for what a conversation did
	bound   *filter.Expr // the part that a packet alone decides
	tracker *flow.Tracker
	packet  capture.Packet
	count   Count
}

// Count is what a pass has seen so far.
type Count struct {
	Frames, Matched int64
	Bytes           int64 // on the wire, of those that matched
	Conversations   int
	Evicted         int64 // conversations that were given up for lack of memory
	First, Last     int64 // times
}

// NewPass returns a pass over source. A nil filter lets every packet through.
func NewPass(source capture.Source, f *filter.Expr) *Pass {
	p := &Pass{source: source, tracker: flow.New(flow.Config{})}
	if f != nil && f.String() != "" {
		p.filter, p.bound = f, f.Packet()
	}
	return p
}

// ByPacket reports whether a packet alone decides if it is shown.
func (p *Pass) ByPacket() bool { return p.filter == nil || p.filter.ByPacket() }

// Next returns the next frame that the filter may want, and what it did: a nil
// event for a frame of no conversation. Both are valid until the next call. The
// error is the source's.
func (p *Pass) Next() (*capture.Packet, *flow.Event, error) {
	for {
		r, err := p.source.Next()
		if err != nil {
			return nil, nil, err
		}
		p.see(r)
		capture.Decode(r, &p.packet)
		if p.bound != nil && !p.bound.Match(&p.packet, nil) {
			continue
		}
		p.packet.Verify()
		p.count.Matched++
		p.count.Bytes += int64(r.Wire)
		e := p.tracker.Add(&p.packet)
		if e != nil {
			p.count.Conversations = max(p.count.Conversations, e.Talk.ID)
		}
		return &p.packet, e, nil
	}
}

func (p *Pass) see(r *capture.Record) {
	if p.count.Frames == 0 {
		p.count.First = r.Time
	}
	p.count.Frames++
	p.count.Last = r.Time
}

// Count returns what was seen so far.
func (p *Pass) Count() Count {
	p.count.Evicted = p.tracker.Evicted()
	return p.count
}

// Shows reports whether the filter wants a frame that Next returned, with what is
// known of its conversation: c, which may be as it was at its end.
func (p *Pass) Shows(packet *capture.Packet, e *flow.Event, c *flow.Conversation) bool {
	switch {
	case p.ByPacket():
		return true
	case e == nil:
		return p.filter.Match(packet, nil)
	}
	return p.filter.Match(packet, subject{e, c})
}

// subject answers the filter's questions about a packet's conversation.
type subject struct {
	*flow.Event
	talk *flow.Conversation
}

func (s subject) States() [2]tcp.State { return s.After }
func (s subject) Stream() int          { return s.talk.ID }

func (s subject) Has(label string) bool {
	for _, f := range s.Findings {
		if want, ok := flow.ParseLabel(label); ok && f.Label.Is(want) {
			return true
		}
	}
	return false
}

func (s subject) ClosedBy(word string) bool {
	c := s.talk
	switch word {
	case "client":
		return c.Closer == 0
	case "server":
		return c.Closer == 1
	case "fin":
		return c.Closed == flow.HowFourWay || c.Closed == flow.HowThreeWay || c.Closed == flow.HowBothAtOnce
	case "rst":
		return c.Closed == flow.HowReset || c.Closed == flow.HowRefused
	}
	return false
}

// LabelWords are the words that a filter's "label" term takes, as they are typed:
// hyphens for blanks, in lower case.
func LabelWords() (words []string) {
	for l := flow.LabelNone + 1; l.String() != ""; l++ {
		words = append(words, LabelWord(l))
	}
	return words
}
