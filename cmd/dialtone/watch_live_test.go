package main

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"dialtone/observe/filter"
)

// TestWhatIsCapturedOfAConnection, as the filter of trace reads it: addresses as they are
// on the wire.
func TestWhatIsCapturedOfAConnection(t *testing.T) {
	at := netip.MustParseAddrPort
	for ends, want := range map[[2]netip.AddrPort]string{
		{at("10.0.0.1:80"), at("10.0.0.2:5000")}:                   "tcp and host 10.0.0.1 and port 80 and host 10.0.0.2 and port 5000",
		{at("[::ffff:10.0.0.1]:80"), at("[::ffff:10.0.0.2]:5000")}: "tcp and host 10.0.0.1 and port 80 and host 10.0.0.2 and port 5000",
		{at("[fe80::1%eth0]:80"), at("[fe80::2%eth0]:5000")}:       "tcp and host fe80::1 and port 80 and host fe80::2 and port 5000",
	} {
		words := betweenWords(ends[0], ends[1])
		if words != want {
			t.Errorf("%v: %s", ends, words)
		}
		if _, err := (filter.Config{}).Parse(context.Background(), words); err != nil {
			t.Error(err)
		}
	}
}

func TestLinesOfALadderAreWhole(t *testing.T) {
	var lines []string
	w := &lineWriter{line: func(line string) { lines = append(lines, line) }}
	for _, part := range []string{"one", " and\ntwo\n", "", "th", "ree\n\n", "rest"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if got := strings.Join(lines, "|"); got != "one and|two|three|" {
		t.Errorf("lines %q", got)
	}
}
