package ladder

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"dialtone/app/escape"
	"dialtone/app/quantity"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// A Follower is a Sink that puts the bytes of each direction together again, as
// their receiver would, and hands the pieces on in the order in which they could be
// read.
type Follower struct {
	piece func(*flow.Conversation, flow.Piece) error
	end   func(*flow.Conversation) error
	talks map[int]*flow.Reassembly
	err   error
}

// maxFollowed bounds how many conversations are put together at the same time.
const maxFollowed = 1 << 12

// NewFollower returns a Follower that calls piece for each piece, and end behind the
// last one of a conversation.
func NewFollower(piece func(*flow.Conversation, flow.Piece) error, end func(*flow.Conversation) error) *Follower {
	return &Follower{piece: piece, end: end, talks: map[int]*flow.Reassembly{}}
}

// Event takes the bytes of a packet.
func (f *Follower) Event(e *flow.Event) error {
	r := f.talks[e.Talk.ID]
	if r == nil {
		if len(f.talks) >= maxFollowed {
			return fmt.Errorf("more than %d conversations at the same time: follow fewer, with a filter", maxFollowed)
		}
		talk := e.Talk
		r = flow.NewReassembly(0, func(p flow.Piece) {
			if f.err == nil {
				f.err = f.piece(talk, p)
			}
		})
		f.talks[talk.ID] = r
	}
	r.Add(e)
	return f.err
}

// Frame has no bytes that belong to a conversation.
func (f *Follower) Frame(*capture.Packet) error { return nil }

// End hands on what still waits for bytes before it.
func (f *Follower) End(c *flow.Conversation) error {
	if r := f.talks[c.ID]; r != nil {
		r.Close()
		delete(f.talks, c.ID)
		if f.err == nil {
			f.err = f.end(c)
		}
	}
	return f.err
}

// A Dialogue writes what both ends say, an arrow before each line.
type Dialogue struct {
	style   Style
	glyphs  *glyphs
	out     *bufio.Writer
	last    int  // the conversation that spoke last
	from    int  // its end
	midline bool // that had not ended its line
}

// NewDialogue returns a Dialogue on w.
func NewDialogue(w io.Writer, s Style) *Dialogue {
	return &Dialogue{style: s, glyphs: s.glyphs(), out: bufio.NewWriterSize(w, 64<<10)}
}

// Piece writes what an end says. Text is escaped line by line; what is no text is
// shown in hex.
func (d *Dialogue) Piece(c *flow.Conversation, p flow.Piece) error {
	d.turnTo(c)
	switch {
	case p.Data == nil && p.Gap > 0:
		d.line(p.From, d.style.paint(inkBad, fmt.Sprintf("(%s missing: not captured)", quantity.CountOf(p.Gap, "byte"))), true)
	case readable(p.Data):
		for line := range bytes.Lines(p.Data) {
			text, whole := bytes.CutSuffix(line, []byte("\n"))
			text, _ = bytes.CutSuffix(text, []byte("\r"))
			d.line(p.From, string(escape.Append(nil, text)), whole)
		}
	default:
		d.dump(p)
	}
	if d.style.Live {
		return d.out.Flush()
	}
	return nil
}

// End ends a conversation's last line.
func (d *Dialogue) End(*flow.Conversation) error {
	d.endLine()
	return nil
}

// Flush hands on what is written.
func (d *Dialogue) Flush() error { return d.out.Flush() }

func (d *Dialogue) turnTo(c *flow.Conversation) {
	if d.last == c.ID {
		return
	}
	d.endLine()
	if d.last != 0 {
		d.out.WriteByte('\n')
	}
	fmt.Fprintf(d.out, "%s\n", d.style.paint(inkHead, titleOf(c, d.glyphs)))
	d.last = c.ID
}

// line writes a line, or goes on with the one that this end has begun.
func (d *Dialogue) line(from int, text string, whole bool) {
	if !d.midline || from != d.from {
		d.endLine()
		d.out.WriteString(d.arrow(from) + " ")
	}
	d.out.WriteString(text)
	if whole {
		d.out.WriteByte('\n')
	}
	d.from, d.midline = from, !whole
}

func (d *Dialogue) arrow(from int) string {
	if from == 0 {
		return d.style.paint(inkState, d.glyphs.right)
	}
	return d.style.paint(inkNote, d.glyphs.left)
}

func (d *Dialogue) endLine() {
	if d.midline {
		d.out.WriteByte('\n')
		d.midline = false
	}
}

// dump writes bytes in hex, sixteen a line.
func (d *Dialogue) dump(p flow.Piece) {
	d.endLine()
	for at := 0; at < len(p.Data); at += 16 {
		part := p.Data[at:min(at+16, len(p.Data))]
		d.line(p.From, fmt.Sprintf("%04x  %-47s  %s", at, fmt.Sprintf("% x", part), plainText(part, d.glyphs.bullet)), true)
	}
}

// readable reports whether p is text: UTF-8 without control characters but tabs,
// line ends and escapes. A rune may be cut at its end.
func readable(p []byte) bool {
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		switch {
		case r == utf8.RuneError && size == 1:
			return !utf8.FullRune(p)
		case r < ' ' && r != '\t' && r != '\r' && r != '\n' && r != 0x1b, r == 0x7f:
			return false
		}
		p = p[size:]
	}
	return true
}
