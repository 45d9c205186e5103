package connect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/app/address"
)

func echo(c net.Conn) { io.Copy(c, c) }

// afterEOF answers only when all has come: without a half-close it never does.
func afterEOF(c net.Conn) {
	all, _ := io.ReadAll(c)
	c.Write(all)
}

func kinds(list *[]Event) func(Event) {
	return func(e Event) {
		e.Data = bytes.Clone(e.Data)
		*list = append(*list, e)
	}
}

func TestHalfCloseBringsEverythingBack(t *testing.T) {
	want := make([]byte, 8<<20)
	rand.NewChaCha8([32]byte{1}).Read(want)
	var got bytes.Buffer
	var events []Event
	conn := dial(t, new(Dialer), listen(t, afterEOF))
	result, err := Run(context.Background(), conn, Options{In: bytes.NewReader(want), Out: &got, Watch: kinds(&events)})
	if err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Fatalf("got %d of %d bytes, %v", got.Len(), len(want), err)
	}
	if result != (Result{Sent: 8 << 20, Received: 8 << 20}) {
		t.Errorf("result %+v", result)
	}
	if last := events[len(events)-1]; last.Kind != Closed || last.By != "client" || last.Sent != 8<<20 {
		t.Errorf("last event %+v", last)
	}
	if !slices.ContainsFunc(events, func(e Event) bool { return e.Kind == HalfClosed }) {
		t.Error("no half-closed event")
	}
}

func TestServerEndsFirstAlthoughInputIsOpen(t *testing.T) {
	a := listen(t, func(c net.Conn) {
		io.WriteString(c, "bye")
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c) // a close with something unread would be a reset
	})
	for name, in := range map[string]io.Reader{"stuck": stuck(t), "ticker": &Ticker{Text: []byte("x"), Every: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			result, err := Run(context.Background(), dial(t, new(Dialer), a), Options{In: in, Out: &out})
			if err != nil || !result.ServerFirst || out.String() != "bye" {
				t.Errorf("%+v, %v, %q", result, err, &out)
			}
		})
	}
}

// A pipe of the operating system can be interrupted: nothing is left behind,
// and it can be read afterwards.
func TestPipeIsGivenBack(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	a := listen(t, func(net.Conn) {})
	if _, err := Run(context.Background(), dial(t, new(Dialer), a), Options{In: r}); err != nil {
		t.Fatal(err)
	}
	w.WriteString("later")
	if n, err := r.Read(make([]byte, 10)); n != 5 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestResetIsAnError(t *testing.T) {
	a := listen(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, 1))
		reset(c)
	})
	for name, in := range map[string]io.Reader{
		"while reading": io.MultiReader(strings.NewReader("x"), stuck(t)),
		"while writing": zeros{},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 { // the kernel tells either the reader or the writer
				_, err := Run(context.Background(), dial(t, new(Dialer), a), Options{In: in})
				var failed *Error
				if !errors.Is(err, syscall.ECONNRESET) || !errors.As(err, &failed) || failed.Address == "" {
					t.Fatalf("error %v, want a reset", err)
				}
				if name == "while reading" {
					return // In has nothing more to say
				}
			}
		})
	}
}

// A server that has closed answers what still comes with a reset: that is no
// failure when all it said was read.
func TestSendingToAServerThatHasClosedIsNoError(t *testing.T) {
	conn := &lateReader{dial(t, new(Dialer), listen(t, func(net.Conn) {})).(*net.TCPConn), make(chan struct{})}
	later := func(text string, after time.Duration) io.Reader {
		return &Ticker{Text: []byte(text), Every: after, Count: 2, said: 1, start: time.Now()}
	}
	in := io.MultiReader(later("x", 50*time.Millisecond), later("", 100*time.Millisecond))
	if _, err := Run(context.Background(), conn, Options{In: in}); err != nil {
		t.Error(err)
	}
}

// lateReader does not read before the end of input.
type lateReader struct {
	*net.TCPConn
	ended chan struct{}
}

