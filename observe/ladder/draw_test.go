package ladder

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dialtone/observe/capture"
	"dialtone/observe/filter"
	"dialtone/observe/flow"
)

// open opens one of the captures.
func open(t testing.TB, name string) *capture.File {
	t.Helper()
	f, err := capture.Open(captures + name + ".pcapng")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func words(t testing.TB, text string) *filter.Expr {
	t.Helper()
	e, err := filter.Config{Labels: LabelWords()}.Parse(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ladders draws a capture, as far as the filter wants.
func ladders(t testing.TB, a capture.Archive, f *filter.Expr, s Style) (string, error) {
	t.Helper()
	var text strings.Builder
	w := NewWriter(&text, s)
	err := Draw(a, Learn(a, f), w)
	return text.String(), errors.Join(err, w.Flush())
}

// TestGoldenLadders: beside each capture is its ladder.
func TestGoldenLadders(t *testing.T) {
	eachCapture(t, func(name string, f *capture.File) {
		text, err := ladders(t, f, nil, Style{Width: 100, Why: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		golden(t, "../"+captures+name+".txt", text)
	})
}

// TestConversationsAreDrawnApart: going back to the frames of the second draws what
// reading it as the first does.
func TestConversationsAreDrawnApart(t *testing.T) {
	both, err := ladders(t, open(t, "port-reuse"), nil, Style{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := ladders(t, open(t, "port-reuse"), words(t, "stream 2"), Style{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(both, "\n\n"+second) {
		t.Errorf("the second conversation of\n%s\nis not, alone,\n%s", both, second)
	}
}

func TestAFilterMayAskHowAConversationEnded(t *testing.T) {
	for text, want := range map[string]bool{
		"closed-by fin": true, "closed-by server": true, "closed-by rst": false, "closed-by client": false,
		"label final-fin": true, "label zero-window": false, "state time-wait": true, "tcp port 8000": true, "udp": false,
	} {
		got, err := ladders(t, open(t, "port-reuse"), words(t, text), Style{})
		if err != nil {
			t.Fatal(err)
		}
		if (got != "") != want {
			t.Errorf("%s shows\n%s", text, got)
		}
	}
}

// TestABrokenFileIsDrawnAsFarAsItGoes, and its error comes behind.
func TestABrokenFileIsDrawnAsFarAsItGoes(t *testing.T) {
	data, err := os.ReadFile(captures + "port-reuse.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	name := t.TempDir() + "/cut.pcapng"
	if err := os.WriteFile(name, data[:len(data)-20], 0o666); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "closed-by server"} {
		f, err := capture.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ladders(t, f, words(t, text), Style{})
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(got, "\n2  TCP") {
			t.Errorf("filter %q: %v\n%s", text, err, got)
		}
		f.Close()
	}
}

// TestAStreamIsSpooled: what cannot go back is drawn from a spool all the same.
func TestAStreamIsSpooled(t *testing.T) {
	data, err := os.ReadFile(captures + "port-reuse.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	f, err := capture.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	spool, err := capture.NewSpool(f, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer spool.Close()
	got, err := ladders(t, spool, nil, Style{})
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := ladders(t, open(t, "port-reuse"), nil, Style{}); got != want {
		t.Errorf("from a stream:\n%s\nfrom a file:\n%s", got, want)
	}
}

// TestFragmentsGoWithTheirPacket: into the ladder of the conversation that they are of,
// whichever that is, and nowhere else.
func TestFragmentsGoWithTheirPacket(t *testing.T) {
	alone := map[string]string{}
	for _, names := range [][]string{{"fragments-ipv4"}, {"fragments-ipv6"}, {"handshake", "fragments-ipv4", "fragments-ipv6"}} {
		f, err := capture.Open(joined(t, names...))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		text, err := ladders(t, f, nil, Style{})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text, "in 3 fragments"); strings.Contains(text, "of no conversation") || n%2 != 0 || n == 0 {
			t.Errorf("%s: %d packets in fragments, and no frames of no conversation:\n%s", names, n, text)
		}
		if len(names) == 1 {
			_, alone[names[0]], _ = strings.Cut(text, "sent ")
			continue
		}
		for name, foot := range alone {
			if !strings.Contains(text, foot) {
				t.Errorf("%s is not drawn as if it were alone:\n%s", name, text)
			}
		}
	}
}

// joined is a file of several captures, one behind the other, which pcapng allows.
func joined(t *testing.T, names ...string) string {
	t.Helper()
	var all []byte
	for _, name := range names {
		b, err := os.ReadFile(captures + name + ".pcapng")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	file := filepath.Join(t.TempDir(), "joined.pcapng")
	if err := os.WriteFile(file, all, 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestJSONIsOneObjectALine for every frame of every capture, and for every
// conversation.
func TestJSONIsOneObjectALine(t *testing.T) {
	eachCapture(t, func(name string, f *capture.File) {
		var text bytes.Buffer
		j := NewJSON(&text, false)
		p := NewPass(f, nil)
		if err := errors.Join(Walk(p, j), j.Flush()); err != nil {
			t.Fatal(err)
		}
		var frames, talks int64
		for line := range bytes.Lines(text.Bytes()) {
			var event struct {
				Event  string
				Frame  int64
				Labels []struct{ Label, Rule, Why string }
			}
			if err := json.Unmarshal(line, &event); err != nil {
				t.Fatalf("%s: %v in %s", name, err, line)
			}
			if event.Event == "conversation" {
				talks++
				continue
			}
			if frames++; event.Frame != frames {
				t.Fatalf("%s: frame %d in line %d", name, event.Frame, frames)
			}
			for _, l := range event.Labels {
				if l.Label == "" || l.Rule == "" || l.Why == "" {
					t.Fatalf("%s: a label without a reason in %s", name, line)
				}
			}
		}
		if c := p.Count(); frames != c.Frames || talks != int64(c.Conversations) {
			t.Errorf("%s: %d frames and %d conversations, want %+v", name, frames, talks, c)
		}
	})
}

func TestJSONOfASegment(t *testing.T) {
	var text bytes.Buffer
	j := NewJSON(&text, false)
	c := upper(newScript(t, func(e *flow.Event) {
		if err := j.Event(e); err != nil {
			t.Fatal(err)
		}
	}))
	if err := errors.Join(j.End(c), j.Flush()); err != nil {
		t.Fatal(err)
	}
	golden(t, "upper.jsonl", text.String())
}

func TestLists(t *testing.T) {
	var talks []flow.Conversation
	for _, play := range []func(*script) *flow.Conversation{upper, transfer} {
		c := *play(newScript(t, func(*flow.Event) {}))
		c.ID = len(talks) + 1
		talks = append(talks, c)
	}
	for name, s := range map[string]Style{"list.txt": {}, "list-80.txt": {Width: 80}} {
		var text strings.Builder
		if err := WriteList(&text, talks, s); err != nil {
			t.Fatal(err)
		}
		golden(t, name, text.String())
	}
}

func TestDialogue(t *testing.T) {
	var text strings.Builder
	d := NewDialogue(&text, Style{})
	f := NewFollower(d.Piece, d.End)
	c := upper(newScript(t, func(e *flow.Event) {
		if err := f.Event(e); err != nil {
			t.Fatal(err)
		}
	}))
	err := errors.Join(f.End(c),
		d.Piece(c, flow.Piece{From: 1, Data: []byte("half a ")}),
		d.Piece(c, flow.Piece{From: 1, Data: []byte("line\r\nand \x1b[2J more\n")}),
		d.Piece(c, flow.Piece{From: 0, Gap: 1448}),
		d.Piece(c, flow.Piece{From: 0, Data: []byte("\x16\x03\x01 hello to TLS, more than sixteen bytes")}),
		d.Flush())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "dialogue.txt", text.String())
}
