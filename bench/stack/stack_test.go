//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestRowsRun runs every row a little, so that it still does when it is wanted.
func TestRowsRun(t *testing.T) {
	for _, c := range contenders {
		for _, r := range rows {
			t.Run(c.name+"/"+r.name, func(t *testing.T) {
				if os.Getuid() != 0 && (c.name == "linux" || r.place.tap != noTap) {
					t.Skip("namespaces need root")
				}
				if c.name == "linux" && (r.place.lo || r.place.tap != noTap) {
					t.Skip("only in a process of its own, or never")
				}
				if _, err := exec.LookPath("ethtool"); err != nil && c.name == "linux" {
					t.Skip("ethtool is not installed (./prepare does)")
				}
				p, err := c.open(r.place)
				if err != nil {
					t.Fatal(err)
				}
				defer p.close()
				found, err := r.measure(context.Background(), p, 0.001)
				if err != nil || len(found) == 0 {
					t.Errorf("%v, %v", found, err)
				}
			})
		}
	}
}

func TestTableSaysWhatIsMissed(t *testing.T) {
	p := &plan{found: map[string]map[string]figures{
		"bulk":  {"netstack": {"cpu 0": 3}, "linux": {"cpu 0": 1.5}, "dialtone": {"cpu 0": 1.7, "cpu 1": 1.2, "cpu 2": 1.4}},
		"loss1": {"linux": {"mbits 0": 3}, "dialtone": {"mbits 0": 2.4}},
	}}
	text := p.table()
	for _, want := range []string{
		"| 3.00     | 1.50  | 1.40     | ≤ 1.60          | met", "| –        | 3.00  | 2.40     | ≥ 90 % of Linux | missed by 11 %",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "ping-pong") {
		t.Errorf("rows that were not measured are in\n%s", text)
	}
}
