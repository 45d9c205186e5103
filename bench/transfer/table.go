//go:build linux

package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
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
	b.WriteString(grid(lines))
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
	rate := digits(c.mbs)
	if c.cut {
		rate += " (cut)"
	}
	cells := []string{rate, digits(c.cpu)}
	for _, rss := range []int64{c.from, c.to} {
		text := "–"
		if rss > 0 {
			text = digits(float64(rss) / (1 << 20))
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
		verdict, _ := g.check(cells)
		lines = append(lines, []string{g.text, verdict})
	}
	return "\n" + grid(lines) + "\n"
}

// grid aligns a Markdown table; the first line is its head.
func grid(lines [][]string) string {
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, text := range line {
			width[i] = max(width[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	write := func(line []string) {
		for i, text := range line {
			fmt.Fprintf(&b, "| %s%s ", text, strings.Repeat(" ", width[i]-utf8.RuneCountInString(text)))
		}
		b.WriteString("|\n")
	}
	write(lines[0])
	rule := make([]string, len(width))
	for i, n := range width {
		rule[i] = strings.Repeat("-", n)
	}
	write(rule)
	for _, line := range lines[1:] {
		write(line)
	}
	return b.String()
}

// digits writes a figure with two or three that count.
func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
