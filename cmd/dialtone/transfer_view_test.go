package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/app/digest"
	"dialtone/app/transfer"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/golden/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: go test -run %s -update if this is right:\n%s\nwant:\n%s", name, t.Name(), got, want)
	}
}

// halfway is a tree that has come half the way.
var halfway = transfer.Snapshot{
	Elapsed: 14 * time.Second,
	Files:   1180, Skipped: 24, TotalFiles: 20000, TotalBytes: 7_100_000_000,
	Bytes: 2_710_000_000, SkippedBytes: 10_000_000, Streams: 2,
	Active: []transfer.FileProgress{
		{Path: "holiday/2026/beach/IMG_20260714_153027_from_the_old_camera.mov", Done: 1_250_000_000, Size: 2_000_000_000},
		{Path: "holiday/日本/京都の写真/とても長い名前のファイル.tar", Done: 3_000_000, Size: 900_000_000},
		{Path: "evil\x1b[2J\n.txt", Done: 512, Size: 4096},
		{Path: "a", Done: 0, Size: 1},
		{Path: "b", Done: 0, Size: 1},
	},
	Limit: transfer.LimitWriting,
	Path:  transfer.Path{RTT: 12_100 * time.Microsecond, Retransmitted: 3},
}

func TestViewAtWidths(t *testing.T) {
	var out strings.Builder
	show := func(title string, width int, ascii bool, snapshots ...transfer.Snapshot) {
		v := view{width: width, ascii: ascii}
		var lines []string
		for _, s := range snapshots {
			lines = v.lines(s)
		}
		fmt.Fprintf(&out, "-- %s, %d columns\n", title, width)
		for _, l := range lines {
			out.WriteString(l + "\n")
			if columns(l) >= width {
				t.Errorf("%d columns are too many for %d: %s", columns(l), width, l)
			}
			if strings.ContainsAny(l, "\x1b\n\r") {
				t.Errorf("not escaped: %q", l)
			}
		}
	}
	for _, width := range []int{132, 80, 60, 40, 20, 5, 1} {
		show("halfway", width, false, halfway)
	}
	show("without Unicode", 80, true, halfway)
	show("nothing yet", 80, false, transfer.Snapshot{TotalFiles: -1, TotalBytes: -1})
	show("a stream", 80, false, transfer.Snapshot{
		Elapsed: 2 * time.Second, TotalFiles: -1, TotalBytes: -1, Bytes: 1_500_000_000,
		Active: []transfer.FileProgress{{Path: "backup.tar", Done: 1_500_000_000, Size: -1}}, Limit: transfer.LimitReading,
	})
	early := halfway
	early.Elapsed, early.Bytes = 12*time.Second, 2_510_000_000
	show("the pace of the last seconds", 132, false, early, halfway)
	golden(t, "view.txt", out.String())
}

func TestSummaries(t *testing.T) {
	var out strings.Builder
	show := func(title string, s transfer.Summary, tl tally, err error) {
		fmt.Fprintf(&out, "-- %s\n", title)
		for _, l := range closingLines("received", s, tl, err) {
			out.WriteString(l + "\n")
			if columns(l) > 80 {
				t.Errorf("%d columns: %s", columns(l), l)
			}
		}
	}
	one := transfer.Summary{Files: 1, Bytes: 3_210_000, Sent: 3_210_000, Compressed: 3_210_000, Wire: 3_215_000, Elapsed: 120 * time.Millisecond, Sum: digest.Of(nil)}
	show("a file", one, tally{only: "notes.txt", arrived: 1}, nil)
	show("not hashed, under another name", transfer.Summary{Files: 1, Elapsed: time.Second}, tally{only: "notes (2).txt", arrived: 1}, nil)
	tree := transfer.Summary{
		Files: 1204, Folders: 12, Links: 1, Skipped: 310, Bytes: 7_100_000_000, SkippedBytes: 1_200_000_000,
		Sent: 7_000_000_000, Compressed: 5_900_000_000, Wire: 6_020_000_000, Repaired: 2, Elapsed: 14 * time.Second,
	}
	show("a tree", tree, tally{only: "x", arrived: 1217, notices: 3, resumed: 100_000_000}, nil)
	denied := fmt.Errorf("open %s: %w", "holiday/secret", fs.ErrPermission)
	tree.Failed = 13
	for i := range 13 {
		tree.Failures = append(tree.Failures, transfer.Failure{Path: fmt.Sprintf("holiday/secret\n%d", i), Err: denied})
	}
	show("with failures", tree, tally{arrived: 1217}, &transfer.FailedError{Count: 13, First: tree.Failures[0]})
	show("with one", transfer.Summary{Files: 3, Failed: 1, Failures: tree.Failures[:1]}, tally{arrived: 3}, &transfer.FailedError{Count: 1, First: tree.Failures[0]})
	show("nothing new", transfer.Summary{Skipped: 12, SkippedBytes: 4711, Elapsed: 30 * time.Millisecond}, tally{}, nil)
	show("dry run", transfer.Summary{}, tally{would: 3, bytes: 4711}, nil)
	show("broken off", transfer.Summary{Files: 3, Bytes: 1e9}, tally{}, errInterrupted)
	golden(t, "summary.txt", out.String())
}

