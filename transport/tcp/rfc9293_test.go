package tcp_test

import (
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dialtone/transport/tcp"
)

// TestRFC9293 holds doc/rfc9293.md: each of the RFC's numbers once, and no test or
// conversation that does not exist.
func TestRFC9293(t *testing.T) {
	if *only != "" {
		t.Skip("-only leaves conversations out")
	}
	known := testNames(t)
	for _, s := range scripts(t) {
		known[s.Name] = true
	}
	missing := map[string]bool{}
	for level, last := range map[string]int{"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1} {
		for n := range last {
			missing[fmt.Sprintf("%s-%d", level, n+1)] = true
		}
	}
	text, err := os.ReadFile("../../doc/rfc9293.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		row := strings.Split(line, "|")
		if len(row) != 8 || !strings.Contains(row[1], "-") || strings.Contains(row[1], "---") {
			continue
		}
		number := strings.TrimSpace(row[1])
		if !missing[number] {
			t.Errorf("%s is there twice, or no number of the RFC's", number)
		}
		delete(missing, number)
		checkRow(t, number, strings.TrimSpace(row[3]), row[6], known)
	}
	for number := range missing {
		t.Errorf("%s is missing", number)
	}
}

// checkRow looks at what is said to be so, and at the tests that are to show it.
func checkRow(t *testing.T, number, is, shown string, known map[string]bool) {
	t.Helper()
	if !strings.Contains(" yes no other n/a ", " "+is+" ") {
		t.Errorf("%s: %q is neither yes, no, other nor n/a", number, is)
	}
	names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(shown, -1)
	// What a test cannot show are freedoms not taken.
	if is == "yes" && len(names) == 0 && !strings.HasPrefix(number, "MAY") && number != "SHLD-13" && number != "SHLD-20" {
		t.Errorf("%s: no test shows it", number)
	}
	for _, name := range names {
		if !known[name[1]] {
			t.Errorf("%s: there is no test or conversation called %s", number, name[1])
		}
	}
}

// testNames are the tests of the module's lower layers.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, root := range []string{"../../host", "../../internet", "../../transport", "../../link"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, match := range function.FindAllSubmatch(text, -1) {
				names[string(match[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// segments is a Sink that keeps the headers.
type segments []tcp.Header

func (s *segments) Segment(h *tcp.Header, _, _ []byte) { *s = append(*s, *h) }

// TestOneACKForABatch: RFC 9293 §3.10.7.4, MUST-58 and MUST-59.
func TestOneACKForABatch(t *testing.T) {
	c := tcp.Connect(&tcp.Config{LocalPort: 1, RemotePort: 2, ISS: 100}, 0)
	var sent segments
	c.Output(0, &sent)
	c.Input(0, &tcp.Header{SrcPort: 2, DstPort: 1, Seq: 500, Ack: 101, Flags: tcp.SYN | tcp.ACK, Window: 65535}, nil)
	c.Output(0, &sent)
	sent = nil
	seq := tcp.Seq(501)
	for range 7 { // come at once: the owner lets the connection speak after the last
		c.Input(0, &tcp.Header{SrcPort: 2, DstPort: 1, Seq: seq, Ack: 101, Flags: tcp.ACK, Window: 65535}, make([]byte, 536))
		seq = seq.Add(536)
	}
	c.Output(0, &sent)
	if len(sent) != 1 || sent[0].Ack != seq {
		t.Errorf("%d segments, want one with ack %d: %+v", len(sent), seq, sent)
	}
}

// TestInitialSequenceNumbers: RFC 9293 §3.4.1, MUST-8, SHLD-1, MUST-9.
func TestInitialSequenceNumbers(t *testing.T) {
	a, b := netip.MustParseAddrPort("10.0.0.1:8000"), netip.MustParseAddrPort("10.0.0.2:50000")
	other := netip.MustParseAddrPort("10.0.0.2:50001")
	one, two := &tcp.ISN{Secret: [16]byte{1}}, &tcp.ISN{Secret: [16]byte{2}}
	first := one.Next(0, a, b)
	// A 32-bit counter that goes at least once every 4 microseconds.
	if step := one.Next(time.Second, a, b).Sub(first); step < 250_000 {
		t.Errorf("in a second the clock goes by %d, want 250,000 at least", step)
	}
	if one.Next(0, a, b) != first {
		t.Error("the same connection at the same time has another number")
	}
	if one.Next(0, a, other) == first || two.Next(0, a, b) == first {
		t.Error("another connection, or another secret, has the same number")
	}
}
