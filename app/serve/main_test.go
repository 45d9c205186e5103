package serve_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dialtone/app/serve"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long a test waits for what must come: a safety net, not a measure.
const soon = time.Minute

// listen opens a loopback port for streams.
func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	return ln
}

// listenUnix opens a Unix socket.
func listenUnix(t testing.TB) net.Listener {
	t.Helper()
	dir, err := os.MkdirTemp("", "serve") // t.TempDir may be too long for a socket's name
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	ln, err := net.Listen("unix", filepath.Join(dir, "s"))
	must(t, err)
	return ln
}

// serveOn serves ln until the test ends.
func serveOn(t testing.TB, s *serve.Server, ln net.Listener, wraps ...serve.Wrap) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background(), ln, wraps...) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// start serves a loopback port until the test ends, and returns its address.
func start(t testing.TB, s *serve.Server, wraps ...serve.Wrap) string {
	t.Helper()
	ln := listen(t)
	serveOn(t, s, ln, wraps...)
	return ln.Addr().String()
}

// startPacket answers datagrams on addr until the test ends.
func startPacket(t testing.TB, s *serve.Server, addr string) *net.UDPAddr {
	t.Helper()
	pc, err := net.ListenPacket("udp", addr)
	must(t, err)
	servePackets(t, s, pc)
	return pc.LocalAddr().(*net.UDPAddr)
}

// servePackets serves pc until the test ends.
func servePackets(t testing.TB, s *serve.Server, pc net.PacketConn) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.ServePacket(context.Background(), pc) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Errorf("ServePacket: %v", err)
		}
	})
}

// dial connects for as long as the test runs. Nothing takes for ever.
func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(soon))
	return c.(*net.TCPConn)
}

func dialUDP(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("udp", addr)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(soon))
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// say sends text.
func say(t testing.TB, c io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatalf("sending %.40q: %v", text, err)
	}
}

// hear reads exactly want.
func hear(t testing.TB, c io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	if err != nil || string(got) != want {
		t.Fatalf("heard %.60q, %v; want %.60q", got[:n], err, want)
	}
}

// hearEnd reads a FIN and nothing before it.
func hearEnd(t testing.TB, c io.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Fatalf("heard %.60q, %v; want the end", rest, err)
	}
}

// hearReset reads until the connection is reset.
func hearReset(t testing.TB, c io.Reader) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("ended with %v, want a reset", err)
	}
}

// hearRefusal connects to addr and is reset, perhaps before the connection is there.
func hearRefusal(t testing.TB, addr string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err == nil {
		defer c.Close()
		c.SetDeadline(time.Now().Add(soon))
		_, err = io.Copy(io.Discard, c)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("ended with %v, want a reset", err)
	}
}

// abort closes c with a reset.
func abort(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// eventually waits until done says so.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// journal is a log that a test can ask.
type journal struct {
	mu     sync.Mutex
	events []map[string]any
	text   bytes.Buffer
	json   bytes.Buffer
	both   []slog.Handler
}

func newJournal() *journal {
	j := new(journal)
	j.both = []slog.Handler{slog.NewTextHandler(&j.text, nil), slog.NewJSONHandler(&j.json, nil)}
	return j
}

func (j *journal) log() *slog.Logger { return slog.New(j) }

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler       { panic("unused") }
func (j *journal) WithGroup(string) slog.Handler            { panic("unused") }

func (j *journal) Handle(ctx context.Context, r slog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := map[string]any{"msg": r.Message}
	r.Attrs(func(a slog.Attr) bool { e[a.Key] = a.Value.Any(); return true })
	j.events = append(j.events, e)
	for _, h := range j.both {
		h.Handle(ctx, r)
	}
	return nil
}

// find returns the events that have all of these attributes.
func (j *journal) find(want map[string]any) (found []map[string]any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.events {
		match := true
		for k, v := range want {
			match = match && fmt.Sprint(e[k]) == fmt.Sprint(v)
		}
		if match {
			found = append(found, maps.Clone(e))
		}
	}
	return found
}

// wait waits for the first such event.
func (j *journal) wait(t testing.TB, want map[string]any) (e map[string]any) {
	t.Helper()
	eventually(t, fmt.Sprintf("%v logged, only:\n%s", want, j), func() bool {
		if found := j.find(want); len(found) > 0 {
			e = found[0]
		}
		return e != nil
	})
	return e
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// lines returns everything that was logged, in both formats.
func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Split(strings.TrimSpace(j.text.String()+j.json.String()), "\n")
}

type event = map[string]any

// shown is a writer for a View.
type shown struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shown) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
