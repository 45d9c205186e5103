package main

import (
	"fmt"
	"time"
)

// kind is what a row compares.
type kind int

const (
	flow  kind = iota // requests per second
	churn             // server CPU per connection that comes and goes
	idle              // memory per connection that only stays
)

// row is one line of the table: a load, and what dialtone is to reach under it.
type row struct {
	name, title string
	kind        kind
	network     string // tcp, udp, tls
	conns       int    // for churn: open at a time; for udp: 1
	size        int    // bytes of a message
	depth       int    // messages in flight on each connection
	goals       []goal
}

// less says that smaller figures are better.
func (r row) less() bool { return r.kind != flow }

// figure is what the row compares of a sample.
func (r row) figure(s sample) float64 {
	switch r.kind {
	case churn:
		return s.cpu
	case idle:
		return s.kib
	}
	return s.rate
}

func serveRows() (rows []row) {
	goals := map[string][]goal{
		"64B-100":     {ofPeer("epoll", 0.88), ofBestGo(1)},
		"64B-1000":    {ofPeer("epoll", 0.85)},
		"64B-100x16":  {ofPeer("epoll", 0.85)},
		"4KiB-100x16": {ofPeer("epoll", 0.68), p99AtMost(8 * time.Millisecond)},
	}
	for _, size := range []int{64, 4096} {
		label := map[int]string{64: "64B", 4096: "4KiB"}[size]
		for _, depth := range []int{1, 16} {
			for _, conns := range []int{1, 100, 1000} {
				r := row{network: "tcp", conns: conns, size: size, depth: depth}
				r.name = fmt.Sprintf("%s-%d", label, conns)
				r.title = fmt.Sprintf("upper, %s, %s", label, plural(conns, "connection"))
				if depth > 1 {
					r.name += fmt.Sprintf("x%d", depth)
					r.title += fmt.Sprintf(", %d in flight", depth)
				}
				r.goals = goals[r.name]
				rows = append(rows, r)
			}
		}
	}
	return append(rows,
		row{
			name: "idle", title: "KiB per idle connection", kind: idle, network: "tcp",
			conns: 10_000, size: 64, depth: 1, goals: []goal{atMost(3.6, "KiB (stretch 1.6)")},
		},
		row{
			name: "churn", title: "connections/s", kind: churn, network: "tcp",
			conns: 8, size: 64, depth: 1, goals: []goal{atMost(28, "µs")},
		},
		row{
			name: "udp", title: "UDP upper, 64B, 16 in flight", network: "udp",
			conns: 1, size: 64, depth: 16, goals: []goal{ofPeer("plain", 1.08)},
		},
		row{
			name: "tls-idle", title: "TLS, KiB per idle connection", kind: idle, network: "tls",
			conns: 2_000, size: 64, depth: 1, goals: []goal{atMost(24, "KiB")},
		},
	)
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// goal is one thing that dialtone is to reach in a row.
type goal struct {
	text string
	// met says whether it is reached; known is false where a figure that it
	// takes is missing.
	met func(r row, cells map[string]sample) (met, known bool)
}

// ofPeer asks for a share of that peer's figure, where more is better.
func ofPeer(peer string, share float64) goal {
	return goal{
		text: fmt.Sprintf("≥ %.2f × %s", share, peerTitle(peer)),
		met: func(r row, cells map[string]sample) (bool, bool) {
			ratio, known := r.ratio(cells, peer)
			return ratio >= share, known
		},
	}
}

// ofBestGo asks for a share of the best Go peer's figure, where more is better.
func ofBestGo(share float64) goal {
	return goal{
		text: "≥ every Go peer",
		met: func(r row, cells map[string]sample) (bool, bool) {
			ratio, known := r.ratio(cells, r.bestGo(cells))
			return ratio >= share, known
		},
	}
}

// atMost limits the row's figure itself.
func atMost(limit float64, unit string) goal {
	return goal{
		text: fmt.Sprintf("≤ %g %s", limit, unit),
		met: func(r row, cells map[string]sample) (bool, bool) {
			own, known := cells["dialtone"]
			return r.figure(own) <= limit, known && own.note == ""
		},
	}
}

// p99AtMost limits the 99th percentile of the time to an answer.
func p99AtMost(limit time.Duration) goal {
	return goal{
		text: fmt.Sprintf("p99 ≤ %v", limit),
		met: func(_ row, cells map[string]sample) (bool, bool) {
			own, known := cells["dialtone"]
			return own.p99 <= float64(limit.Microseconds()), known && own.note == ""
		},
	}
}

// ratio is dialtone's figure over that peer's. Where other programs disturbed
// either throughput, it is the ratio of requests per second of server CPU.
func (r row) ratio(cells map[string]sample, peer string) (ratio float64, known bool) {
	own, ok := cells["dialtone"]
	other, ok2 := cells[peer]
	if !ok || !ok2 || own.note != "" || other.note != "" || r.figure(other) < 0.1 {
		return 0, false
	}
	if r.kind == flow && (own.disturbed() || other.disturbed()) {
		return other.cpu / own.cpu, true
	}
	return r.figure(own) / r.figure(other), true
}

// bestGo names the Go peer that does best beside dialtone, or nobody.
func (r row) bestGo(cells map[string]sample) (best string) {
	hardest := 0.0
	for _, name := range []string{"plain", "plain64", "netpoll"} {
		ratio, known := r.ratio(cells, name)
		if known && (best == "" || (ratio > hardest) == r.less()) {
			best, hardest = name, ratio
		}
	}
	return best
}
