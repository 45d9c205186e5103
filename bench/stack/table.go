//go:build linux

package main

import (
	"fmt"

	"dialtone/bench/report"
)

// A line of the table: a figure of a row, and what it is held against.
type figureLine struct {
	what, row, figure string
	goal              float64 // 0: that of Linux in the same run, times share
	share             float64
	least             bool // more is better
}

var lines = []figureLine{
	{what: "in memory, MTU 1500, checksums on, CPU s/GiB", row: "bulk", figure: "cpu", goal: 1.6},
	{what: "the same, allocations per 64 KiB", row: "bulk", figure: "allocs", goal: 0.5},
	{what: "the same, Gbit/s", row: "bulk", figure: "gbits"},
	{what: "in memory, super-segments, CPU s/GiB", row: "super", figure: "cpu"},
	{what: "TAP with virtio header, out to the kernel, CPU s/GiB of both", row: "tapout", figure: "cpu", goal: 0.28},
	{what: "TAP with virtio header, in from the kernel", row: "tapin", figure: "cpu", goal: 0.25},
	{what: "1-byte ping-pong, p50, µs", row: "pingpong", figure: "p50", goal: 7},
	{what: "the same, p99, µs", row: "pingpong", figure: "p99"},
	{what: "connections/s", row: "churn", figure: "rate", goal: 35_000, least: true},
	{what: "CPU per connection, µs", row: "churn", figure: "cpu"},
	{what: "allocations per connection", row: "churn", figure: "allocs"},
	{what: "bytes per idle connection end", row: "idle", figure: "bytes", goal: 2500},
	{what: "goodput, 1 % reordered, no loss, Mbit/s", row: "reorder", figure: "mbits", goal: 40, least: true},
	{what: "goodput, no loss", row: "loss0", figure: "mbits", share: 0.9, least: true},
	{what: "goodput, 0.1 % lost", row: "loss0.1", figure: "mbits", share: 0.9, least: true},
	{what: "goodput, 1 % lost", row: "loss1", figure: "mbits", share: 0.9, least: true},
	{what: "goodput, 3 % lost", row: "loss3", figure: "mbits", share: 0.9, least: true},
}

// table is the table as Markdown.
func (p *plan) table() string {
	grid := [][]string{{"what", "netstack", "Linux", "dialtone", "target", "verdict"}}
	for _, l := range lines {
		if p.found[l.row] == nil {
			continue
		}
		cells := []string{l.what}
		for _, c := range contenders {
			cells = append(cells, digits(p.of(l.row, c.name, l.figure), p.found[l.row][c.name] != nil))
		}
		grid = append(grid, append(cells, l.target(p)...))
	}
	return report.Grid(grid)
}

func digits(v float64, measured bool) string {
	switch {
	case !measured:
		return "–"
	case v >= 10_000:
		return report.Thousands(int(v))
	}
	return report.Digits(v)
}

// target says what is asked for, and whether it is met.
func (l *figureLine) target(p *plan) []string {
	goal, words := l.goal, ""
	switch {
	case l.goal == 0 && l.share == 0:
		return []string{"–", "–"}
	case l.goal == 0:
		goal = l.share * p.of(l.row, "linux", l.figure)
		words = fmt.Sprintf("≥ %.0f %% of Linux", 100*l.share)
	case l.least:
		words = "≥ " + digits(goal, true)
	default:
		words = "≤ " + digits(goal, true)
	}
	got := p.of(l.row, "dialtone", l.figure)
	switch {
	case p.found[l.row]["dialtone"] == nil || goal == 0:
		return []string{words, report.NotMeasured}
	case l.least == (got >= goal):
		return []string{words, "met"}
	case l.least:
		return []string{words, fmt.Sprintf("missed by %.0f %%", max(1, 100*(1-got/goal)))}
	}
	return []string{words, fmt.Sprintf("missed by %.0f %%", max(1, 100*(got/goal-1)))}
}
