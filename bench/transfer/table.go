//go:build linux

package main

import (
	"fmt"
	"strings"

	"dialtone/bench/report"
)

// report is a scene's table and its targets, as Markdown.
func (s *scene) report(cells map[string]sample) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", s.heading())
	all := allContenders()
	lines := [][]string{{"what", "MB/s", "CPU s/GiB", "MiB sender", "MiB receiver"}}
	for _, name := range s.contenders {
		if cell, ok := cells[name]; ok {
			lines = append(lines, append([]string{all[name].title}, cell.columns()...))
		}
	}
	b.WriteString(report.Grid(lines))
	b.WriteString(verdicts(s.goals, cells))
	return b.String()
}

func (s *scene) heading() string {
	if s.path == nil {
		return s.title
	}
	return s.title + ": " + s.path.String()
}

func (c sample) columns() []string {
	if c.note != "" {
		return []string{c.note, "", "", ""}
	}
	rate := report.Digits(c.mbs)
	if c.cut {
		rate += " (cut)"
	}
	cells := []string{rate, report.Digits(c.cpu)}
	for _, rss := range []int64{c.from, c.to} {
		text := "–"
		if rss > 0 {
			text = report.Digits(float64(rss) / (1 << 20))
		}
		cells = append(cells, text)
	}
	return cells
}

func verdicts(goals []goal, cells map[string]sample) string {
	if len(goals) == 0 {
		return "\n"
	}
	lines := [][]string{{"target", "reached"}}
	for _, g := range goals {
		lines = append(lines, []string{g.text, g.check(cells)})
	}
	return "\n" + report.Grid(lines) + "\n"
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
