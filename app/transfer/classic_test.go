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
)

// shelf is a target in memory.
type shelf struct {
	name, final string
	body        bytes.Buffer
	kept, gone  bool

	refuse, full, late error // of begin, WriteAt, commit
}

func (s *shelf) beginClassic(name string) (classicFile, error) {
	s.name = name
	return s, s.refuse
}

func (s *shelf) WriteAt(p []byte, off int64) (int, error) {
	if off != int64(s.body.Len()) {
		panic(fmt.Sprintf("written at %d of %d", off, s.body.Len()))
	}
	if s.full != nil {
		return 0, s.full
	}
	return s.body.Write(p)
}

func (s *shelf) commit(size int64) (string, error) {
	if size != int64(s.body.Len()) {
		panic(fmt.Sprintf("committed with %d of %d bytes", size, s.body.Len()))
	}
	s.kept, s.gone = s.late == nil, s.late != nil
	return s.final, s.late
}

func (s *shelf) discard() error { s.gone = true; return nil }

// sizes are those at which beginners' buffers end, and ours.
var classicSizes = []int{0, 1, 4095, 4096, 4097, contentChunk, contentChunk + 1, 2*contentChunk + 5}

func randomBytes(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(p)
	return p
}

// bubbles runs f for each size, without waiting for time to pass.
func bubbles(t *testing.T, f func(t *testing.T, want []byte)) {
	for _, size := range classicSizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, randomBytes(size)) })
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
				bubbles(t, func(t *testing.T, want []byte) { receiveFromBeginner(t, v, c.send, want) })
			})
		}
	}
}

func receiveFromBeginner(t *testing.T, v Classic, send beginnerSends, want []byte) {
	there, here := newWires(t)
	told := make(chan error)
	go func() { told <- send(there, "notes of today.txt", bytes.NewReader(want), int64(len(want))) }()
	var dst shelf
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
			bubbles(t, func(t *testing.T, want []byte) { sendToBeginner(t, c.v, c.receive, want) })
		})
	}
}

func sendToBeginner(t *testing.T, v Classic, receive beginnerReceives, want []byte) {
	there, here := newWires(t)
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
					there, here := newWires(t)
					go func() {
						there.Write([]byte(c.text[:cut]))
						time.Sleep(pause)
						there.Write([]byte(c.text[cut:]))
						there.CloseWrite()
					}()
					var dst shelf
					_, err := ReceiveClassic(t.Context(), here, c.v, &dst, ReceiveOptions{})
					if err != nil || dst.name != "a.txt" || dst.body.String() != want {
						t.Errorf("%v: %q | %v | %q: %q with %q, %v", c.v, c.text[:cut], pause, c.text[cut:], dst.name, dst.body.String(), err)
					}
				})
			}
		}
	}
}

// say is one thing that a scripted sender does.
type say struct {
	text  string
	after time.Duration
}

// script sends what is said and ends as told: "end", "reset" or "stay".
func script(w *wire, ending string, said ...say) {
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

// heard returns what the receiver said, and how it ended.
func heard(w *wire) string {
	p, err := io.ReadAll(w)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed) {
		return string(p) + " reset"
	}
	return string(p)
}

const later = 5 * time.Second // long after every quiet time

