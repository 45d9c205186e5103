//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	sees(hello, `note  b\n: its owner is not kept`, "received 2 files, 200 B in 4.00 s, 50 B/s", "  noted       1 thing, see above")
}

// TestNarrowerTerminalWraps: rows that a narrower window has wrapped are drawn over too.
func TestNarrowerTerminalWraps(t *testing.T) {
	if n := rowsOf([]string{strings.Repeat("x", 59), "", "日本語"}, 5); n != 12+1+2 {
		t.Errorf("%d rows, want 15", n)
	}
}

// showed waits until all of the texts have been on the screen, if only for a moment.
func (p *person) showed(texts ...string) {
	p.t.Helper()
	missing := func(text string) bool { return !strings.Contains(p.raw(), text) }
	for range 2000 {
		if !slices.ContainsFunc(texts, missing) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.t.Fatalf("%q did not come to the screen:\n%q", texts, p.raw())
}

// TestTransferOnTerminals: two people at terminals, one sees the command to type
// and the QR code, the other how far it is; both the summary, and no trace of the view.
func TestTransferOnTerminals(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LC_ALL", "C.UTF-8")
	file := filepath.Join(dir, "film.mkv")
	if err := os.WriteFile(file, make([]byte, 6_000_000), 0o600); err != nil {
		t.Fatal(err)
	}
	anna := sit(t, "receive", "--listen", "127.0.0.1:0", "--dir", filepath.Join(dir, "inbox"))
	anna.sees("waiting; on the other machine:")
	anna.sees("\n██ ▄▄▄▄▄ █")
	m := waitingFor.FindStringSubmatch(anna.screen())
	if m == nil {
		t.Fatalf("no command on the screen:\n%s", anna.screen())
	}
	bert := sit(t, "send", file, m[1], "--limit", "6MB/s", "--compress", "off")
	bert.sees("code (the other side shows it, such as 7-copper-lantern): ")
	bert.types(m[2] + "\r")
	bert.showed("film.mkv", "░", "left   limited by --limit")
	anna.showed("film.mkv", "░", "MB/s")
	bert.leaves(0)
	anna.leaves(0)
	for p, done := range map[*person]string{anna: "received", bert: "sent"} {
		shown := p.screen()
		if !regexp.MustCompile(`(?m)^` + done + ` film\.mkv, 6\.00 MB in [^\n]*\n  BLAKE3 `).MatchString(shown) {
			t.Errorf("no summary:\n%s", shown)
		}
		if strings.Contains(shown, "░") || strings.Contains(shown, " left ") {
			t.Errorf("the view was left behind:\n%s", shown)
		}
	}
}
