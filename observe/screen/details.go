package screen

import (
	"fmt"
	"strings"

	"dialtone/app/escape"
	"dialtone/observe/explain"
	"dialtone/observe/sockets"

	"github.com/charmbracelet/x/ansi"
)

// findings are the sentences on what is off, and the figures they rest on.
func (o *opened) findings(m *Model, width int) (lines []string) {
	for _, f := range o.detail.Row.Findings {
		for i, line := range wrap(escape.String(f.Text), width-4) {
			mark := "  ! "
			if i > 0 {
				mark = "    "
			}
			lines = append(lines, paint(inkNote, mark+line))
		}
		var figures []string
		for _, g := range explain.Behind(f) {
			figures = append(figures, strings.ReplaceAll(g.Name+" "+g.Text, " ", nbsp))
		}
		for _, line := range wrap(strings.Join(figures, ", "), width-4) {
			lines = append(lines, paint(inkDim, "    "+line))
		}
	}
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	return lines
}

// transitions are the changes of state that were seen, with times and reasons.
func (o *opened) transitions(m *Model, width int) []string {
	d := &o.detail
	if d.Row.Network != "tcp" {
		return nil
	}
	about := ""
	if d.Earlier > 0 {
		about = fmt.Sprintf("the last %d of %d", len(d.History), len(d.History)+d.Earlier)
	}
	lines := []string{m.section("transitions", about)}
	for i := range d.History {
		t := &d.History[i]
		first := m.clock(t.At, "15:04:05.000000") + "  " + step(t)
		lines = append(lines, m.glyphs.cut(first, width))
		for _, line := range wrap(reason(t), width-6) {
			lines = append(lines, paint(inkDim, "      "+line))
		}
	}
	if len(d.History) == 0 {
		lines = append(lines, paint(inkDim, "none since the watch began"))
	}
	return append(lines, "")
}

func step(t *sockets.Transition) string {
	from := "?"
	if t.From != 0 {
		from = t.From.String()
	}
	return from + " > " + t.To.String()
}

// reason says what made a change.
func reason(t *sockets.Transition) string {
	a := explain.Explain(t.From, t.To)
	text := a.Cause
	if t.Process.PID != 0 {
		text += fmt.Sprintf(" of %s/%d", escape.String(t.Process.Name), t.Process.PID)
	}
	if a.Sends != "" {
		text += ", " + a.Sends + " goes out"
	}
	if t.Looked {
		text += " (seen by looking)"
	}
	return text + ". " + a.About
}

// figures are all that are known, in groups, with units and words.
func (o *opened) figures(m *Model, width int) (lines []string) {
	groups := explain.Figures(&o.detail.Row.Socket)
	names, texts := 0, 0
	for _, g := range groups {
		for _, f := range g.Figures {
			names, texts = max(names, ansi.StringWidth(f.Name)), max(texts, ansi.StringWidth(f.Text))
		}
	}
	names, texts = min(names, width/2), min(texts, 18)
	for _, g := range groups {
		lines = append(lines, m.section(g.Title))
		for _, f := range g.Figures {
			lines = append(lines, m.figure(f, names, texts, width))
		}
		lines = append(lines, "")
	}
	return lines
}

func (m *Model) figure(f explain.Figure, names, texts, width int) string {
	text := fill(m.glyphs.cut(f.Name, names), names) + "  " + escape.String(f.Text)
	if text = fill(text, names+2+texts); f.About != "" && ansi.StringWidth(text)+min(22, 2+ansi.StringWidth(f.About)) <= width {
		text += "  " + paint(inkDim, f.About)
	}
	return m.glyphs.cut(text, width)
}
