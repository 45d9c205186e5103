//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheCaptureIsTheSameEveryTime and is read alike by us and by gopacket; all
// that was sent again is labelled so, and nothing else.
func TestTheCaptureIsTheSameEveryTime(t *testing.T) {
	const packets = 20_000
	var files [2][]byte
	var m made
	name := filepath.Join(t.TempDir(), "capture.pcap")
	for i := range files {
		var err error
		if m, err = generate(name, packets, 0); err != nil {
			t.Fatal(err)
		}
		if files[i], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) || int64(len(files[0])) != m.bytes {
		t.Errorf("two captures of %d and %d bytes differ", len(files[0]), len(files[1]))
	}
	ours, err := followFile(name)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := parseWithGopacket(name)
	if err != nil {
		t.Fatal(err)
	}
	if ours.Packets != packets || theirs.Packets != packets {
		t.Errorf("%d packets, by gopacket %d, want %d", ours.Packets, theirs.Packets, packets)
	}
	if m.again == 0 || ours.Again != m.again || ours.OutOfOrder != 0 {
		t.Errorf("%d sent again and %d out of order, want %d and 0", ours.Again, ours.OutOfOrder, m.again)
	}
}

// TestReadingPeers takes from their output what they call segments.
func TestReadingPeers(t *testing.T) {
	var c called
	readShark(strings.Join([]string{"7", "0", "1", "1", "10", "1", "1", "", "", "", "", "", ""}, "\t"), &c)
	readShark(strings.Join([]string{"8", "0", "1", "1", "10", "", "", "", "1", "", "", "", ""}, "\t"), &c)
	readShark(strings.Join([]string{"9", "0", "1", "1", "10", "", "", "", "", "1", "", "", ""}, "\t"), &c)
	readTcptrace("     rexmt data pkts:          3      rexmt data pkts:          4", &c)
	readTcptrace("     outoforder pkts:          2      outoforder pkts:          0", &c)
	readTcptrace("     pushed data pkts:         9      pushed data pkts:         9", &c)
	if c != (called{again: 8, outOfOrder: 3}) {
		t.Errorf("read %+v", c)
	}
}

// TestRunSeesOutputAndFailure runs real programs.
func TestRunSeesOutputAndFailure(t *testing.T) {
	var got []string
	s := run(t.Context(), 0, func(line string) { got = append(got, line) }, "sh", "-c", "echo one; echo two")
	if s.note != "" || strings.Join(got, " ") != "one two" {
		t.Errorf("printed %q, note %q", got, s.note)
	}
	if s := run(t.Context(), 0, nil, "sh", "-c", "echo because >&2; exit 3"); !strings.Contains(s.note, "because") {
		t.Errorf("note %q, want the reason", s.note)
	}
	if _, err := rows(t.Context(), 0, 3, "sh", "-c", "echo 1; echo 2; echo 3; sleep 60"); err != nil {
		t.Error(err)
	}
	if _, err := rows(t.Context(), 0, 3, "sh", "-c", "echo 1; echo why >&2"); err == nil || !strings.Contains(err.Error(), "2 lines") {
		t.Errorf("too few lines: %v", err)
	}
}
