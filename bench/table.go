package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"dialtone/bench/report"
)

// table is the answer: a row per load, a column per server, and at the right
// how dialtone compares.
type table struct {
	peers []peer
	lines [][]string
}

func (t *table) add(r row, cells map[string]sample) {
	line := []string{r.title}
	for _, p := range t.peers {
		line = append(line, r.cell(cells[p.name]))
	}
	line = append(line, r.compare(cells, "epoll"), r.compare(cells, r.bestGo(cells)))
	t.lines = append(t.lines, append(line, r.verdict(cells)...))
}

func (r row) cell(s sample) string {
	if s.note != "" {
		return s.note
	}
	if r.kind == idle {
		return fmt.Sprintf("%.1f", s.kib)
	}
	text := fmt.Sprintf("%s [%s]", report.Digits(s.rate), report.Digits(s.cpu))
	if r.kind == flow && r.conns*r.depth > 1 && s.busy < 0.9 && !s.disturbed() {
		text += "*"
	}
	if r.depth > 1 && r.network == "tcp" {
		text += fmt.Sprintf(" p99 %s ms", report.Digits(s.p99/1e3))
	}
	if s.disturbed() {
		text = "~" + text
	}
	if s.lost > 0 {
		text += fmt.Sprintf(" %.0f lost", s.lost)
	}
	return text
}

func (r row) compare(cells map[string]sample, peer string) string {
	ratio, known := r.ratio(cells, peer)
	if !known {
		return "–"
	}
	text := fmt.Sprintf("%.2f", ratio)
	if r.less() {
		text += " (less is better)"
	}
	return text
}

// verdict is the target and whether it is reached.
func (r row) verdict(cells map[string]sample) []string {
	if len(r.goals) == 0 {
		return []string{"–", "–"}
	}
	reached := "yes"
	var texts []string
	for _, g := range r.goals {
		texts = append(texts, g.text)
		met, known := g.met(r, cells)
		switch {
		case !known:
			reached = "–"
		case !met && reached == "yes":
			reached = "no"
		}
	}
	return []string{strings.Join(texts, ", "), reached}
}

func (t *table) String() string {
	head := []string{"what"}
	for _, p := range t.peers {
		head = append(head, p.title)
	}
	head = append(head, "dialtone / C epoll", "dialtone / best Go", "target", "reached")
	width := make([]int, len(head))
	rule := make([]string, len(head))
	for _, line := range append([][]string{head}, t.lines...) {
		for i, text := range line {
			width[i] = max(width[i], utf8.RuneCountInString(text))
		}
	}
	for i := range rule {
		rule[i] = strings.Repeat("-", width[i])
	}
	var b strings.Builder
	for _, line := range append([][]string{head, rule}, t.lines...) {
		for i, text := range line {
			fmt.Fprintf(&b, "| %s%s ", text, strings.Repeat(" ", width[i]-utf8.RuneCountInString(text)))
		}
		b.WriteString("|\n")
	}
	b.WriteString(legend)
	return b.String()
}

const legend = `
Thousand requests (or connections) per second [server CPU in µs for each]; KiB per idle connection.
* the server had idle time: the figure is the generator's or the latency's, not the server's limit.
~ other programs took more than 15 % of a CPU in every try; a row of throughput is then compared by CPU per request.
ncat and socat have a process for each connection, so they stop at 200 idle ones; ncat does not wait for all
of its processes, so its CPU for connections that come and go is a lower bound.
`
