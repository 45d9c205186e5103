package ladder

import (
	"fmt"
	"strings"

	"dialtone/app/quantity"
	"dialtone/internet"
	"dialtone/observe/flow"
)

// title names a conversation in one line.
func (w *Writer) title(c *flow.Conversation) string { return titleOf(c, w.glyphs) }

func titleOf(c *flow.Conversation, g *glyphs) string {
	arrow := g.to
	if c.Opened == flow.HowMidstream {
		arrow = g.both // who opened it is not known
	}
	return fmt.Sprintf("%d  %s  %s %s %s%s", c.ID, c.Protocol, c.Ends[0].Addr, arrow, c.Ends[1].Addr, vlanText(c.VLAN))
}

// vlanText names the tags of a conversation: the outer one first.
func vlanText(v uint32) string {
	switch outer, inner := int(v&0xffff)-1, int(v>>16)-1; {
	case inner >= 0:
		return fmt.Sprintf("  VLAN %d in %d", inner, outer)
	case outer >= 0:
		return fmt.Sprintf("  VLAN %d", outer)
	}
	return ""
}

// heading stands above a conversation: its name, when it began, and the names of
// the verticals.
func (w *Writer) heading(c *flow.Conversation) {
	w.space()
	w.line(w.style.paint(inkHead, w.title(c)))
	since := "   " + w.style.date(c.First)
	if c.Reuses != 0 {
		since += fmt.Sprintf(", the addresses and ports of %d again", c.Reuses)
	}
	w.line(w.style.paint(inkDim, since))
	w.line("")
	w.ends(c)
}

// ends writes the names of both ends above their verticals, in one line where
// they fit, else in two.
func (w *Writer) ends(c *flow.Conversation) {
	left, right := c.Ends[0].Addr.String(), c.Ends[1].Addr.String()
	rightAt := w.grid.left() + 1 + w.grid.arrow
	line := centred("", left, w.grid.left())
	if both := centred(line, right, rightAt); columns(both) <= max(w.style.width(), columns(line)) && len(both) > len(line)+len(right)+1 {
		w.line(w.style.paint(inkBold, both))
		return
	}
	w.line(w.style.paint(inkBold, line))
	w.line(padRight(strings.Repeat(" ", w.grid.left())+w.style.paint(inkDim, w.glyphs.vertical), 0) +
		w.style.paint(inkBold, padLeft(right, max(0, w.style.width()-w.grid.left()-1))))
}

// centred puts name behind line so that its middle is at a column, as far as there
// is room.
func centred(line, name string, at int) string {
	return padRight(line, max(0, at-columns(name)/2)) + name
}

// rule draws the light line of a phase.
func (w *Writer) rule(name string) {
	g := w.glyphs
	text := g.dots + g.dots + " " + name + " "
	text += strings.Repeat(g.dots, max(0, w.grid.arrow-columns(text)))
	blank := strings.Repeat(" ", w.grid.left())
	w.line(blank + w.style.paint(inkDim, g.vertical+text+g.vertical))
}

// foot says how a conversation went, as far as it was seen.
func (w *Writer) foot(c *flow.Conversation) {
	if w.last != c.ID {
		w.space()
		w.line(w.style.paint(inkHead, w.title(c)))
	}
	w.last = -1 // whatever follows begins anew
	w.line("")
	if c.Protocol == internet.TCP {
		w.item("opened", openedText(c))
	}
	w.item("closed", w.closedText(c))
	w.item("sent", w.sentText(c))
	if text := w.rttText(c); text != "" {
		w.item("RTT", text)
	}
	if c.Protocol == internet.TCP {
		w.item("loss", lossText(c))
	}
}

// item is a line of the foot: a name and what is to be said.
func (w *Writer) item(name, text string) {
	for i, line := range wrap(text, w.style.width()-11) {
		if i > 0 {
			name = ""
		}
		w.line(fmt.Sprintf("   %s %s", w.style.paint(inkDim, padRight(name, 7)), line))
	}
}

func openedText(c *flow.Conversation) string {
	switch c.Opened {
	case flow.HowNot:
		return fmt.Sprintf("not: %s asked for it", c.Ends[0].Addr)
	case flow.HowMidstream:
		return "before the capture began"
	case flow.HowSimultaneous:
		return "by both ends at once"
	}
	return fmt.Sprintf("by %s, %s", c.Ends[0].Addr, c.Opened)
}

func (w *Writer) closedText(c *flow.Conversation) string {
	after := ", after " + w.glyphs.took(c.Last-c.First)
	switch {
	case c.Closed == flow.HowNot && c.Protocol != internet.TCP:
		return "not: UDP has no close; the last datagram came" + strings.TrimPrefix(after, ",")
	case c.Closed == flow.HowNot && c.Closer >= 0:
		return fmt.Sprintf("half: %s has ended its side; the last segment came%s", c.Ends[c.Closer].Addr, strings.TrimPrefix(after, ","))
	case c.Closed == flow.HowNot:
		return "not yet: the last segment came" + strings.TrimPrefix(after, ",")
	case c.Closed == flow.HowUnreachable:
		return "by ICMP: it cannot be reached" + after
	case c.Closed == flow.HowBothAtOnce:
		return "by both ends at once" + after
	case c.Closer >= 0:
		return fmt.Sprintf("by %s, %s%s", c.Ends[c.Closer].Addr, c.Closed, after)
	}
	return c.Closed.String() + after
}

func (w *Writer) sentText(c *flow.Conversation) string {
	part := func(end int, arrow string) string {
		e := &c.Ends[end]
		text := fmt.Sprintf("%s %s in %s", arrow, quantity.Bytes(e.Bytes), quantity.CountOf(e.Packets, "packet"))
		if e.Missed > 0 {
			text += fmt.Sprintf(" and %s that were not captured", quantity.Bytes(e.Missed))
		}
		return text
	}
	return part(0, w.glyphs.right) + ", " + part(1, w.glyphs.left)
}

// rttText is the round trip as the capture point saw its two parts: the way from
// it to each end and back.
func (w *Writer) rttText(c *flow.Conversation) string {
	a, b := &c.Ends[0], &c.Ends[1]
	total := RTT(c)
	if total == 0 {
		return ""
	}
	text := w.glyphs.took(total) + " at best"
	if a.RTTCount > 0 && b.RTTCount > 0 {
		text += fmt.Sprintf(": %s left of the capture, %s right of it", w.glyphs.took(b.RTTMin), w.glyphs.took(a.RTTMin))
	}
	return text
}

// RTT is the shortest round trip between the ends, in nanoseconds: the sum of those
// from the capture point to both of them, or the one that is known. 0 is none.
func RTT(c *flow.Conversation) int64 { return c.Ends[0].RTTMin + c.Ends[1].RTTMin }

// lossText says what had to be sent again.
func lossText(c *flow.Conversation) string {
	a, b := &c.Ends[0], &c.Ends[1]
	lost, resent, packets := a.Lost+b.Lost, a.Resent+b.Resent, a.Packets+b.Packets
	text := "none seen"
	switch {
	case lost > 0:
		text = fmt.Sprintf("%s lost (%s)", quantity.CountOf(lost, "segment"), percent(lost, packets))
	case resent > 0:
		text = "none lost"
	}
	if resent > 0 {
		text += fmt.Sprintf(", %s sent again", quantity.Count(resent))
	}
	if n := a.OutOfOrder + b.OutOfOrder; n > 0 {
		text += fmt.Sprintf(", %s out of order", quantity.Count(n))
	}
	return text
}
