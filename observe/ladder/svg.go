package ladder

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"dialtone/app/quantity"
)

// MaxPictureRows is how many rows WriteSVG draws: more are no picture any more. The
// steady part of a long transfer is one line, whatever its length.
const MaxPictureRows = 1000

// Measures of a picture from left to right, in pixels: times, states, the ladder
// between its verticals, states, labels.
const (
	svgWidth  = 1040.0
	svgTime   = 88.0 // where times end
	svgGutter = 92.0 // of states
	svgLeft   = 196.0
	svgRight  = 656.0
	svgLabels = svgRight + svgGutter + 14
	advance   = 7.4 / 12 // of a character, in parts of its size: more than any usual monospaced font's
)

// WriteSVG draws one conversation as a ladder: a picture that needs nothing else,
// on light or dark paper as its reader has it. Its title and description say it in
// words for who does not see it; the reason of a label is in its row's title.
func WriteSVG(w io.Writer, talk *Talk) error {
	rows, folds := foldRows(talk.Rows)
	left := talk.Left
	if len(rows) > MaxPictureRows {
		left += int64(len(rows) - MaxPictureRows)
		rows = rows[:MaxPictureRows]
		delete(folds, MaxPictureRows)
	}
	p := &picture{talk: talk, rows: rows, layout: arrange(talk, rows, folds), left: left, w: bufio.NewWriter(w)}
	p.draw()
	return p.w.Flush()
}

// picture is one SVG being written.
type picture struct {
	talk *Talk
	rows []Row
	*layout
	left int64 // rows that are not drawn
	w    *bufio.Writer
	top  float64 // of the ladder
}

func (p *picture) draw() {
	head := p.heading()
	p.top = 34 + 17*float64(len(head)) + 34
	foot := 0.0
	if p.left > 0 {
		foot = 26
	}
	height := p.top + p.height + foot + 14
	p.open(height)
	p.put(`<rect class="paper" width="%g" height="%g"/>`, svgWidth, height)
	p.text("title", 16, 28, "start", p.title(), svgWidth-32, 15)
	for i, line := range head {
		p.text("facts", 16, 49+17*float64(i), "start", line, svgWidth-32, 12)
	}
	for e, x := range [2]float64{svgLeft, svgRight} {
		p.text(fmt.Sprintf("end%d", e), x, p.top-12, "middle", p.talk.Ends[e].Addr.String(), 2*(svgLeft-16), 12)
	}
	p.put(`<g transform="translate(0 %g)">`, p.top)
	p.lives()
	for i := range p.rows {
		p.row(i)
	}
	p.put(`</g>`)
	if p.left > 0 {
		p.text("phase", (svgLeft+svgRight)/2, p.top+p.height+18, "middle", p.notice(), svgWidth-32, 11)
	}
	p.put(`</svg>`)
}

// open writes what stands before the drawing: names for who does not see it, colours.
func (p *picture) open(height float64) {
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%.1f" viewBox="0 0 %g %.1f" role="img" aria-labelledby="title desc">`,
		svgWidth, height, svgWidth, height)
	p.put(`<title id="title">%s</title>`, xmlText(p.title()))
	p.put(`<desc id="desc">%s</desc>`, xmlText(p.description()))
	p.put("<style>\n%s</style>", svgStyle())
}

func (p *picture) title() string {
	c := &p.talk.Conversation
	return fmt.Sprintf("%s %s → %s%s", c.Protocol, c.Ends[0].Addr, c.Ends[1].Addr, vlanText(c.VLAN))
}

// heading are the facts, as many in a line as there is room for.
func (p *picture) heading() (lines []string) {
	room := columnsIn(svgWidth-32, 12)
	for _, f := range factsOf(p.talk) {
		fact := f.name + " " + f.value
		if last := len(lines) - 1; last >= 0 && columns(lines[last])+3+columns(fact) <= room {
			lines[last] += " · " + fact
		} else {
			lines = append(lines, wrap(fact, room)...)
		}
	}
	return lines
}

// description tells the ladder in words, row by row as far as labels go.
func (p *picture) description() string {
	var b strings.Builder
	b.WriteString(strings.Join(p.heading(), " "))
	for i := range p.rows {
		if r := &p.rows[i]; len(r.Notes) > 0 && b.Len() < 4000 {
			fmt.Fprintf(&b, ". Frame %d from %s: %s", r.Frame, p.talk.Ends[r.From].Addr, strings.Join(labelsOf(r), ", "))
		}
	}
	return b.String() + "."
}

func (p *picture) notice() string {
	return quantity.CountOf(p.left, "more row") + " not drawn here: a filter chooses what is, dialtone trace --html has more room"
}

// lives draws what runs along the ladder: verticals, states and rules.
func (p *picture) lives() {
	for e, x := range [2]float64{svgLeft - svgGutter - 4, svgRight + 4} {
		for _, b := range p.states[e] {
			kind, room := kindOf(b.state), b.to-b.from
			p.put(`<rect class="state %s" x="%g" y="%.1f" width="%g" height="%.1f"><title>%s</title></rect>`, kind, x, b.from, svgGutter, room, b.state)
			if room >= 12 {
				p.text("name "+kind, x+svgGutter/2, b.from+min(15, room/2+4), "middle", b.state.String(), svgGutter, 10)
			}
		}
	}
	for _, r := range p.rules {
		middle := (svgLeft + svgRight) / 2
		half := min(float64(columns(r.text))*11*advance/2, middle-svgLeft-30) + 10
		p.line("rule", svgLeft+8, r.y, middle-half, r.y)
		p.line("rule", middle+half, r.y, svgRight-8, r.y)
		for _, l := range r.aside {
			p.text("label "+l.tone, svgLabels, r.y+4+l.shift, "start", l.word, svgWidth-svgLabels-8, 11)
		}
		p.text("phase", middle, r.y+4, "middle", r.text, svgRight-svgLeft-40, 11)
	}
	p.line("life", svgLeft, 0, svgLeft, p.height)
	p.line("life", svgRight, 0, svgRight, p.height)
}

