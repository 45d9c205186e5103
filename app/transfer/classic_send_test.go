package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"dialtone/app/digest"
)

// classicAnswers is a scripted receiver: after each message it says the next
// answer, piece by piece, and then ends as told; "stay" reads on.
func classicAnswers(w *classicWire, ending string, answers ...string) {
	buf := make([]byte, 4096)
	for _, a := range answers {
		w.Read(buf)
		for piece := range pieces(a) {
			time.Sleep(time.Second)
			w.Write([]byte(piece))
		}
	}
	if ending != "stay" {
		classicScript(w, ending)
	}
}

// pieces cuts s at its bars.
func pieces(s string) iter.Seq[string] { return strings.SplitSeq(s, "|") }

func TestClassicSenderFails(t *testing.T) {
	errRead := errors.New("the disk is on fire")
	hello := func() io.Reader { return strings.NewReader("hello") }
	for _, c := range []struct {
		what    string
		v       Classic
		name    string
		r       io.Reader
		size    int64
		ending  string
		answers []string
		want    error
		text    string // in the error
	}{
		{"no answer", Classic1, "a", hello(), 5, "stay", nil, os.ErrDeadlineExceeded, "answered the name"},
		{"half an answer", Classic1, "a", hello(), 5, "stay", []string{"o"}, os.ErrDeadlineExceeded, ""},
		{"half an answer and the end", Classic1, "a", hello(), 5, "end", []string{"o"}, ErrClassicRefused, `"o"`},
		{"a refusal", Classic1, "a", hello(), 5, "stay", []string{"no"}, ErrClassicRefused, `"no"`},
		{"a refusal of one letter", Classic1, "a", hello(), 5, "stay", []string{"n"}, ErrClassicRefused, `"n"`},
		{"a refusal in pieces", Classic1, "a", hello(), 5, "stay", []string{"er|ror: exists"}, ErrClassicRefused, `"er"`},
		{"a refusal line", Classic1, "a", hello(), 5, "stay", []string{"\nfile \x1b[2J exists\n"}, ErrClassicRefused, `file \\x1b[2J exists`},
		{"an endless refusal", Classic1, "a", hello(), 5, "stay", []string{strings.Repeat("a", 1<<20)}, ErrClassicRefused, "bytes)"},
		{"blanks for ever", Classic1, "a", hello(), 5, "stay", []string{strings.Repeat(" ", 1<<20)}, ErrClassicRefused, ""},
		{"the end for an answer", Classic1, "a", hello(), 5, "end", []string{""}, io.ErrUnexpectedEOF, "answered the name"},
		{"a reset for an answer", Classic1, "a", hello(), 5, "reset", []string{""}, syscall.ECONNRESET, "answered the name"},
		{"a reset for thanks", Classic1, "a", hello(), 5, "reset", []string{"ok"}, syscall.ECONNRESET, ""},
		{"no OK to the size", Classic3, "a", hello(), 5, "stay", []string{"OK", "too big"}, ErrClassicRefused, `the size is "too big"`},
		{"no last OK", Classic3, "a", hello(), 5, "end", []string{"OK", "OK", ""}, io.ErrUnexpectedEOF, "answered the content"},
		{"a last no", Classic3, "a", hello(), 5, "end", []string{"OK", "OK", "disk full"}, ErrClassicRefused, "disk full"},
		{"a file that shrinks", Classic1, "a", hello(), 6, "stay", []string{"ok"}, io.ErrUnexpectedEOF, "5 of 6"},
		{"a file that shrinks", Classic3, "a", hello(), 6, "stay", []string{"OK", "OK"}, io.ErrUnexpectedEOF, "5 of 6"},
		{"a read error", Classic1, "a", iotest.ErrReader(errRead), 6, "stay", []string{"ok"}, errRead, ""},
		{"a path", Classic1, "a/b", hello(), 5, "stay", nil, ErrClassicName, `"a/b"`},
		{"a name of two lines", Classic1, "a\nb", hello(), 5, "stay", nil, ErrClassicName, ""},
		{"a stream by classic3", Classic3, "a", hello(), -1, "stay", nil, nil, "use classic"},
		{"auto", ClassicAuto, "a", hello(), 5, "stay", nil, nil, "not auto"},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				there, here := newClassicWires(t)
				done := make(chan struct{})
				go func() { defer close(done); classicAnswers(there, c.ending, c.answers...) }()
				var failed int
				sum, err := SendClassic(t.Context(), here, c.v, c.name, c.r, c.size, SendOptions{Event: func(e Event) {
					if e.Kind == EventFailed {
						failed++
					}
				}})
				<-done
				var ce *ClassicError
				if !errors.As(err, &ce) || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
					t.Errorf("%v, want %v, %q", err, c.want, c.text)
				}
				if failed != 1 || sum.Failed != 1 || sum.Files != 0 {
					t.Errorf("%d failures told, summary %+v", failed, sum)
				}
				if rest := classicHeard(there); !strings.HasSuffix(rest, " reset") {
					t.Errorf("the receiver saw %q and no reset: it takes this for the file", rest)
				}
			})
		})
	}
}