func TestClassicReceiverRefuses(t *testing.T) {
	for _, c := range []struct {
		what   string
		v      Classic
		ending string
		said   []say
		want   error
	}{
		{"nothing", Classic1, "end", nil, io.ErrUnexpectedEOF},
		{"silence", Classic1, "stay", nil, os.ErrDeadlineExceeded},
		{"an unanswered name", Classic1, "end", []say{{"a.txt", 0}}, io.ErrUnexpectedEOF},
		{"an empty name", Classic1, "stay", []say{{"\n", 0}}, ErrClassicName},
		{"a path", Classic1, "stay", []say{{"../a.txt", 0}}, ErrClassicName},
		{"an absolute path", Classic1, "stay", []say{{"/etc/passwd", 0}}, ErrClassicName},
		{"a Windows path", Classic1, "stay", []say{{`..\a.txt`, 0}}, ErrClassicName},
		{"the folder", Classic1, "stay", []say{{".", 0}}, ErrClassicName},
		{"the folder above", Classic1, "stay", []say{{"..", 0}}, ErrClassicName},
		{"an escape sequence", Classic1, "stay", []say{{"a\x1b[2J", 0}}, ErrClassicName},
		{"a NUL within", Classic1, "stay", []say{{"a\x00b", 0}}, ErrClassicName},
		{"a long name", Classic1, "stay", []say{{strings.Repeat("a", 256), 0}}, ErrClassicName},
		{"an endless name", Classic1, "stay", []say{{strings.Repeat("a", 1<<20), 0}}, ErrClassicName},
		{"a dripping name", Classic1, "stay", repeat(400, say{"a", 299 * time.Millisecond}), os.ErrDeadlineExceeded},
		{"a reset in the content", Classic1, "reset", []say{{"a.txt\n", 0}, {"hello", later}}, syscall.ECONNRESET},
		{"a stall in the content", Classic1, "stay", []say{{"a.txt\n", 0}, {"hello", later}}, os.ErrDeadlineExceeded},
		{"too much", Classic1, "stay", []say{{"a.txt\n", 0}, {strings.Repeat("a", 1025), later}}, ErrClassicTooBig},
		{"no size", Classic3, "end", []say{{"a.txt", 0}}, io.ErrUnexpectedEOF},
		{"an empty size", Classic3, "stay", []say{{"a.txt", 0}, {"\n", later}}, ErrClassicSize},
		{"a size in words", Classic3, "stay", []say{{"a.txt", 0}, {"five", later}}, ErrClassicSize},
		{"a negative size", Classic3, "stay", []say{{"a.txt", 0}, {"-5", later}}, ErrClassicSize},
		{"a signed size", Classic3, "stay", []say{{"a.txt", 0}, {"+5", later}}, ErrClassicSize},
		{"a size with a fraction", Classic3, "stay", []say{{"a.txt", 0}, {"5.0", later}}, ErrClassicSize},
		{"content glued to the size", Classic3, "stay", []say{{"a.txt", 0}, {"5hello", later}}, ErrClassicSize},
		{"a size above the limit", Classic3, "stay", []say{{"a.txt", 0}, {"1025", later}}, ErrClassicTooBig},
		{"a size beyond numbers", Classic3, "stay", []say{{"a.txt", 0}, {"99999999999999999999", later}}, ErrClassicTooBig},
		{"less than the size", Classic3, "end", []say{{"a.txt", 0}, {"5", later}, {"hell", later}}, io.ErrUnexpectedEOF},
		{"more than the size", Classic3, "stay", []say{{"a.txt", 0}, {"5", later}, {"hello!", later}}, ErrClassicSurplus},
		{"more than nothing", Classic3, "stay", []say{{"a.txt", 0}, {"0\n!", later}}, ErrClassicSurplus},
		{"a reset behind the content", Classic3, "reset", []say{{"a.txt", 0}, {"5", later}, {"hello", later}}, syscall.ECONNRESET},
		{"digits and then less", ClassicAuto, "end", []say{{"a.txt", 0}, {"5", later}, {"hell", later}}, io.ErrUnexpectedEOF},
		{"a 0 that may be content", ClassicAuto, "end", []say{{"a.txt", 0}, {"0", later}, {"", 1100 * time.Millisecond}}, io.ErrUnexpectedEOF},
		{"digits above the limit", ClassicAuto, "stay", []say{{"a.txt", 0}, {"1025", later}}, ErrClassicTooBig},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				there, here := newWires(t)
				go script(there, c.ending, c.said...)
				var dst shelf
				sum, err := ReceiveClassic(t.Context(), here, c.v, &dst, ReceiveOptions{MaxBytes: 1024})
				var ce *ClassicError
				if !errors.Is(err, c.want) || !errors.As(err, &ce) {
					t.Errorf("%v, want %v", err, c.want)
				}
				if dst.kept || dst.name != "" && !dst.gone || sum.Files != 0 {
					t.Errorf("kept %v, gone %v, %+v", dst.kept, dst.gone, sum)
				}
				if dst.name != "" && (sum.Failed != 1 || len(sum.Failures) != 1) {
					t.Errorf("summary %+v", sum)
				}
				if answer := heard(there); !strings.HasSuffix(answer, " reset") || strings.Count(strings.ToLower(answer), "ok") > 2 {
					t.Errorf("the sender heard %q, want a reset", answer)
				}
				time.Sleep(time.Hour) // for the script
			})
		})
	}
}

// repeat returns n times s.
func repeat(n int, s say) (list []say) {
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
		said         []say
		body, answer string
	}{
		{"a number that is all", "end", []say{{"12345", 0}}, "12345", "ok"},
		{"a number with a line feed", "end", []say{{"5\n", 0}}, "5\n", "ok"},
		{"a number and words", "end", []say{{"5 apples", 0}}, "5 apples", "ok"},
		{"a number, soon more", "end", []say{{"5", 0}, {"apples", soon}}, "5apples", "ok"},
		{"a number, soon the end", "end", []say{{"5", 0}, {"", soon}}, "5", "ok"},
		{"a number in pieces", "end", []say{{"1", 0}, {"2", soon}, {"hello, world", later}}, "hello, world", "okOKOK"},
		{"lines of numbers", "end", []say{{"1\n", 0}, {"2\n", soon}}, "1\n2\n", "ok"},
		{"not a size for its zero", "end", []say{{"007", 0}, {"", later}}, "007", "ok"},
		{"not a size for its length", "end", []say{{"12345678901234567890", 0}, {"", later}}, "12345678901234567890", "ok"},
		{"not a size for its sign", "end", []say{{"-1", 0}, {"", later}}, "-1", "ok"},
		{"a size", "stay", []say{{"5", 0}, {"hello", later}}, "hello", "okOKOK"},
		{"a size of 0", "stay", []say{{"0", 0}}, "", "okOKOK"},
		{"a size, content of digits", "stay", []say{{"5\n", 0}, {"12345", later}}, "12345", "okOKOK"},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				there, here := newWires(t)
				go script(there, c.ending, append([]say{{"n.txt", 0}, {"", time.Second}}, c.said...)...)
				var dst shelf
				_, err := ReceiveClassic(t.Context(), here, ClassicAuto, &dst, ReceiveOptions{})
				if err != nil || !dst.kept || dst.body.String() != c.body {
					t.Errorf("%q, %v", dst.body.String(), err)
				}
				if answer := heard(there); answer != c.answer {
					t.Errorf("the sender heard %q, want %q", answer, c.answer)
				}
			})
		})
	}
}
