package ladder

import (
	"strings"

	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// Shows reports whether the filter wants a frame that Next returned.
func (p *Pass) Shows(packet *capture.Packet, e *flow.Event) bool {
	switch {
	case p.ByPacket():
		return true
	case e == nil:
		return p.filter.Match(packet, nil)
	}
	talk := e.Talk
	if end := p.ends[talk.ID]; end != nil {
		talk = end
	}
	return p.filter.Match(packet, subject{e, talk})
}

// subject answers the filter's questions about a packet's conversation, which may
// be as it was at its end.
type subject struct {
	*flow.Event
	talk *flow.Conversation
}

func (s subject) States() [2]tcp.State { return s.After }
func (s subject) Stream() int          { return s.talk.ID }

// Has takes a label for its finer kinds too: retransmission is also a fast one.
func (s subject) Has(label string) bool {
	want, ok := flow.ParseLabel(label)
	for i := range s.Findings {
		if ok && s.Findings[i].Label.Is(want) {
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

// LabelWords are the words that a filter's "label" term takes.
func LabelWords() (words []string) {
	for l := flow.LabelNone + 1; l.String() != ""; l++ {
		words = append(words, LabelWord(l))
	}
	return words
}

// LabelWord is a label as it is typed: zero-window-probe.
func LabelWord(l flow.Label) string {
	return strings.ReplaceAll(strings.ToLower(l.String()), " ", "-")
}
