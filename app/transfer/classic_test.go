package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

// classicShelf is a target in memory.
type classicShelf struct {
	name       string
	body       bytes.Buffer
	kept, gone bool
	closed     int

	skip               bool
	refuse, full, late error // of begin, WriteAt, commit
}

func (s *classicShelf) into() target { return onShelf{s: s} }

// onShelf is a classicShelf as target and as incoming.
type onShelf struct {
	incoming // nil: nobody calls the rest
	s        *classicShelf
}

func (o onShelf) begin(e tree.Entry, _ int64) (incoming, tree.Verdict, error) {
	if o.s.skip {
		return nil, tree.Skipped, nil
	}
	o.s.name = e.Path
	if o.s.refuse != nil {
		return nil, tree.Refused, o.s.refuse
	}
	return o, tree.Want, nil
}

func (o onShelf) notices(func(note)) {}
func (o onShelf) dry(bool)           {}
func (o onShelf) ordered() bool      { return true }
func (o onShelf) close() error       { o.s.closed++; return nil }

func (o onShelf) WriteAt(p []byte, off int64) (int, error) {
	if off != int64(o.s.body.Len()) {
		panic(fmt.Sprintf("written at %d of %d", off, o.s.body.Len()))
	}
	if o.s.full != nil {
		return 0, o.s.full
	}
	return o.s.body.Write(p)
}

func (o onShelf) Commit(size int64, done func(string, error)) {
	if size != int64(o.s.body.Len()) {
		panic(fmt.Sprintf("committed with %d of %d bytes", size, o.s.body.Len()))
	}
	o.s.kept, o.s.gone = o.s.late == nil, o.s.late != nil
	done(o.s.name, o.s.late)
}

func (o onShelf) Discard() error { o.s.gone = true; return nil }

// sizes are those at which beginners' buffers end, and ours.
var classicSizes = []int{0, 1, 4095, 4096, 4097, classicChunk, classicChunk + 1, 2*classicChunk + 5}

func classicBytes(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(p)
	return p
}

// classicBubbles runs f for each size, without waiting for time to pass.
func classicBubbles(t *testing.T, f func(t *testing.T, want []byte)) {
	for _, size := range classicSizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, classicBytes(size)) })
		})
	}
}

func TestBeginnersSend(t *testing.T) {
	for _, c := range []struct {
		name string
		v    []Classic
		send beginnerSends
	}{
		{"plain", []Classic{Classic1, ClassicAuto}, sendPlain},
		{"Fprintf", []Classic{Classic1, ClassicAuto}, sendFprintf},
		{"lines", []Classic{Classic1, ClassicAuto}, sendLines},
		{"bytes", []Classic{Classic1, ClassicAuto}, sendBytes},
		{"padded", []Classic{Classic1, ClassicAuto}, sendPadded},
		{"eager", []Classic{Classic1, ClassicAuto}, sendEager},
		{"classic3 plain", []Classic{Classic3}, send3Plain},
		{"classic3 any case", []Classic{Classic3, ClassicAuto}, send3AnyCase},
		{"classic3 lines", []Classic{Classic3, ClassicAuto}, send3Lines},
		{"classic3 leaves", []Classic{Classic3}, send3Leaves},
	} {
		for _, v := range c.v {
			t.Run(c.name+" to "+v.String(), func(t *testing.T) {
				classicBubbles(t, func(t *testing.T, want []byte) { receiveFromBeginner(t, v, c.send, want) })
			})
		}
	}
}

func receiveFromBeginner(t *testing.T, v Classic, send beginnerSends, want []byte) {
	there, here := newClassicWires(t)
	told := make(chan error)
	go func() { told <- send(there, "notes of today.txt", bytes.NewReader(want), int64(len(want))) }()
	var dst classicShelf
	var events []Event
	sum, err := ReceiveClassic(t.Context(), here, v, &dst, ReceiveOptions{Event: func(e Event) { events = append(events, e) }})
	if err != nil {
		t.Fatal(err, <-told)
	}
	if err := <-told; err != nil {
		t.Errorf("the sender was told %v", err)
	}
	if !dst.kept || dst.name != "notes of today.txt" || !bytes.Equal(dst.body.Bytes(), want) {
		t.Errorf("stored %v: %q with %d bytes, want %d", dst.kept, dst.name, dst.body.Len(), len(want))
	}
	if sum.Files != 1 || sum.Bytes != int64(len(want)) || sum.Sum != digest.Of(want) || sum.Failed != 0 {
		t.Errorf("summary %+v", sum)
	}
	done := slices.IndexFunc(events, func(e Event) bool { return e.Kind == EventDone })
	if done < 0 || events[done].Path != dst.name || events[done].Sum != sum.Sum || events[done].Bytes != sum.Bytes {
		t.Errorf("events %+v", events)
	}
}

