package main

import (
	"net"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestVerdict holds targets against figures just at and just below them.
func TestVerdict(t *testing.T) {
	named := map[string]row{}
	for _, r := range serveRows() {
		named[r.name] = r
	}
	rate := func(v float64) sample { return sample{rate: v, p99: 8000} }
	for _, test := range []struct {
		row   string
		cells map[string]sample
		want  string
	}{
		{"64B-100", map[string]sample{"epoll": rate(100), "plain": rate(80), "dialtone": rate(88)}, "yes"},
		{"64B-100", map[string]sample{"epoll": rate(100), "plain": rate(80), "dialtone": rate(87)}, "no"},
		{"64B-100", map[string]sample{"epoll": rate(100), "plain": rate(80), "netpoll": rate(95), "dialtone": rate(94)}, "no"},
		{"64B-100", map[string]sample{"epoll": {note: "wrong bytes"}, "plain": rate(80), "dialtone": rate(94)}, "–"},
		{"4KiB-100x16", map[string]sample{"epoll": rate(100), "dialtone": {rate: 70, p99: 8001}}, "no"},
		{"4KiB-100x16", map[string]sample{"epoll": rate(100), "dialtone": {rate: 70, p99: 7999}}, "yes"},
		{"idle", map[string]sample{"dialtone": {kib: 3.6}}, "yes"},
		{"idle", map[string]sample{"dialtone": {kib: 3.7}}, "no"},
		{"idle", map[string]sample{"dialtone": {note: "failed"}}, "–"},
		{"churn", map[string]sample{"dialtone": {cpu: 28.1}}, "no"},
		{"udp", map[string]sample{"plain": rate(100), "dialtone": rate(108)}, "yes"},
		{"udp", map[string]sample{"plain": {rate: 100, cpu: 5, others: 0.5}, "dialtone": {rate: 90, cpu: 4}}, "yes"},
		{"64B-1", map[string]sample{"dialtone": rate(1)}, "–"},
	} {
		if got := named[test.row].verdict(test.cells)[1]; got != test.want {
			t.Errorf("%s with %v: reached %q, want %q", test.row, test.cells, got, test.want)
		}
	}
}

// TestBestGoPeer takes the most requests and the least memory.
func TestBestGoPeer(t *testing.T) {
	cells := map[string]sample{
		"epoll": {rate: 9, kib: 0}, "plain": {rate: 2, kib: 7}, "netpoll": {rate: 3, kib: 11},
		"plain64": {note: "failed"}, "dialtone": {rate: 4, kib: 3},
	}
	if got := (row{kind: flow}).bestGo(cells); got != "netpoll" {
		t.Errorf("most requests: %q, want netpoll", got)
	}
	if got := (row{kind: idle}).bestGo(cells); got != "plain" {
		t.Errorf("least memory: %q, want plain", got)
	}
}

func TestTableIsRectangular(t *testing.T) {
	known := allPeers("")
	tab := table{peers: []peer{known["epoll"], known["dialtone"]}}
	for _, r := range serveRows() {
		tab.add(r, map[string]sample{"epoll": {rate: 10, cpu: 1, busy: 1}, "dialtone": {note: "not installed"}})
	}
	grid, _, _ := strings.Cut(tab.String(), "\n\n")
	var columns []int
	for line := range strings.Lines(grid) {
		columns = append(columns, strings.Count(line, "|"))
	}
	if len(columns) != 2+len(serveRows()) || len(slices.Compact(columns)) != 1 {
		t.Errorf("bars in each line: %v", columns)
	}
}

func TestListeningPort(t *testing.T) {
	if got := listeningPort(os.Getpid()); got != 0 {
		t.Fatalf("port %d before anything listens", got)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got, want := listeningPort(os.Getpid()), l.Addr().(*net.TCPAddr).Port; got != want {
		t.Errorf("port %d, want %d", got, want)
	}
}
