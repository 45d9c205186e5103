//go:build unix

package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"dialtone/app/transfer"
)

// TestScreenReport draws a transfer on a terminal of changing size, and looks at
// what stands there.
func TestScreenReport(t *testing.T) {
	var tty bytes.Buffer
	width, height := 60, 24
	r := &screenReport{out: &tty, size: func() (int, int) { return width, height }, done: "received"}
	sees := func(want ...string) {
		t.Helper()
		if got := strings.TrimRight(screenOf(strings.ReplaceAll(tty.String(), "\n", "\r\n")), "\n"); got != strings.Join(want, "\n") {
			t.Fatalf("the screen is\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	}
	hello := "connected to anna (192.0.2.9:1), encrypted, known by the code"
	r.started(peerFields{Name: "anna", Addr: "192.0.2.9:1", How: "code", Encrypted: true})
	s := transfer.Snapshot{
		Elapsed: time.Second, TotalFiles: 2, TotalBytes: 200, Bytes: 50,
		Active: []transfer.FileProgress{{Path: "a", Done: 50, Size: 100}},
	}
	r.progress(s)
	view := []string{
		"a                                   50%  50 of 100 B",
		"0 of 2 files                        25%  50 of 200 B",
		"50 B/s   0:03 left",
	}
	sees(append([]string{hello}, view...)...)

	// What is worth keeping stands above.
	r.event(transfer.Event{Kind: transfer.EventNotice, Path: "b\n", Text: "its owner is not kept"})
	sees(append([]string{hello, `note  b\n: its owner is not kept`}, view...)...)

	// Fewer lines leave none behind.
	s.Active, s.Bytes, s.Elapsed, s.Files = nil, 100, 2*time.Second, 1
	r.progress(s)
	sees(hello, `note  b\n: its owner is not kept`,
		"1 of 2 files                        50%  100 of 200 B", "50 B/s   0:02 left")

	// A low terminal shows the last lines only.
	height = 2
	r.progress(s)
	sees(hello, `note  b\n: its owner is not kept`, "50 B/s   0:02 left")

	// The view makes room for the summary.
	r.ended(transfer.Summary{Files: 2, Bytes: 200, Elapsed: 4 * time.Second}, nil)
	sees(hello, `note  b\n: its owner is not kept`, "received 2 files, 200 B in 4.00 s, 50 B/s", "  not kept    1 thing, noted above")
}

// TestNarrowerTerminalWraps: rows that a narrower window has wrapped are drawn over too.
func TestNarrowerTerminalWraps(t *testing.T) {
	if n := rowsOf([]string{strings.Repeat("x", 59), "", "日本語"}, 5); n != 12+1+2 {
		t.Errorf("%d rows, want 15", n)
	}
}