func TestBeginnersReceive(t *testing.T) {
	for _, c := range []struct {
		name    string
		v       Classic
		receive beginnerReceives
	}{
		{"plain", Classic1, answering("ok")},
		{"OK", Classic1, answering("OK")},
		{"line", Classic1, answering("Ok\r\n")},
		{"words", Classic1, answering("ok, send it\n")},
		{"bytes", Classic1, receiveBytes},
		{"stays", Classic1, receiveStays},
		{"classic3 plain", Classic3, answering3("OK")},
		{"classic3 line", Classic3, answering3("OK\n")},
		{"classic3 ok", Classic3, answering3("ok")},
		{"classic3 words", Classic3, answering3("OK received\r\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			classicBubbles(t, func(t *testing.T, want []byte) { sendToBeginner(t, c.v, c.receive, want) })
		})
	}
}

func sendToBeginner(t *testing.T, v Classic, receive beginnerReceives, want []byte) {
	there, here := newClassicWires(t)
	var got bytes.Buffer
	name, told := "", make(chan error)
	go func() {
		var err error
		name, err = receive(there, &got)
		told <- err
	}()
	var meter Meter
	sum, err := SendClassic(t.Context(), here, v, "notes.txt", bytes.NewReader(want), int64(len(want)), SendOptions{Meter: &meter})
	if err != nil {
		t.Fatal(err, <-told)
	}
	if err := <-told; err != nil || name != "notes.txt" || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("it has %q with %d bytes, want %d: %v", name, got.Len(), len(want), err)
	}
	if sum.Files != 1 || sum.Sum != digest.Of(want) || sum.Sent != int64(len(want)) || meter.bytes.Load() != sum.Sent {
		t.Errorf("summary %+v", sum)
	}
}

// Our own ends must agree, in every version, however TCP cuts what they say.
func TestClassicCutAnywhere(t *testing.T) {
	for _, c := range []struct {
		v    Classic
		text string // what the sender says, without waiting where it ends a line
	}{
		{Classic1, "a.txt\nhello"},
		{ClassicAuto, "a.txt\nhello"},
		{ClassicAuto, "a.txt\n12\n3"},
		{ClassicAuto, "a.txt\n1x"},
		{Classic3, "a.txt\n5\nhello"},
		{Classic3, "a.txt\r\n5\r\nhello"},
	} {
		want := c.text[strings.LastIndex(strings.TrimSuffix(c.text, "\n3"), "\n")+1:]
		for cut := range len(c.text) {
			for _, pause := range []time.Duration{0, time.Millisecond, 200 * time.Millisecond} {
				synctest.Test(t, func(t *testing.T) {
					there, here := newClassicWires(t)
					go func() {
						there.Write([]byte(c.text[:cut]))
						time.Sleep(pause)
						there.Write([]byte(c.text[cut:]))
						there.CloseWrite()
					}()
					var dst classicShelf
					_, err := ReceiveClassic(t.Context(), here, c.v, &dst, ReceiveOptions{})
					if err != nil || dst.name != "a.txt" || dst.body.String() != want {
						t.Errorf("%v: %q | %v | %q: %q with %q, %v", c.v, c.text[:cut], pause, c.text[cut:], dst.name, dst.body.String(), err)
					}
				})
			}
		}
	}
}

// classicSay is one thing that a scripted sender does.
type classicSay struct {
	text  string
	after time.Duration
}

// classicScript sends what is said and ends as told: "end", "reset" or "stay".
func classicScript(w *classicWire, ending string, said ...classicSay) {
	for _, s := range said {
		time.Sleep(s.after)
		w.Write([]byte(s.text))
	}
	switch ending {
	case "end":
		w.CloseWrite()
	case "reset":
		w.SetLinger(0)
		w.Close()
	}
}

// classicHeard returns what the receiver said, and how it ended.
func classicHeard(w *classicWire) string {
	p, err := io.ReadAll(w)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed) {
		return string(p) + " reset"
	}
	return string(p)
}

const classicLater = 5 * time.Second // long after every quiet time

