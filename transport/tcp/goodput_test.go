package tcp

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestGoodput pins what comes over a line of 50 Mbit/s and 40 ms, in Mbit/s over
// ten seconds: a change of congestion control or loss detection shows as a
// difference. Linux has 48 / 10.2 / 2.6 / 1.5 at 0, 0.1, 1 and 3 % loss, and 47 to 48
// with 1 % reordering.
func TestGoodput(t *testing.T) {
	line := lane{delay: 20 * time.Millisecond, rate: 50e6 / 8, queue: 256 << 10}
	with := func(change func(l *lane)) lane {
		l := line
		change(&l)
		return l
	}
	rows := []struct {
		name string
		lane lane
	}{
		{"clean", line},
		{"loss 0.1 %", with(func(l *lane) { l.loss = 0.001 })},
		{"loss 1 %", with(func(l *lane) { l.loss = 0.01 })},
		{"loss 3 %", with(func(l *lane) { l.loss = 0.03 })},
		{"reorder 1 %, 5 ms late", with(func(l *lane) { l.reorder, l.hold = 0.01, 5*time.Millisecond })},
		{"reorder 1 %, 20 ms late", with(func(l *lane) { l.reorder, l.hold = 0.01, 20*time.Millisecond })},
		{"reorder 1 %, no delay", with(func(l *lane) { l.reorder, l.early = 0.01, true })},
	}
	var table strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&table, "%-22s %4.1f\n", row.name, goodput(t, 1, row.lane, "cubic"))
	}
	fmt.Fprintf(&table, "%-22s %4.1f\n", "reno, loss 1 %", goodput(t, 1, with(func(l *lane) { l.loss = 0.01 }), "reno"))
	t.Logf("\n%s", &table)
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
	i := w.ends[0].Info()
	t.Logf("%s seed %d: dropped %d, again %d, timeouts %d, recoveries %d, undone %d, reo %v, srtt %v min %v, cwnd %d", ctl, seed, w.ends[0].lost, i.Retransmits, i.Timeouts, i.Recoveries, i.Undone, i.ReorderWindow, i.RTT, i.MinRTT, i.CongestionWin)
	return float64(s.read) * 8 / span.Seconds() / 1e6
}
