package ladder

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
	"unicode"

	"dialtone/app/quantity"
	"dialtone/internet"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// fact is something that is told of a whole conversation.
type fact struct{ name, value string }

// factsOf tells how a conversation went, in the words of the text ladder's foot.
func factsOf(t *Talk) []fact {
	c, w := &t.Conversation, &Writer{glyphs: &fineGlyphs}
	list := []fact{}
	add := func(name, value string) {
		if value != "" {
			list = append(list, fact{name, value})
		}
	}
	if c.Protocol == internet.TCP {
		add("opened", openedText(c))
	}
	add("closed", w.closedText(c))
	add("sent", w.sentText(c))
	add("RTT", w.rttText(c))
	if c.Protocol == internet.TCP {
		add("loss", lossText(c))
	}
	return list
}

// arrowWords are what stands on an arrow, the most important first.
func arrowWords(r *Row) []string {
	switch {
	case r.Text != "" && r.Flags == 0 && r.Len == 0: // an ICMP error
		return []string{viaText(r) + r.Text}
	case r.Flags == 0 && !isTCP(r):
		return []string{quantity.CountOf(int64(r.Len), "byte")}
	}
	list := []string{flagWords(r)}
	if r.Len > 0 {
		list = append(list, fmt.Sprintf("len %d", r.Len))
	}
	if r.Window >= 0 && r.Flags&tcp.RST == 0 {
		list = append(list, fmt.Sprintf("win %d", r.Window))
	}
	return list
}

func viaText(r *Row) string {
	if r.Via.IsValid() {
		return r.Via.String() + ": "
	}
	return ""
}

// speech is what a segment says, in quotation marks.
func speech(r *Row) string { return `"` + r.Text + `"` }

// labelsOf are a row's labels in words.
func labelsOf(r *Row) (list []string) {
	for i := range r.Notes {
		list = append(list, noteWord(r, &r.Notes[i]))
	}
	return list
}

// noteWord is a label, with the frame that it is about where that is another one.
func noteWord(r *Row, n *Note) string {
	if n.Frame != r.Frame && n.Frame != 0 {
		return fmt.Sprintf("frame %d: %s", n.Frame, n.Word)
	}
	return n.Word
}

// placed is a label in its column: at most two stand beside a row.
type placed struct {
	word, tone string
	shift      float64
}

func columnOf(r *Row) []placed {
	var list []placed
	for i := range r.Notes {
		if n := &r.Notes[i]; says(r, n) {
			list = append(list, placed{word: noteWord(r, n), tone: toneOf(n.Label)})
		}
	}
	if len(list) > 2 {
		list[1].word = fmt.Sprintf("%s +%d more", list[1].word, len(list)-2)
		list = list[:2]
	}
	if len(list) == 2 {
		list[0].shift, list[1].shift = -7, 7
	}
	return list
}

// rowTitle is all that is known of a row, for its tooltip.
func rowTitle(t *Talk, r *Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "frame %d at %s s, from %s: %s", r.Frame, timeText(r.Time-t.Origin), t.Ends[r.From].Addr, strings.Join(arrowWords(r), " "))
	for i := range r.Notes {
		fmt.Fprintf(&b, "\n%s: %s", noteWord(r, &r.Notes[i]), r.Notes[i].Why)
	}
	return b.String()
}

// rowClass says how a row is drawn.
func rowClass(r *Row, lost bool) string {
	class := fmt.Sprintf("row from%d", r.From)
	if r.Len == 0 && r.Flags&(tcp.SYN|tcp.FIN|tcp.RST) == 0 {
		class += " pure"
	}
	if r.Via.IsValid() {
		class += " via"
	}
	if lost {
		class += " lost"
	}
	return class
}

// timeText writes nanoseconds as seconds to the microsecond.
func timeText(ns int64) string {
	sign := ""
	if ns < 0 {
		sign, ns = "-", -ns
	}
	return fmt.Sprintf("%s%d.%06d", sign, ns/1e9, ns%1e9/1e3)
}

// toneOf sorts labels into the few kinds that colours tell apart; the words say which.
func toneOf(l flow.Label) string {
	switch l {
	case flow.LabelRetransmission, flow.LabelTimeoutRetransmission, flow.LabelFastRetransmission, flow.LabelTailLossProbe,
		flow.LabelRefused, flow.LabelReset, flow.LabelChecksumBad, flow.LabelMSSExceeded, flow.LabelUnreachable, flow.LabelNotCaptured:
		return "loss"
	case flow.LabelSpurious, flow.LabelOutOfOrder, flow.LabelDuplicate, flow.LabelDSACK:
		return "order"
	case flow.LabelWindowUpdate, flow.LabelZeroWindow, flow.LabelZeroWindowProbe, flow.LabelProbeACK, flow.LabelWindowFull:
		return "window"
	case flow.LabelFIN, flow.LabelHalfClose, flow.LabelFinalFIN, flow.LabelFinalACK, flow.LabelCrossedFIN, flow.LabelTimeWaitACK:
		return "close"
	}
	return "note"
}

// kindOf sorts the states by what an end can do in them; the bar says which it is.
func kindOf(s tcp.State) string {
	switch s {
	case tcp.Listen, tcp.SynSent, tcp.SynReceived:
		return "open"
	case tcp.Established:
		return "up"
	case tcp.FinWait1, tcp.FinWait2, tcp.Closing, tcp.TimeWait:
		return "active"
	case tcp.CloseWait, tcp.LastAck:
		return "passive"
	}
	return "closed"
}

// turned is the attribute that turns text along an arrow.
func turned(slope, x, y float64) string {
	if math.Abs(slope) < 0.001 {
		return ""
	}
	return fmt.Sprintf(` transform="rotate(%.2f %g %.1f)"`, math.Atan(slope)*180/math.Pi, x, y)
}

// arrowHead is the outline of a tip at x1, y1 on the way from x0, y0.
func arrowHead(x0, y0, x1, y1 float64) string {
	length := max(1, math.Hypot(x1-x0, y1-y0))
	ux, uy := (x1-x0)/length, (y1-y0)/length
	point := func(back, side float64) string {
		return fmt.Sprintf("%.1f %.1f", x1-ux*back-uy*side, y1-uy*back+ux*side)
	}
	return "M" + point(0, 0) + "L" + point(9, 4) + "L" + point(9, -4) + "Z"
}

// xmlText escapes text for XML.
func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(inert(s))) // a Builder takes everything
	return b.String()
}

// inert is text without the characters that do something instead of being seen:
// controls, which XML does not allow either, and those that turn the direction of
// what stands around them. What came from the wire has none: it was escaped.
func inert(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
