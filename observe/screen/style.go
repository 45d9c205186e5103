package screen

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// ink is how text stands out: SGR parameters. What it says, a character or a word says too.
type ink string

const (
	inkNone ink = ""
	inkBold ink = "1"
	inkDim  ink = "2"
	inkBad  ink = "31"
	inkGood ink = "32"
	inkNote ink = "33"
	inkHead ink = "1;34"

	inkWrong ink = "4;31"
)

// paint writes text in an ink. Paint does not nest.
func paint(i ink, text string) string {
	if i == inkNone || text == "" {
		return text
	}
	return "\x1b[" + string(i) + "m" + text + "\x1b[0m"
}

// glyphs are the characters that we draw with, beside the words.
type glyphs struct {
	ascii                      bool
	cursor, down, up, ellipsis string
	line, tick, corner         string // of axes
	arrow, dash                string
}

func glyphsOf(ascii bool) glyphs {
	if ascii {
		return glyphs{true, ">", "v", "^", "...", "-", "|", "+", ">", "-"}
	}
	return glyphs{false, "›", "▼", "▲", "…", "─", "┤", "└", "→", "–"}
}

// cut shortens text, which may have colours, to width columns.
func (g glyphs) cut(text string, width int) string {
	if ansi.StringWidth(text) <= width {
		return text
	}
	return ansi.Truncate(text, max(width, 0), ansi.Truncate(g.ellipsis, max(width, 0), ""))
}

// own replaces what our own words have beyond ASCII.
func (g glyphs) own(text string) string {
	if g.ascii {
		return strings.ReplaceAll(text, "µ", "u")
	}
	return text
}

// nbsp keeps words together where wrap breaks lines.
const nbsp = "\u00a0"

// wrap breaks text into lines of at most width columns.
func wrap(text string, width int) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(ansi.Wrap(text, max(width, 8), ""), "\n")
	for i := range lines {
		lines[i] = strings.ReplaceAll(strings.TrimSpace(lines[i]), nbsp, " ")
	}
	return lines
}

// some returns the first most of lines; where there are more the last one shows it.
func (g glyphs) some(lines []string, most, width int) []string {
	if len(lines) <= most {
		return lines
	}
	lines = lines[:most:most]
	lines[most-1] = ansi.Truncate(lines[most-1], width-1-ansi.StringWidth(g.ellipsis), "") + " " + g.ellipsis
	return lines
}

// fill adds spaces up to width columns.
func fill(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}

// ends puts two texts at either end of a line; the second goes first where both have no room.
func (g glyphs) ends(left, right string, width int) string {
	room := width - ansi.StringWidth(right) - 2
	if room < 8 {
		return g.cut(left, width)
	}
	return fill(g.cut(left, room), room+2) + right
}

// beside puts right next to left, which takes width columns.
func beside(left, right []string, width int) []string {
	lines := make([]string, max(len(left), len(right)))
	for i := range lines {
		if i < len(left) {
			lines[i] = left[i]
		}
		if i < len(right) {
			lines[i] = fill(lines[i], width) + right[i]
		}
	}
	return lines
}