func (l *lateReader) Read(p []byte) (int, error) {
	select {
	case <-l.ended:
	case <-time.After(300 * time.Millisecond): // sending failed before the end
	}
	return l.TCPConn.Read(p)
}

func (l *lateReader) CloseWrite() error {
	defer close(l.ended)
	return l.TCPConn.CloseWrite()
}

// A watcher may be slow with the last events.
func TestInterruptedInputIsNoError(t *testing.T) {
	watch := func(e Event) {
		if e.Kind == Closed {
			time.Sleep(2 * grace)
		}
	}
	conn := dial(t, new(Dialer), listen(t, func(net.Conn) {}))
	result, err := Run(context.Background(), conn, Options{In: &Ticker{Text: []byte("x"), Every: time.Hour, said: 1, start: time.Now()}, Watch: watch})
	if err != nil || !result.ServerFirst {
		t.Errorf("%+v, %v", result, err)
	}
}

// zeros never ends and cannot be interrupted, but always returns.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestServerThatDoesNotReadStopsTheInput(t *testing.T) {
	release := make(chan struct{})
	a := listen(t, func(net.Conn) { <-release })
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	in := &counter{enough: func() { cancel(why) }}
	_, err := Run(ctx, dial(t, new(Dialer), a), Options{In: in})
	close(release)
	if err != why {
		t.Errorf("error %v, want the cause", err)
	}
}

// counter ends the test when nothing was read for a while.
type counter struct {
	enough func()
	timer  *time.Timer
}

func (c *counter) Read(p []byte) (int, error) {
	if c.timer == nil {
		c.timer = time.AfterFunc(300*time.Millisecond, c.enough)
	}
	c.timer.Reset(300 * time.Millisecond)
	return len(p), nil
}

func TestEndOfContextLeavesAStuckOutputBehind(t *testing.T) {
	a := listen(t, func(c net.Conn) { io.WriteString(c, "x"); io.Copy(io.Discard, c) })
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	defer r.Close()
	watch := func(e Event) {
		if e.Kind == Received { // the write that follows hangs
			cancel()
		}
	}
	_, err := Run(ctx, dial(t, new(Dialer), a), Options{In: stuck(t), Out: w, Watch: watch})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestFailingInputAndOutputEndTheConversation(t *testing.T) {
	bad := errors.New("bad")
	a := listen(t, echo)
	_, err := Run(context.Background(), dial(t, new(Dialer), a), Options{In: errorReader{bad}})
	if !errors.Is(err, bad) || err.Error() != "read the input: bad" {
		t.Errorf("input: %v", err)
	}
	r, w := io.Pipe()
	r.CloseWithError(bad)
	_, err = Run(context.Background(), dial(t, new(Dialer), a), Options{In: strings.NewReader("x"), Out: w})
	if !errors.Is(err, bad) || err.Error() != "write the output: bad" {
		t.Errorf("output: %v", err)
	}
}

type errorReader struct{ error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.error }

func TestPanicReachesTheCaller(t *testing.T) {
	a := listen(t, echo)
	for _, kind := range []Kind{Sent, Received} {
		t.Run(string(kind), func(t *testing.T) {
			defer func() {
				if p := recover(); p != "boom" {
					t.Errorf("recovered %v", p)
				}
			}()
			watch := func(e Event) {
				if e.Kind == kind {
					panic("boom")
				}
			}
			in := io.MultiReader(strings.NewReader("x"), stuck(t))
			Run(context.Background(), dial(t, new(Dialer), a), Options{In: in, Watch: watch})
			t.Error("no panic")
		})
	}
}

func TestUnixSocketHalfCloses(t *testing.T) {
	path := t.TempDir() + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	serveAll(t, l, afterEOF)
	var out bytes.Buffer
	conn := dial(t, new(Dialer), address.Address{Scheme: "unix", Path: path})
	if _, err := Run(context.Background(), conn, Options{In: strings.NewReader("hi"), Out: &out}); err != nil || out.String() != "hi" {
		t.Errorf("%q, %v", &out, err)
	}
}
