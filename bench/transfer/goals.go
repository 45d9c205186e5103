//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"

	"dialtone/bench/report"
)

// goal is a target: what it says, and how far it is reached.
type goal struct {
	text  string
	check func(cells map[string]sample) (verdict string)
}

// atLeast asks for a share of the best of other contenders.
func atLeast(own string, share float64, others ...string) goal {
	titles := allContenders()
	var names []string
	for _, name := range others {
		names = append(names, titles[name].title)
	}
	text := fmt.Sprintf("%s ≥ %g × %s", titles[own].title, share, names[0])
	if len(names) > 1 {
		text = fmt.Sprintf("%s ≥ %g × the best of: %s", titles[own].title, share, strings.Join(names, "; "))
	}
	return goal{text, func(cells map[string]sample) string {
		best := 0.0
		for _, name := range others {
			best = max(best, cells[name].mbs)
		}
		return report.AtLeast(cells[own].mbs, share*best, "MB/s")
	}}
}

// atLeastRate asks for MB/s.
func atLeastRate(own string, mbs float64, means string) goal {
	text := fmt.Sprintf("%s ≥ %.0f MB/s (%s)", allContenders()[own].title, mbs, means)
	return goal{text, func(cells map[string]sample) string { return report.AtLeast(cells[own].mbs, mbs, "MB/s") }}
}

const memoryLimit = 64 << 20

// inMemory limits both ends of every mode of dialtone that was measured.
var inMemory = goal{"dialtone ≤ 64 MiB of memory at each end", func(cells map[string]sample) string {
	most := int64(0)
	for name, s := range cells {
		if strings.HasPrefix(name, "dialtone") && s.note == "" {
			most = max(most, s.from, s.to)
		}
	}
	return report.AtMost(float64(most)/(1<<20), memoryLimit>>20, "MiB")
}}

// median takes the median of each figure. One failed round spoils the cell.
func median(list []sample) sample {
	of := func(figure func(sample) float64) float64 {
		var values []float64
		for _, s := range list {
			values = append(values, figure(s))
		}
		slices.Sort(values)
		return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	}
	m := sample{
		mbs: of(func(s sample) float64 { return s.mbs }), cpu: of(func(s sample) float64 { return s.cpu }),
		seconds: of(func(s sample) float64 { return s.seconds }),
	}
	for _, s := range list {
		m.from, m.to, m.cut = max(m.from, s.from), max(m.to, s.to), m.cut || s.cut
		if s.note != "" {
			return sample{note: s.note}
		}
	}
	return m
}
