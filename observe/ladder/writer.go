package ladder

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// Writer draws conversations as ladders, row by row as the packets come.
//
//  1. Event gets what a packet did and finds the strand of its conversation.
//  2. The strand keeps back the rows of a long run of data (fold.go), and names the
//     phase that a row begins.
//  3. A row becomes a block (row.go, grid.go), and a block lines.
//  4. End draws what was kept back, and the foot: how the conversation went.
//
// Rows are written when the buffer is full and with Flush.
type Writer struct {
	style   Style
	glyphs  *glyphs
	grid    grid
	out     *bufio.Writer
	origin  int64           // the time that is 0, of a live ladder, or of the frames of no conversation
	strands map[int]*strand // by conversation: one, or many when live
	last    int             // the conversation of the row printed last; 0 for none
	titled  bool            // something stands above
	events  int64           // that were drawn or kept back
}

// maxStrands bounds how many conversations of a live ladder are kept apart.
const maxStrands = 4096

// NewWriter returns a Writer of ladders to w.
func NewWriter(w io.Writer, s Style) *Writer {
	return &Writer{
		style: s, glyphs: s.glyphs(), grid: s.grid(),
		out: bufio.NewWriterSize(w, 64<<10), strands: map[int]*strand{},
	}
}

// strand is what the drawing of one conversation needs to remember.
type strand struct {
	talk    *flow.Conversation
	origin  int64 // the time that is 0
	phase   phase
	fold    fold
	ended   bool    // its foot is drawn: of a live one as soon as it is closed
	midline [2]bool // an end's last payload did not end a line
	row     Row     // the one being drawn, reused
}

// Event draws what a packet did. The rows of a long run may come later.
func (w *Writer) Event(e *flow.Event) error {
	s := w.strandOf(e)
	r := &s.row
	r.set(e)
	r.Fragments = e.Packet.Fragments
	if r.Len == 0 || !s.midline[r.From] { // else it goes on with a line that was begun
		r.says(e)
	}
	if w.style.Expand || !s.fold.takes(r, e.Findings) {
		w.unfold(s)
		r.Notes = notesOf(e.Findings)
		w.row(s, r)
	} else if w.style.Live && s.fold.sum.rows() > 0 && r.Time-s.fold.sum.first > long {
		w.unfold(s)
	}
	s.follow(e)
	if w.style.Live && e.Talk.Closed != flow.HowNot && !s.ended {
		w.unfold(s)
		w.foot(e.Talk)
		s.ended = true
	}
	return w.flushEarly()
}

// follow remembers whether an end is in the middle of a line.
func (s *strand) follow(e *flow.Event) {
	if p := e.Packet.Payload; len(p) > 0 {
		s.midline[e.From] = p[len(p)-1] != '\n'
		s.midline[1-e.From] = false
	}
}

func (w *Writer) strandOf(e *flow.Event) *strand {
	s := w.strands[e.Talk.ID]
	if s != nil {
		return s
	}
	if len(w.strands) >= maxStrands {
		w.forget()
	}
	if w.origin == 0 && w.style.Live {
		w.origin = e.Packet.Time
	}
	s = &strand{talk: e.Talk, origin: e.Talk.First}
	if w.style.Live {
		s.origin = w.origin
	}
	w.strands[e.Talk.ID] = s
	return s
}

// forget makes room for another conversation: any of those that keep nothing
// back, or else one that does, whose rows are not drawn.
func (w *Writer) forget() {
	for id, s := range w.strands {
		if s.fold.empty() {
			delete(w.strands, id)
			return
		}
	}
	for id := range w.strands {
		delete(w.strands, id)
		return
	}
}

// Frame draws a frame that belongs to no conversation, in one line.
func (w *Writer) Frame(p *capture.Packet) error {
	if w.origin == 0 {
		w.origin = p.Time
	}
	if w.last != 0 || !w.titled {
		w.space()
		w.line(w.style.paint(inkHead, "frames of no conversation"))
		w.last = 0
	}
	time := w.timeOf(p.Time, w.origin)
	w.grow(p.Number, time)
	text := w.glyphs.cut(w.glyphs.own(Summary(p)), w.style.width()-w.grid.frame-w.grid.time-2)
	w.line(w.style.paint(inkDim, fmt.Sprintf("%*d %*s", w.grid.frame, p.Number, w.grid.time, time)) + " " + text)
	return w.flushEarly()
}

// End draws what a conversation still has, and its foot: how it went.
func (w *Writer) End(c *flow.Conversation) error {
	s := w.strands[c.ID]
	if s != nil {
		w.unfold(s)
		delete(w.strands, c.ID)
	}
	if s == nil || !s.ended {
		w.foot(c)
	}
	return w.flushEarly()
}

// Flush draws the rows that were kept back in hope of more of their kind.
func (w *Writer) Flush() error {
	for _, id := range slices.Sorted(maps.Keys(w.strands)) {
		w.unfold(w.strands[id])
	}
	return w.out.Flush()
}

// shownAtOnce is how many packets are shown as soon as they are drawn, for who reads
// the first of a large capture.
const shownAtOnce = 64

// flushEarly hands on what was drawn when somebody waits for it.
func (w *Writer) flushEarly() error {
	if w.events++; w.style.Live || w.events <= shownAtOnce {
		return w.out.Flush()
	}
	return nil
}

// row draws one row, with the heading or the phase that it begins.
func (w *Writer) row(s *strand, r *Row) {
	w.turnTo(s)
	if p := s.phase.next(r); p != s.phase {
		s.phase = p
		w.rule(p.String())
	}
	w.print(w.blockOf(s, r))
}

// turnTo says which conversation the rows that follow are of.
func (w *Writer) turnTo(s *strand) {
	c := s.talk
	if w.last == c.ID {
		return
	}
	if s.phase == phaseNone {
		w.heading(c)
	} else {
		w.space()
		w.line(w.style.paint(inkHead, w.title(c)))
	}
	if s.phase == phaseNone && c.Protocol != internet.TCP {
		s.phase = phaseData
	}
	w.last = c.ID
}

// space leaves a line free between what stands above and what comes.
func (w *Writer) space() {
	if w.titled {
		w.line("")
	}
	w.titled = true
}

func (w *Writer) timeOf(t, origin int64) string {
	if w.style.Absolute {
		return w.style.clock(t)
	}
	d, sign := t-origin, ""
	if d < 0 {
		d, sign = -d, "-"
	}
	return fmt.Sprintf("%s%d.%06d", sign, d/1e9, d%1e9/1e3)
}