func TestClassicReceiverRefuses(t *testing.T) {
	for _, c := range []struct {
		what   string
		v      Classic
		ending string
		said   []classicSay
		want   error
	}{
		{"nothing", Classic1, "end", nil, io.ErrUnexpectedEOF},
		{"silence", Classic1, "stay", nil, os.ErrDeadlineExceeded},
		{"an unanswered name", Classic1, "end", []classicSay{{"a.txt", 0}}, io.ErrUnexpectedEOF},
		{"an empty name", Classic1, "stay", []classicSay{{"\n", 0}}, ErrClassicName},
		{"a path", Classic1, "stay", []classicSay{{"../a.txt", 0}}, ErrClassicName},
		{"an absolute path", Classic1, "stay", []classicSay{{"/etc/passwd", 0}}, ErrClassicName},
		{"a Windows path", Classic1, "stay", []classicSay{{`..\a.txt`, 0}}, ErrClassicName},
		{"the folder", Classic1, "stay", []classicSay{{".", 0}}, ErrClassicName},
		{"the folder above", Classic1, "stay", []classicSay{{"..", 0}}, ErrClassicName},
		{"an escape sequence", Classic1, "stay", []classicSay{{"a\x1b[2J", 0}}, ErrClassicName},
		{"a NUL within", Classic1, "stay", []classicSay{{"a\x00b", 0}}, ErrClassicName},
		{"a long name", Classic1, "stay", []classicSay{{strings.Repeat("a", 256), 0}}, ErrClassicName},
		{"an endless name", Classic1, "stay", []classicSay{{strings.Repeat("a", 1<<20), 0}}, ErrClassicName},
		{"a dripping name", Classic1, "stay", classicRepeat(400, classicSay{"a", 299 * time.Millisecond}), os.ErrDeadlineExceeded},
		{"a reset in the content", Classic1, "reset", []classicSay{{"a.txt\n", 0}, {"hello", classicLater}}, syscall.ECONNRESET},
		{"a stall in the content", Classic1, "stay", []classicSay{{"a.txt\n", 0}, {"hello", classicLater}}, os.ErrDeadlineExceeded},
		{"too much", Classic1, "stay", []classicSay{{"a.txt\n", 0}, {strings.Repeat("a", 1025), classicLater}}, ErrClassicTooBig},
		{"no size", Classic3, "end", []classicSay{{"a.txt", 0}}, io.ErrUnexpectedEOF},
		{"an empty size", Classic3, "stay", []classicSay{{"a.txt", 0}, {"\n", classicLater}}, ErrClassicSize},
		{"a size in words", Classic3, "stay", []classicSay{{"a.txt", 0}, {"five", classicLater}}, ErrClassicSize},
		{"a negative size", Classic3, "stay", []classicSay{{"a.txt", 0}, {"-5", classicLater}}, ErrClassicSize},
		{"a signed size", Classic3, "stay", []classicSay{{"a.txt", 0}, {"+5", classicLater}}, ErrClassicSize},
		{"a size with a fraction", Classic3, "stay", []classicSay{{"a.txt", 0}, {"5.0", classicLater}}, ErrClassicSize},
		{"content glued to the size", Classic3, "stay", []classicSay{{"a.txt", 0}, {"5hello", classicLater}}, ErrClassicSize},
		{"a size above the limit", Classic3, "stay", []classicSay{{"a.txt", 0}, {"1025", classicLater}}, ErrClassicTooBig},
		{"a size beyond numbers", Classic3, "stay", []classicSay{{"a.txt", 0}, {"99999999999999999999", classicLater}}, ErrClassicTooBig},
		{"less than the size", Classic3, "end", []classicSay{{"a.txt", 0}, {"5", classicLater}, {"hell", classicLater}}, io.ErrUnexpectedEOF},
		{"more than the size", Classic3, "stay", []classicSay{{"a.txt", 0}, {"5", classicLater}, {"hello!", classicLater}}, ErrClassicSurplus},
		{"more than nothing", Classic3, "stay", []classicSay{{"a.txt", 0}, {"0\n!", classicLater}}, ErrClassicSurplus},
		{"a reset behind the content", Classic3, "reset", []classicSay{{"a.txt", 0}, {"5", classicLater}, {"hello", classicLater}}, syscall.ECONNRESET},
		{"digits and then less", ClassicAuto, "end", []classicSay{{"a.txt", 0}, {"5", classicLater}, {"hell", classicLater}}, io.ErrUnexpectedEOF},
		{"a 0 that may be content", ClassicAuto, "end", []classicSay{{"a.txt", 0}, {"0", classicLater}, {"", 1100 * time.Millisecond}}, io.ErrUnexpectedEOF},
		{"digits above the limit", ClassicAuto, "stay", []classicSay{{"a.txt", 0}, {"1025", classicLater}}, ErrClassicTooBig},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				there, here := newClassicWires(t)
				go classicScript(there, c.ending, c.said...)
				var dst classicShelf
				sum, err := ReceiveClassic(t.Context(), here, c.v, &dst, ReceiveOptions{MaxBytes: 1024})
				var ce *ClassicError
				if !errors.Is(err, c.want) || !errors.As(err, &ce) {
					t.Errorf("%v, want %v", err, c.want)
				}
				if dst.kept || dst.name != "" && !dst.gone || sum.Files != 0 {
					t.Errorf("kept %v, gone %v, %+v", dst.kept, dst.gone, sum)
				}
				if dst.closed == 0 {
					t.Error("the target is not closed")
				}
				if dst.name != "" && (sum.Failed != 1 || len(sum.Failures) != 1) {
					t.Errorf("summary %+v", sum)
				}
				if answer := classicHeard(there); !strings.HasSuffix(answer, " reset") || strings.Count(strings.ToLower(answer), "ok") > 2 {
					t.Errorf("the sender heard %q, want a reset", answer)
				}
				time.Sleep(time.Hour) // for the script
			})
		})
	}
}

