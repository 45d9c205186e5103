//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"dialtone/bench/report"
)

// screenful is how many lines count as the first rows.
const screenful = 24

// first is the table of how soon something of a big capture can be seen.
func (p *plan) first(ctx context.Context) string {
	heading := fmt.Sprintf("### The first %d lines of a big capture", screenful)
	file := p.path("big.pcap")
	big, err := generate(file, p.packets+p.packets/5, 0)
	if err != nil {
		return fmt.Sprintf("%s\n\nnot available: %v\n\n", heading, err)
	}
	defer os.Remove(file)
	lines := [][]string{{"what", "ms"}}
	var own time.Duration
	for _, c := range []struct {
		title string
		own   bool
		argv  []string
	}{
		{"dialtone trace FILE", true, []string{p.dialtone, "trace", file}},
		{"tshark -r FILE (rows, no ladder)", false, []string{"tshark", "-n", "-r", file}},
		{"tshark -z flow,tcp,network (ladder)", false, []string{"tshark", "-n", "-r", file, "-q", "-z", "flow,tcp,network"}},
	} {
		took, err := p.soonest(ctx, c.argv)
		text := report.Digits(float64(took.Microseconds()) / 1000)
		if err != nil {
			text = "failed: " + err.Error()
		}
		if c.own {
			own = took
		}
		lines = append(lines, []string{c.title, text})
	}
	goals := [][]string{{"target", "reached"}, {"dialtone ≤ 100 ms", report.AtMost(float64(own.Microseconds())/1000, 100, "ms")}}
	return fmt.Sprintf("%s, %.0f MB\n\n%s\n%s\n", heading, float64(big.bytes)/1e6, report.Grid(lines), report.Grid(goals))
}

// soonest is the median of the rounds, or of one where it takes seconds.
func (p *plan) soonest(ctx context.Context, argv []string) (time.Duration, error) {
	if _, err := exec.LookPath(argv[0]); err != nil {
		return 0, fmt.Errorf("%s is not there", filepath.Base(argv[0]))
	}
	var all []time.Duration
	for range p.rounds {
		took, err := rows(ctx, p.cpu, screenful, argv...)
		if err != nil {
			return 0, err
		}
		if all = append(all, took); took > 3*time.Second {
			break
		}
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}
