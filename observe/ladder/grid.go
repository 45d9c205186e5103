package ladder

import (
	"fmt"
	"strconv"
	"strings"

	"dialtone/app/quantity"
	"dialtone/transport/tcp"
)

// grid is where the columns of a ladder are:
//
//	frame     time      states │ arrow                       │ states and labels
//	    3 0.000041 ESTABLISHED │ ACK 1 win 64256 ──────────→ │ …
type grid struct{ frame, time, gutter, arrow, right int }

// gutterWidth is that of the longest state, ESTABLISHED.
const gutterWidth = 11

// wide is the arrow from which on a segment's length stands beside its range.
const wide = 46

func (s *Style) grid() grid {
	g := grid{frame: 4, time: 8, gutter: gutterWidth}
	if s.Absolute {
		g.time = len("15:04:05.000000")
	}
	return g.share(s.width())
}

// share gives what is left of width to the arrow and to what stands behind it.
func (g grid) share(width int) grid {
	rest := width - g.left() - len("||") - len(" ")
	g.right = min(max(rest*2/5, rest-58, min(22, rest-24)), 72)
	g.arrow = max(min(rest-g.right, 58), 12)
	return g
}

// grow makes room for a frame's number and a time. Columns only ever move to the
// right: what was drawn is not drawn again.
func (w *Writer) grow(frame int64, time string) {
	g := w.grid
	g.frame, g.time = max(g.frame, len(strconv.FormatInt(frame, 10))), max(g.time, len(time))
	if g != w.grid {
		w.grid = g.share(w.style.width())
	}
}

// left is the column of the left vertical.
func (g grid) left() int { return g.frame + 1 + g.time + 1 + g.gutter + 1 }

// block is one row of a ladder as it is printed: a line, and lines beneath it
// between the verticals and behind the right one.
type block struct {
	frame       int64
	time        string
	left, right string   // states, where they have changed
	arrow       string   // as wide as the grid has it
	inner       []inked  // beneath the arrow
	outer       []string // behind the right vertical; the first on the arrow's line
	outerInk    ink
	beneath     []string // beneath all, across the right vertical
}

// inked is text in a colour.
type inked struct {
	ink
	text string
}

// print writes the block's lines.
func (w *Writer) print(b *block) {
	g, s, bar := w.grid, &w.style, w.style.paint(inkDim, w.glyphs.vertical)
	w.line(s.paint(inkDim, fmt.Sprintf("%*d %*s", g.frame, b.frame, g.time, b.time)) + " " + s.paint(inkState, padLeft(b.left, g.gutter)) + " " +
		bar + b.arrow + bar + w.behind(b))
	blank := strings.Repeat(" ", g.left())
	for i := range max(len(b.inner), len(b.outer)) {
		var in inked
		out := ""
		if i < len(b.inner) {
			in = b.inner[i]
		}
		if i < len(b.outer) {
			out = " " + s.paint(b.outerInk, b.outer[i])
		}
		w.line(blank + bar + s.paint(in.ink, padRight(in.text, g.arrow)) + bar + out)
	}
	for _, text := range b.beneath {
		w.line(blank + bar + " " + s.paint(inkDim, text))
	}
}

// behind is what stands behind the right vertical on the arrow's line: the state,
// and the first of the labels where both fit. It takes that label out of b.
func (w *Writer) behind(b *block) string {
	text := ""
	if b.right != "" {
		text = " " + w.style.paint(inkState, b.right)
	}
	used := columns(b.right)
	if used > 0 {
		used += 2
		text += "  "
	} else {
		text += " "
	}
	if len(b.outer) > 0 && used+columns(b.outer[0]) <= w.grid.right {
		text += w.style.paint(b.outerInk, b.outer[0])
		b.outer = b.outer[1:]
	}
	return text
}

// line writes one line, without the spaces at its end.
func (w *Writer) line(text string) {
	w.out.WriteString(strings.TrimRight(text, " "))
	w.out.WriteByte('\n')
}

// arrowOf draws a row's arrow, as wide as the grid has it.
func (w *Writer) arrowOf(r *Row) string {
	room := w.grid.arrow - 3 // a space before the text and one behind, and the arrow's head
	return w.shaft(r.From, w.glyphs.fit(w.words(r), room), w.glyphs.line, inkOf(r))
}

// shaft is an arrow from end from, with text beside its start.
func (w *Writer) shaft(from int, text, line string, c ink) string {
	g := w.glyphs
	n := max(0, w.grid.arrow-columns(text)-3)
	shaft := strings.Repeat(line, n)
	if from == 0 {
		return " " + w.style.paint(c, text) + " " + w.style.paint(inkDim, shaft) + w.style.paint(c, g.right)
	}
	return w.style.paint(c, g.left) + w.style.paint(inkDim, shaft) + " " + w.style.paint(c, text) + " "
}

// words are what an arrow says, the most important first. A number behind a flag
// is the one that the flag is about: SYN 0, PSH 1:13 (the bytes from 1 up to 13,
// not included), ACK 13.
func (w *Writer) words(r *Row) []string {
	if r.Text != "" && r.Flags == 0 && r.Len == 0 {
		return []string{r.Text} // an ICMP error
	}
	if r.Flags == 0 && !isTCP(r) {
		return []string{quantity.CountOf(int64(r.Len), "byte")}
	}
	list := []string{flagWords(r)}
	if r.Len > 0 && w.grid.arrow >= wide {
		list = append(list, fmt.Sprintf("len %d", r.Len))
	}
	if r.Window >= 0 && r.Flags&tcp.RST == 0 {
		list = append(list, fmt.Sprintf("win %d", r.Window))
	}
	return list
}

// flagWords are the flags with their numbers.
func flagWords(r *Row) string {
	first, text := r.Flags&^tcp.ACK, ""
	if first != 0 {
		text = first.String()
	}
	switch {
	case r.Len > 0:
		text += fmt.Sprintf(" %d:%d", r.Seq, r.Seq+uint32(r.Len))
	case r.showsSeq():
		text = strings.TrimSpace(text + " seq")
		fallthrough
	case first&(tcp.SYN|tcp.FIN|tcp.RST|tcp.URG) != 0:
		text += fmt.Sprintf(" %d", r.Seq)
	}
	if r.Flags&tcp.ACK != 0 {
		text += fmt.Sprintf(" ACK %d", r.Ack)
	}
	return strings.TrimSpace(text)
}

// fit joins as many of the words as there is room for, at least the first.
func (g *glyphs) fit(list []string, room int) string {
	text := g.cut(list[0], room)
	for _, word := range list[1:] {
		if columns(text)+1+columns(word) <= room {
			text += " " + word
		}
	}
	return text
}