// classicRepeat returns n times s.
func classicRepeat(n int, s classicSay) (list []classicSay) {
	for range n {
		list = append(list, s)
	}
	return list
}

// What ClassicAuto makes of what follows its ok.
func TestClassicAutoTellsApart(t *testing.T) {
	const soon = 10 * time.Millisecond
	for _, c := range []struct {
		what, ending string
		said         []classicSay
		body, answer string
	}{
		{"a number that is all", "end", []classicSay{{"12345", 0}}, "12345", "ok"},
		{"a number with a line feed", "end", []classicSay{{"5\n", 0}}, "5\n", "ok"},
		{"a number and words", "end", []classicSay{{"5 apples", 0}}, "5 apples", "ok"},
		{"a number, soon more", "end", []classicSay{{"5", 0}, {"apples", soon}}, "5apples", "ok"},
		{"a number, soon the end", "end", []classicSay{{"5", 0}, {"", soon}}, "5", "ok"},
		{"a number in pieces", "end", []classicSay{{"1", 0}, {"2", soon}, {"hello, world", classicLater}}, "hello, world", "okOKOK"},
		{"lines of numbers", "end", []classicSay{{"1\n", 0}, {"2\n", soon}}, "1\n2\n", "ok"},
		{"not a size for its zero", "end", []classicSay{{"007", 0}, {"", classicLater}}, "007", "ok"},
		{"not a size for its length", "end", []classicSay{{"12345678901234567890", 0}, {"", classicLater}}, "12345678901234567890", "ok"},
		{"not a size for its sign", "end", []classicSay{{"-1", 0}, {"", classicLater}}, "-1", "ok"},
		{"a size", "stay", []classicSay{{"5", 0}, {"hello", classicLater}}, "hello", "okOKOK"},
		{"a size of 0", "stay", []classicSay{{"0", 0}}, "", "okOKOK"},
		{"a size, content of digits", "stay", []classicSay{{"5\n", 0}, {"12345", classicLater}}, "12345", "okOKOK"},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				there, here := newClassicWires(t)
				go classicScript(there, c.ending, append([]classicSay{{"n.txt", 0}, {"", time.Second}}, c.said...)...)
				var dst classicShelf
				_, err := ReceiveClassic(t.Context(), here, ClassicAuto, &dst, ReceiveOptions{})
				if err != nil || !dst.kept || dst.body.String() != c.body {
					t.Errorf("%q, %v", dst.body.String(), err)
				}
				if answer := classicHeard(there); answer != c.answer {
					t.Errorf("the sender heard %q, want %q", answer, c.answer)
				}
			})
		})
	}
}

// What comes behind the last OK does no harm, and is told.
func TestClassicLateSurplus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		there, here := newClassicWires(t)
		go classicScript(there, "end", classicSay{"a.txt", 0}, classicSay{"5", classicLater}, classicSay{"hello", classicLater}, classicSay{"!", time.Second})
		var dst classicShelf
		var notices []string
		_, err := ReceiveClassic(t.Context(), here, Classic3, &dst, ReceiveOptions{Event: func(e Event) {
			if e.Kind == EventNotice {
				notices = append(notices, e.Text)
			}
		}})
		if err != nil || dst.body.String() != "hello" || len(notices) != 1 || !strings.Contains(notices[0], "1 bytes more") {
			t.Errorf("%v, %q, %q", err, dst.body.String(), notices)
		}
		if answer := classicHeard(there); answer != "OKOKOK" {
			t.Errorf("the sender heard %q", answer)
		}
	})
}
