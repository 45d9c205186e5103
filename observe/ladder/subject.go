package ladder

import (
	"strings"

	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// Shows reports whether the filter wants a frame that Next returned.
func (p *Pass) Shows(packet *capture.Packet, e *flow.Event) bool {
	shows := p.wants(packet, e)
	p.count.Shown = p.count.Shown || shows
	return shows
}

func (p *Pass) wants(packet *capture.Packet, e *flow.Event) bool {
	switch {
	case p.ByPacket():
		return true
	case e == nil:
		return p.filter.Match(packet, nil)
	}
	end := outcomeOf(e.Talk)
	if e.Talk.ID < p.ends.n {
		end = *p.ends.at(e.Talk.ID)
	}
	return p.filter.Match(packet, subject{e, end})
}

// outcome is how a conversation has ended, as far as it has.
type outcome struct {
	closed flow.How
	closer int8
}

func outcomeOf(c *flow.Conversation) outcome { return outcome{c.Closed, int8(c.Closer)} }

// subject answers the filter's questions about a packet's conversation, whose outcome
// may be known before it is reached.
type subject struct {
	*flow.Event
	outcome
}

func (s subject) States() [2]tcp.State { return s.After }
func (s subject) Stream() int          { return s.Talk.ID }

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
	switch word {
	case "client":
		return s.closer == 0
	case "server":
		return s.closer == 1
	case "fin":
		return s.closed == flow.HowFourWay || s.closed == flow.HowThreeWay || s.closed == flow.HowBothAtOnce
	case "rst":
		return s.closed == flow.HowReset || s.closed == flow.HowRefused
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
	return strings.NewReplacer(" ", "-", "_", "-").Replace(strings.ToLower(l.String()))
}