func TestJSONEvents(t *testing.T) {
	var out bytes.Buffer
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC) }
	r := &jsonReport{out: &jsonOutput{w: &out, now: now}, done: "received"}
	r.started(peerFields{Name: "anna's laptop", Addr: "192.0.2.9:40000", Fingerprint: "a6:0a", How: "code", Encrypted: true})
	for _, e := range allEvents {
		r.event(e)
	}
	r.progress(halfway)
	r.ended(transfer.Summary{Files: 1, Bytes: 5, Wire: 99, Sent: 5, Compressed: 5, Elapsed: time.Second, Sum: digest.Of([]byte("hello"))}, nil)
	r.ended(transfer.Summary{Failed: 1}, withHint(errors.New("the disk is full"), "make room"))
	golden(t, "events.jsonl", out.String())
}

// allEvents has one of each kind.
var allEvents = []transfer.Event{
	{Kind: transfer.EventDone, Path: "holiday/a.jpg", Final: "holiday/a (2).jpg", Bytes: 5, Resumed: 2, Sum: digest.Of([]byte("hello"))},
	{Kind: transfer.EventSkipped, Path: "b", Bytes: 7, Text: "the same is there already"},
	{Kind: transfer.EventFailed, Path: "c\xff\u202e", Err: errors.New("no space left on device")},
	{Kind: transfer.EventRepaired, Path: "d", Offset: 1 << 20},
	{Kind: transfer.EventNotice, Path: "e", Text: "the owner's setuid bit is not kept"},
	{Kind: transfer.EventWould, Path: "f", Bytes: 11},
}

func TestPlainLines(t *testing.T) {
	var out strings.Builder
	r := &plainReport{w: &out, done: "received", alone: true}
	r.started(peerFields{Name: "anna\x1b[2J", Addr: "192.0.2.9:40000", How: "code", Encrypted: true})
	for _, e := range allEvents[:len(allEvents)-1] { // a dry run is another
		r.event(e)
	}
	for i := range 30 {
		r.event(transfer.Event{Kind: transfer.EventDone, Path: fmt.Sprintf("many/%d", i), Bytes: 1})
		r.event(transfer.Event{Kind: transfer.EventNotice, Path: fmt.Sprintf("many/%d", i), Text: "its time is kept to the second only"})
	}
	for _, at := range []time.Duration{5, 11, 15, 21} {
		s := halfway
		s.Elapsed = at * time.Second
		r.progress(s)
	}
	r.ended(transfer.Summary{Files: 1, Skipped: 1, Bytes: 5, Elapsed: time.Second}, nil)
	golden(t, "plain.txt", out.String())
}

func TestFigures(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 14 * time.Second: "0:14", 723 * time.Second: "12:03", 3753 * time.Second: "1:02:33", 100 * time.Hour: "4 d 4 h",
	} {
		if got := clockText(d); got != want {
			t.Errorf("clockText(%d) = %s, want %s", d, got, want)
		}
	}
	for name, want := range map[string]string{"short": "short", "0123456789": "012…6789", "日本語の名前です": "日…です"} {
		if got := nameText(name, 8); got != want {
			t.Errorf("nameText(%q) = %q, want %q", name, got, want)
		}
	}
}
