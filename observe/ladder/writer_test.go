package ladder

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"dialtone/observe/flow"
	"dialtone/transport/tcp"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var updateText = flag.Bool("update-text", false, "write the golden texts anew")

// golden holds got against a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *updateText {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s has changed (go test -update-text if that is right):\n%s", file, diff)
	}
}

// inText is a conversation as a ladder.
func inText(t testing.TB, s Style, play func(*script) *flow.Conversation) string {
	t.Helper()
	var text strings.Builder
	w := NewWriter(&text, s)
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	c := play(newScript(t, func(e *flow.Event) { check(w.Event(e)) }))
	check(w.End(c))
	check(w.Flush())
	return text.String()
}

func TestLadders(t *testing.T) {
	for name, style := range map[string]Style{
		"80.txt":       {},
		"120-why.txt":  {Width: 120, Why: true},
		"ascii.txt":    {ASCII: true, Why: true},
		"absolute.txt": {Absolute: true},
		"colour.txt":   {Colour: true},
	} {
		golden(t, "upper-"+name, inText(t, style, upper))
		golden(t, "bulk-"+name, inText(t, style, transfer))
	}
}

func TestExpandShowsEveryPacket(t *testing.T) {
	text := inText(t, Style{Expand: true}, transfer)
	if n := strings.Count(text, "→│") + strings.Count(text, "│←"); n != 752 {
		t.Errorf("%d arrows for 752 packets", n)
	}
	if folded := inText(t, Style{}, transfer); strings.Count(folded, "\n") > 30 {
		t.Errorf("a run of 752 packets takes %d lines", strings.Count(folded, "\n"))
	}
}

// TestLinesFit: nothing is wider than the terminal, whatever the packets say, and
// nothing of the wire is raw.
func TestLinesFit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		style := Style{
			Width: rapid.IntRange(72, 200).Draw(rt, "width"), Why: rapid.Bool().Draw(rt, "why"),
			Expand: rapid.Bool().Draw(rt, "expand"), Absolute: rapid.Bool().Draw(rt, "absolute"),
			Live: rapid.Bool().Draw(rt, "live"),
		}
		text := inText(t, style, func(s *script) *flow.Conversation { return anything(rt, s) })
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if n := columns(line); n > style.Width {
				rt.Fatalf("%d of %d columns: %s", n, style.Width, line)
			}
			if strings.ContainsFunc(line, unicode.IsControl) {
				rt.Fatalf("a control character in %q", line)
			}
		}
	})
}

// anything is a conversation that makes no sense.
func anything(rt *rapid.T, s *script) *flow.Conversation {
	for range rapid.IntRange(1, 40).Draw(rt, "packets") {
		s.now += rapid.Int64Range(0, 100e9).Draw(rt, "pause")
		for range rapid.IntRange(0, 3).Draw(rt, "findings") {
			l := flow.Label(rapid.IntRange(1, int(flow.LabelUnreachable)).Draw(rt, "label"))
			rule := flow.Rule(rapid.IntRange(1, int(flow.RuleUnreachable)).Draw(rt, "rule"))
			s.find(l, rule, [2]int64{rapid.Int64Range(0, 1e9).Draw(rt, "frame"), 7}, rapid.Int64().Draw(rt, "value"), 1, 2, 3)
		}
		if rapid.Bool().Draw(rt, "turn") {
			s.states(tcp.State(rapid.IntRange(0, 11).Draw(rt, "state")), tcp.State(rapid.IntRange(0, 11).Draw(rt, "state")))
		}
		flags := rapid.SampledFrom([]string{"", "ACK", "PSH ACK", "SYN", "FIN ACK", "RST", "FIN SYN RST PSH ACK URG ECE CWR AE"}).Draw(rt, "flags")
		payload := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.StringN(0, 30, 100)).Draw(rt, "payload")
		s.send(rapid.IntRange(0, 1).Draw(rt, "from"), flags, rapid.Uint32().Draw(rt, "seq"), rapid.Uint32().Draw(rt, "ack"),
			payload, rapid.Int64Range(-1, 1<<30).Draw(rt, "window"))
	}
	return &s.talk
}

// TestLiveConversationsTakeTurns: each row says which conversation it is of, where
// that changes, and a run of one is kept apart from that of the other.
func TestLiveConversationsTakeTurns(t *testing.T) {
	var text strings.Builder
	w := NewWriter(&text, Style{Live: true})
	feed := func(e *flow.Event) {
		if err := w.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	a, b := newScript(t, feed), newScript(t, feed)
	b.talk.ID = 2
	for i := range 20 {
		a.at(int64(i)*100).send(0, "ACK", uint32(i*10), 1, "0123456789", 100)
		b.at(int64(i)*100+50).send(1, "ACK", uint32(i*10), 1, "0123456789", 100)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got := text.String()
	if n := strings.Count(got, "segments, "); n != 2 {
		t.Errorf("%d folded runs, want one of each conversation:\n%s", n, got)
	}
	if !strings.Contains(got, "\n\n2  TCP  192.0.2.10:48712") {
		t.Errorf("nothing says where the second conversation begins:\n%s", got)
	}
}

// TestLabelsOfEarlierFramesNameThem: what is known only now is said now.
func TestLabelsOfEarlierFramesNameThem(t *testing.T) {
	text := inText(t, Style{Width: 120}, func(s *script) *flow.Conversation {
		s.at(0).send(0, "PSH ACK", 1, 1, "hi\n", 10)
		s.event.Findings = append(s.event.Findings, flow.Finding{Label: flow.LabelSpurious, Frame: 1, Rule: flow.RuleDSACKed})
		s.at(10).send(1, "ACK", 1, 4, "", 10)
		return &s.talk
	})
	if !strings.Contains(text, "frame 1: spurious retransmission") {
		t.Error(text)
	}
}