// Answers to which a sender goes on.
func TestClassicSenderTakes(t *testing.T) {
	for _, c := range []struct {
		v       Classic
		answers []string
	}{
		{Classic1, []string{"ok"}},
		{Classic1, []string{"o|k"}},
		{Classic1, []string{" |\r\n|O|K|\n"}},
		{Classic1, []string{"okay"}},
		{Classic1, []string{"OK\x00\x00\x00"}},
		{Classic3, []string{"OK", "OK", "OK"}},
		{Classic3, []string{"o|k|\n", "O|k|\r|\n", "OK\n"}},
		{Classic3, []string{"OK, go on\n", "ok: 5 bytes\r\n", "OK done"}},
		{Classic3, []string{"OK", "OKOK"}},
		{Classic3, []string{"OK", "OK\nOK\n"}},
		{Classic3, []string{"OKOKOK"}},
	} {
		t.Run(strings.Join(c.answers, ","), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				there, here := newClassicWires(t)
				done := make(chan struct{})
				go func() { defer close(done); classicAnswers(there, "end", c.answers...) }()
				_, err := SendClassic(t.Context(), here, c.v, "a", strings.NewReader("hello"), 5, SendOptions{})
				if err != nil {
					t.Error(err)
				}
				<-done
			})
		})
	}
}

// betweenUs sends body from our sender to our receiver.
func betweenUs(t *testing.T, v, accepts Classic, r io.Reader, size int64, dst Target, so SendOptions) (sent, received Summary, serr, rerr error) {
	there, here := newClassicWires(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		received, rerr = ReceiveClassic(t.Context(), here, accepts, dst, ReceiveOptions{})
	}()
	sent, serr = SendClassic(t.Context(), there, v, "a.txt", r, size, so)
	<-done
	return sent, received, serr, rerr
}

func TestClassicBetweenUs(t *testing.T) {
	for _, v := range []Classic{Classic1, Classic3} {
		for _, accepts := range []Classic{v, ClassicAuto} {
			t.Run(v.String()+" to "+accepts.String(), func(t *testing.T) {
				classicBubbles(t, func(t *testing.T, want []byte) {
					var dst classicShelf
					sent, received, serr, rerr := betweenUs(t, v, accepts, iotest.HalfReader(bytes.NewReader(want)), int64(len(want)), &dst, SendOptions{})
					if serr != nil || rerr != nil || !bytes.Equal(dst.body.Bytes(), want) {
						t.Fatal(serr, rerr, dst.body.Len())
					}
					if sent.Sum != digest.Of(want) || sent.Sum != received.Sum || sent.Wire != received.Wire || sent.Bytes != received.Bytes {
						t.Errorf("sent %+v\nreceived %+v", sent, received)
					}
				})
			})
		}
	}
}

func TestClassicStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dst classicShelf
		sent, _, serr, rerr := betweenUs(t, Classic1, Classic1, strings.NewReader("hello"), -1, &dst, SendOptions{})
		if serr != nil || rerr != nil || dst.body.String() != "hello" || sent.Bytes != 5 {
			t.Error(serr, rerr, dst.body.String(), sent)
		}
	})
}

// What goes wrong at the receiver's disk, both must know.
func TestClassicTargetFails(t *testing.T) {
	errDisk := errors.New("the disk is full")
	for _, v := range []Classic{Classic1, Classic3} {
		for what, dst := range map[string]*classicShelf{
			"begin": {refuse: errDisk}, "write": {full: errDisk}, "commit": {late: errDisk},
		} {
			t.Run(v.String()+" "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					_, _, serr, rerr := betweenUs(t, v, v, strings.NewReader("hello"), 5, dst, SendOptions{})
					if !errors.Is(rerr, errDisk) || !errors.Is(serr, syscall.ECONNRESET) {
						t.Errorf("the receiver says %v, the sender %v", rerr, serr)
					}
					if dst.kept || dst.refuse == nil && !dst.gone {
						t.Errorf("kept %v, gone %v", dst.kept, dst.gone)
					}
				})
			})
		}
	}
}

func TestClassicSkip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dst := &classicShelf{skip: true}
		_, received, serr, rerr := betweenUs(t, Classic1, Classic1, strings.NewReader("hello"), 5, dst, SendOptions{})
		if rerr != nil || received.Skipped != 1 || received.Files != 0 || received.Failed != 0 {
			t.Errorf("%v, %+v", rerr, received)
		}
		if !errors.Is(serr, syscall.ECONNRESET) {
			t.Errorf("the sender was told %v", serr)
		}
	})
}

func TestClassicRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dst classicShelf
		want := classicBytes(100_000)
		sent, _, serr, rerr := betweenUs(t, Classic1, Classic1, bytes.NewReader(want), int64(len(want)), &dst, SendOptions{Rate: 10_000})
		if serr != nil || rerr != nil || !bytes.Equal(dst.body.Bytes(), want) {
			t.Fatal(serr, rerr)
		}
		if sent.Elapsed < 9*time.Second || sent.Elapsed > 11*time.Second { // 300 ms are the name's
			t.Errorf("100 kB at 10 kB/s took %v", sent.Elapsed)
		}
	})
}

func TestClassicDryRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		there, here := newClassicWires(t)
		var events []Event
		_, err := SendClassic(t.Context(), here, Classic1, "a", strings.NewReader("hello"), 5, SendOptions{DryRun: true, Event: func(e Event) { events = append(events, e) }})
		if err != nil || len(events) != 1 || events[0].Kind != EventWould || events[0].Bytes != 5 {
			t.Error(err, events)
		}
		if said := classicHeard(there); said != "" {
			t.Errorf("it said %q", said)
		}
	})
}

// An end of the context ends every wait at once, and tells the other end.
func TestClassicCancel(t *testing.T) {
	cause := errors.New("enough")
	for _, c := range []struct {
		what string
		said []classicSay
		run  func(ctx context.Context, w *classicWire) error
	}{
		{"sender waits for ok", nil, func(ctx context.Context, w *classicWire) error {
			_, err := SendClassic(ctx, w, Classic1, "a", strings.NewReader("hello"), 5, SendOptions{})
			return err
		}},
		{"sender holds to a rate", []classicSay{{"ok", 0}}, func(ctx context.Context, w *classicWire) error {
			_, err := SendClassic(ctx, w, Classic1, "a", bytes.NewReader(make([]byte, 1<<20)), 1<<20, SendOptions{Rate: 1000})
			return err
		}},
		{"sender waits for the end", []classicSay{{"ok", 0}}, func(ctx context.Context, w *classicWire) error {
			_, err := SendClassic(ctx, w, Classic1, "a", strings.NewReader("hello"), 5, SendOptions{})
			return err
		}},
		{"receiver waits for a name", nil, func(ctx context.Context, w *classicWire) error {
			_, err := ReceiveClassic(ctx, w, Classic1, new(classicShelf), ReceiveOptions{})
			return err
		}},
		{"receiver waits for content", []classicSay{{"a", 0}}, func(ctx context.Context, w *classicWire) error {
			_, err := ReceiveClassic(ctx, w, ClassicAuto, new(classicShelf), ReceiveOptions{Timeout: -1})
			return err
		}},
		{"receiver amid content", []classicSay{{"a\n", 0}, {"3\n", time.Second}, {"b", time.Second}}, func(ctx context.Context, w *classicWire) error {
			_, err := ReceiveClassic(ctx, w, Classic3, new(classicShelf), ReceiveOptions{})
			return err
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				there, here := newClassicWires(t)
				go classicScript(there, "stay", c.said...)
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(classicLater, func() { cancel(cause) })
				began := time.Now()
				if err := c.run(ctx, here); !errors.Is(err, cause) {
					t.Error(err)
				}
				if took := time.Since(began); took != classicLater {
					t.Errorf("it took %v", took)
				}
				if said := classicHeard(there); !strings.HasSuffix(said, " reset") {
					t.Errorf("the other end saw %q and no reset", said)
				}
			})
		})
	}
}

// wrapped is a connection in another, as one whose first bytes were looked at.
type wrapped struct{ net.Conn }

func (w wrapped) NetConn() net.Conn { return w.Conn }

func TestClassicWrapped(t *testing.T) {
	for _, size := range []int64{5, 6} { // well, and not
		synctest.Test(t, func(t *testing.T) {
			there, here := newClassicWires(t)
			var dst classicShelf
			done := make(chan error)
			go func() {
				_, err := ReceiveClassic(t.Context(), wrapped{here}, Classic1, &dst, ReceiveOptions{})
				done <- err
			}()
			_, serr := SendClassic(t.Context(), wrapped{there}, Classic1, "a", strings.NewReader("hello"), size, SendOptions{})
			if rerr := <-done; (serr == nil) != (size == 5) || (rerr == nil) != (size == 5) || dst.kept != (size == 5) {
				t.Errorf("%d bytes: the sender says %v, the receiver %v", size, serr, rerr)
			}
		})
	}
}