func (p *picture) row(i int) {
	r, y := &p.rows[i], p.y[i]
	p.put(`<g class="%s"><title>%s</title>`, rowClass(r, p.lost[i]), xmlText(rowTitle(p.talk, r)))
	p.text("time", svgTime, y+4, "", timeText(r.Time-p.talk.Origin), svgTime, 12)
	p.arrow(i)
	for _, l := range columnOf(r) {
		p.text("label "+l.tone, svgLabels, y+4+l.shift, "start", l.word, svgWidth-svgLabels-8, 11)
	}
	p.put(`</g>`)
}

// arrow draws row i's arrow, with its words above it and what it says beneath; one
// that was lost ends on the way.
func (p *picture) arrow(i int) {
	r := &p.rows[i]
	x0, x1, toward := svgLeft, svgRight, 1.0
	if r.From == 1 {
		x0, x1, toward = svgRight, svgLeft, -1
	}
	y0, y1 := p.leave[i], p.arrive[i]
	slope := (y1 - y0) / (x1 - x0)
	if p.lost[i] {
		x1 = x0 + (x1-x0)*0.72
		y1 = y0 + (x1-x0)*slope
		p.put(`<path class="cross" d="M%.1f %.1fl10 10m0-10l-10 10"/>`, x1-5, y1-5)
	} else {
		p.put(`<path class="head" d="%s"/>`, arrowHead(x0, y0, x1, y1))
	}
	p.line("arrow", x0, y0, x1-6*toward, y1-6*toward*slope)
	p.along("what", x0, y0, -5, toward, slope, p.words(i))
	if r.Text != "" && r.Len > 0 {
		p.along("said", x0, y0, 14, toward, slope, fineGlyphs.cut(speech(r), columnsIn(p.beneath(i), 12)))
	}
}

// words are those on row i's arrow: as many as fit on half of it, where another one
// crosses it.
func (p *picture) words(i int) string {
	room := svgRight - svgLeft - 24
	if p.cross(i-1, i) || p.cross(i, i+1) {
		room = (svgRight-svgLeft)/2 - 24
	}
	return fineGlyphs.fit(arrowWords(&p.rows[i]), columnsIn(room, 12))
}

// cross reports whether the arrows of two rows, one beneath the other, cross.
func (p *picture) cross(i, k int) bool {
	return i >= 0 && k < len(p.rows) && p.rows[i].From != p.rows[k].From && p.leave[k] < p.arrive[i] && p.leave[i] < p.arrive[k]
}

// beneath is how much room there is below row i's arrow. Words on the next arrow that
// come the other way limit it: to where they end, or to where the two lines, which
// both go down, come too close to each other.
func (p *picture) beneath(i int) float64 {
	const all = svgRight - svgLeft - 24
	k := i + 1
	if k == len(p.rows) || p.rows[k].From == p.rows[i].From {
		return all
	}
	const apart = 14 + 5 + 12 // from an arrow to the words below it, from words to their arrow, and their height
	gap := p.arrive[k] - p.leave[i] - apart
	down := p.arrive[i] - p.leave[i] + p.arrive[k] - p.leave[k]
	meet := float64(all)
	if down > 0 {
		meet = gap/down*(svgRight-svgLeft) - 9
	}
	next := float64(columns(p.words(k))) * 12 * advance
	return min(all, max(90, all-next, meet))
}

// along writes words along an arrow, beside its start and dy above or beneath it.
func (p *picture) along(class string, x0, y0, dy, toward, slope float64, words string) {
	anchor := "start"
	if toward < 0 {
		anchor = "end"
	}
	p.put(`<text class="%s" x="%g" y="%.1f" text-anchor="%s"%s>%s</text>`, class, x0+9*toward, y0+dy, anchor, turned(slope, x0, y0), xmlText(words))
}

// text writes s at a place, cut to the room there is for it in a font of size pixels.
func (p *picture) text(class string, x, y float64, anchor, s string, room, size float64) {
	if anchor != "" {
		anchor = ` text-anchor="` + anchor + `"`
	}
	p.put(`<text class="%s" x="%g" y="%.1f"%s>%s</text>`, class, x, y, anchor, xmlText(fineGlyphs.cut(s, columnsIn(room, size))))
}

func (p *picture) line(class string, x0, y0, x1, y1 float64) {
	p.put(`<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x0, y0, x1, y1)
}

// columnsIn is how many columns of text fit into room pixels in a font of size pixels.
func columnsIn(room, size float64) int { return int(room / (size * advance)) }

// put writes one line. The writer keeps its first error until it is flushed.
func (p *picture) put(format string, args ...any) {
	fmt.Fprintf(p.w, format+"\n", args...)
}
