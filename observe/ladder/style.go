package ladder

import (
	"strings"
	"time"

	"github.com/rivo/uniseg"
)

// Style says how text is laid out. The zero Style is plain: 80 columns, no colour.
type Style struct {
	Width    int            // columns there are, at least 72; 0 for no terminal: ladders take 80, tables what they need
	ASCII    bool           // no character beyond ASCII in what we draw; the wire's text keeps its own
	Colour   bool           // SGR sequences; what they mark is marked by place or word too
	Absolute bool           // times of day instead of seconds since the first packet
	Location *time.Location // of times of day; nil for UTC
	Why      bool           // the reason beneath each label
	Expand   bool           // nothing is folded
	Live     bool           // conversations in turn as their packets come, with one zero of time for all
}

// glyphs are the characters that a ladder is drawn with.
type glyphs struct {
	vertical, line, right, left string
	rule, dots                  string // of phases and folded runs
	ellipsis, micro, to, both   string
	times, dash, bullet, under  string
	corners                     [4]string // of boxes: top left, top right, bottom left, bottom right
}

var (
	fineGlyphs = glyphs{
		"│", "─", "→", "←", "┄", "┈", "…", "µs", "→", "↔", "×", "–", "·", "└",
		[4]string{"┌", "┐", "└", "┘"},
	}
	plainGlyphs = glyphs{
		"|", "-", ">", "<", ".", ".", "...", "us", "->", "<->", "x", "-", "*", "`-",
		[4]string{"+", "+", "+", "+"},
	}
)

func (s *Style) glyphs() *glyphs {
	if s.ASCII {
		return &plainGlyphs
	}
	return &fineGlyphs
}

func (s *Style) width() int {
	if s.Width == 0 {
		return 80
	}
	return max(s.Width, 72)
}

// ink is a colour: an SGR parameter.
type ink string

const (
	inkNone  ink = ""
	inkBold  ink = "1"
	inkDim   ink = "2"
	inkBad   ink = "31"   // red: broken off, refused, wrong
	inkGood  ink = "32"   // green: text that was said
	inkNote  ink = "33"   // yellow: labels
	inkState ink = "36"   // cyan: states
	inkHead  ink = "1;34" // headings
)

// paint colours s, or not.
func (s *Style) paint(c ink, text string) string {
	if !s.Colour || c == inkNone || strings.TrimSpace(text) == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// clock writes a time of day.
func (s *Style) clock(t int64) string { return s.at(t).Format("15:04:05.000000") }

// date writes a day and a time to the second, with the zone.
func (s *Style) date(t int64) string { return s.at(t).Format("2006-01-02 15:04:05 MST") }

func (s *Style) at(t int64) time.Time {
	if s.Location == nil {
		return time.Unix(0, t).UTC()
	}
	return time.Unix(0, t).In(s.Location)
}

// columns is how wide text is on a terminal.
func columns(text string) int {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return uniseg.StringWidth(text)
		}
	}
	return len(text)
}

// padRight and padLeft fill text with spaces to width columns.
func padRight(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

func padLeft(text string, width int) string {
	return strings.Repeat(" ", max(0, width-columns(text))) + text
}

// cut shortens text to width columns, with an ellipsis for what is gone.
func (g *glyphs) cut(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	room, end, state, rest := width-columns(g.ellipsis), 0, -1, text
	for rest != "" {
		var cluster string
		var w int
		if cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state); w > room {
			break
		}
		room, end = room-w, end+len(cluster)
	}
	if room < 0 {
		return ""
	}
	return text[:end] + g.ellipsis
}

// quote puts text between quotation marks, with an ellipsis behind them where there is
// more of it, or no room.
func (g *glyphs) quote(text string, more bool, width int) string {
	end := " " + g.ellipsis
	if !more {
		if columns(text)+2 <= width {
			return `"` + text + `"`
		}
	}
	if room := width - 2 - columns(end); columns(text) > room {
		text = g.cutPlain(text, max(room, 1))
	}
	return `"` + text + `"` + end
}

// wrap breaks text into lines of at most width columns, between words where it can.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range phrases(text, width) {
		for columns(word) > width {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := fineGlyphs.cutPlain(word, width)
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// phrases are the words of text, with those together that are read as one: "frame 8",
// "10.2 ms".
func phrases(text string, width int) (list []string) {
	for word := range strings.FieldsSeq(text) {
		n := len(list) - 1
		if n >= 0 && belongs(list[n], word) && columns(list[n])+1+columns(word) <= width {
			list[n] += " " + word
			continue
		}
		list = append(list, word)
	}
	return list
}

// belongs reports whether a word goes on the line of the one before: a number behind
// what it counts, a unit behind its number.
func belongs(before, word string) bool {
	switch {
	case before == "frame" || strings.HasSuffix(before, "RFC"):
		return digit(word[0])
	case strings.Contains(before, " "):
		return false
	}
	return digit(before[0]) && digit(before[len(before)-1]) && !digit(word[0]) && word[0] != '('
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// cutPlain returns the first clusters of text that fit, at least one.
func (*glyphs) cutPlain(text string, width int) string {
	end, state, rest := 0, -1, text
	for rest != "" {
		var cluster string
		var w int
		if cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state); w > width && end > 0 {
			break
		}
		width, end = width-w, end+len(cluster)
	}
	return text[:end]
}

// own replaces what our own sentences have beyond ASCII, where only ASCII is to
// be drawn.
func (g *glyphs) own(text string) string {
	if g == &plainGlyphs {
		return asciiOf(text)
	}
	return text
}
