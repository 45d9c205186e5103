package ladder

import (
	"fmt"
	"slices"
	"strings"

	"dialtone/app/quantity"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// blockOf makes the lines of a row.
func (w *Writer) blockOf(s *strand, r *Row) *block {
	time := w.timeOf(r.Time, s.origin)
	w.grow(r.Frame, time)
	b := &block{
		frame:    r.Frame,
		time:     time,
		left:     changed(r, 0),
		right:    changed(r, 1),
		arrow:    w.arrowOf(r),
		outer:    w.labels(r),
		outerInk: inkOf(r),
	}
	if b.outerInk == inkNone {
		b.outerInk = inkNote
	}
	if r.Text != "" && r.Len > 0 {
		text := w.glyphs.quote(r.Text, r.More, w.grid.arrow-4)
		if r.From == 1 {
			text = padLeft(text, w.grid.arrow-4)
		}
		b.inner = append(b.inner, inked{inkGood, "  " + text})
	}
	if r.Via.IsValid() {
		b.inner = append(b.inner, inked{inkDim, "  from " + r.Via.String()})
	}
	if w.style.Why {
		b.beneath = w.reasons(r)
	}
	return b
}

// changed is the state of an end, where the row has changed it.
func changed(r *Row, end int) string {
	if r.Before[end] == r.After[end] || r.After[end] == 0 {
		return ""
	}
	return r.After[end].String()
}

// labels are the row's labels, in lines that fit behind the arrow.
func (w *Writer) labels(r *Row) []string {
	var words []string
	if n := len(r.Fragments); n > 0 {
		words = append(words, fmt.Sprintf("in %d fragments", n))
	}
	for i := range r.Notes {
		if says(r, &r.Notes[i]) {
			words = append(words, w.labelText(r, &r.Notes[i]))
		}
	}
	return wrap(strings.Join(words, ", "), w.grid.right)
}

// labelText is a label, with its frame where it is of an earlier one.
func (w *Writer) labelText(r *Row, n *Note) string {
	if n.Frame != r.Frame && n.Frame != 0 {
		return fmt.Sprintf("frame %d: %s", n.Frame, n.Word)
	}
	return n.Word
}

// says reports whether a label says more than the row's flags and its other labels
// do.
func says(r *Row, n *Note) bool {
	switch n.Label {
	case flow.LabelSYN, flow.LabelSYNACK, flow.LabelHandshake, flow.LabelFIN:
		return n.Frame != r.Frame
	}
	return !slices.ContainsFunc(r.Notes, func(m Note) bool { return finer(&m.Finding, &n.Finding) })
}

// finer reports whether f says of the same frame what g says, and more precisely.
func finer(f, g *flow.Finding) bool {
	return f.Frame == g.Frame && f.Label != g.Label && f.Label.Is(g.Label)
}

// reasons are why the row has its labels.
func (w *Writer) reasons(r *Row) (lines []string) {
	room := w.style.width() - w.grid.left() - 3
	for i := range r.Notes {
		if n := &r.Notes[i]; n.Why != "" {
			lines = append(lines, wrap(w.glyphs.own(w.labelText(r, n)+": "+n.Why), room)...)
		}
	}
	return lines
}

// asciiOf replaces the characters that our own sentences use.
var asciiOf = strings.NewReplacer("→", "->", "§", "section ", "µ", "u", "–", "-", "²", "^2").Replace

// inkOf is the colour of what a row means.
func inkOf(r *Row) ink {
	if isTCP(r) && r.Flags&tcp.RST != 0 {
		return inkBad
	}
	c := inkNone
	for i := range r.Notes {
		switch l := r.Notes[i].Label; {
		case l == flow.LabelChecksumBad, l == flow.LabelUnreachable, l == flow.LabelRefused, l == flow.LabelZeroWindow:
			return inkBad
		case l > flow.LabelPortReuse:
			c = inkNote
		}
	}
	return c
}

// unfold draws the rows that were kept back: one line for all but the last.
func (w *Writer) unfold(s *strand) {
	f := &s.fold
	if f.empty() {
		return
	}
	if f.sum.rows() > 0 {
		w.turnTo(s)
		w.print(w.foldBlock(s, f))
	}
	for i := range f.kept {
		r := &f.kept[i]
		r.Notes = notesOf(f.news[i])
		w.row(s, r)
	}
	f.kept, f.sum = f.kept[:0], folded{}
}

// foldBlock is the line in the place of rows that are not drawn: how many, how
// much, how fast, and what happened among them.
func (w *Writer) foldBlock(s *strand, f *fold) *block {
	sum := &f.sum
	took := sum.last - sum.first
	text := "in " + w.glyphs.took(took)
	if rate := rateText(sum.bytes, took); rate != "" {
		text += ", " + rate
	}
	if sum.acks > 0 {
		text += ", " + quantity.CountOf(sum.acks, "ACK") + " back"
	}
	time := w.timeOf(sum.first, s.origin)
	w.grow(sum.frame, time)
	b := &block{
		frame:    sum.frame,
		time:     time,
		arrow:    w.shaft(f.from, quantity.CountOf(sum.segments, "segment")+", "+quantity.Bytes(sum.bytes), w.glyphs.rule, inkBold),
		outerInk: inkNote,
	}
	for _, line := range wrap(text, w.grid.arrow-2) {
		if f.from == 1 {
			line = padLeft(line, w.grid.arrow-2)
		}
		b.inner = append(b.inner, inked{inkNone, " " + line})
	}
	for _, label := range sum.order() {
		b.outer = append(b.outer, wrap(quantity.Count(sum.labels[label])+" "+w.glyphs.times+" "+label.String(), w.grid.right)...)
	}
	return b
}

// order are the labels that were counted.
func (s *folded) order() (list []flow.Label) {
	for i, n := range s.labels {
		if n > 0 {
			list = append(list, flow.Label(i))
		}
	}
	slices.SortStableFunc(list, func(a, b flow.Label) int { return int(s.labels[b] - s.labels[a]) })
	return list
}
