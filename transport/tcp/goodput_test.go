package tcp

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/goodput.golden anew")

// A goodputRow is a line of 50 Mbit/s and 40 ms, and what Linux brings over it in Mbit/s.
type goodputRow struct {
	name    string
	lane    lane
	control string
	linux   float64
	least   float64 // the contract: 0.9 of Linux, or 40 Mbit/s with reordering
}

func goodputRows() []goodputRow {
	line := lane{delay: 20 * time.Millisecond, rate: 50e6 / 8, queue: 256 << 10}
	with := func(change func(l *lane)) lane {
		l := line
		change(&l)
		return l
	}
	late := func(d time.Duration) lane { return with(func(l *lane) { l.reorder, l.hold = 0.01, d }) }
	lossy := func(p float64) lane { return with(func(l *lane) { l.loss = p }) }
	return []goodputRow{
		{"no loss", line, "cubic", 48, 43.2},
		{"loss 0.1 %", lossy(0.001), "cubic", 10.2, 9.2},
		{"loss 1 %", lossy(0.01), "cubic", 2.6, 2.4},
		{"loss 3 %", lossy(0.03), "cubic", 1.5, 1.4},
		{"1 % is 5 ms late", late(5 * time.Millisecond), "cubic", 47, 40},
		{"1 % is 20 ms late", late(20 * time.Millisecond), "cubic", 47, 40},
		{"1 % overtakes all", with(func(l *lane) { l.reorder, l.early = 0.01, true }), "cubic", 47, 40},
		{"loss 1 %, Reno", lossy(0.01), "reno", 0, 0},
	}
}

// TestGoodput pins what comes over each line, so that a change of congestion control
// shows: the mean of four seeded runs of ten seconds, beside Linux's.
func TestGoodput(t *testing.T) {
	if raceDetector {
		t.Skip("takes a minute with the race detector, which has nothing to find on one goroutine")
	}
	const golden, seeds = "testdata/goodput.golden", 4
	var table strings.Builder
	fmt.Fprintf(&table, "%-20s %s  %s\n", "50 Mbit/s, 40 ms", "ours", "Linux")
	for _, row := range goodputRows() {
		sum := 0.0
		for seed := range uint64(seeds) {
			sum += goodput(t, seed, row.lane, row.control)
		}
		got := sum / seeds
		if got < row.least {
			t.Errorf("%s: %.1f Mbit/s, want at least %.1f", row.name, got, row.least)
		}
		linux := "-"
		if row.linux > 0 {
			linux = fmt.Sprint(row.linux)
		}
		fmt.Fprintf(&table, "%-20s %4.1f  %5s\n", row.name, got, linux)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.String(); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s\nif that is meant: go test -run TestGoodput -update", got, want)
	}
}

func goodput(t testing.TB, seed uint64, l lane, ctl string) float64 {
	const span = 10 * time.Second
	w := newWire(seed, l)
	w.check = false
	w.ends[1].lane = lane{delay: l.delay, rate: l.rate}
	s := &stream{n: 1 << 30, blind: true}
	s.attach(t, w)
	cfg := ethernet
	cfg.Congestion = ctl
	w.connect(t, cfg, cfg)
	for w.now < span && w.step(t) {
	}
	return float64(s.read) * 8 / span.Seconds() / 1e6
}
