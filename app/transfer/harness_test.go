package transfer

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

// tapped is an end of a session with something of the test's between it and its
// connections.
type tapped struct {
	Session
	tap   func(net.Conn) net.Conn
	first net.Conn
}

func tap(s Session, f func(net.Conn) net.Conn) *tapped {
	return &tapped{Session: s, tap: f, first: f(s.Conn())}
}

func (t *tapped) Conn() net.Conn { return t.first }

func (t *tapped) Open(ctx context.Context) (net.Conn, error) {
	c, err := t.Session.Open(ctx)
	if err != nil {
		return nil, err
	}
	return t.tap(c), nil
}

func (t *tapped) AcceptStream(ctx context.Context) (net.Conn, error) {
	c, err := t.Session.AcceptStream(ctx)
	if err != nil {
		return nil, err
	}
	return t.tap(c), nil
}

// outcome is what one end says of a transfer.
type outcome struct {
	sum    Summary
	err    error
	events []Event
}

// of returns the events of one kind.
func (o *outcome) of(k EventKind) (list []Event) {
	for _, e := range o.events {
		if e.Kind == k {
			list = append(list, e)
		}
	}
	return list
}

// move is a transfer in a test. What is not set is as usual.
type move struct {
	src      Source
	send     SendOptions
	dst      Target
	receive  ReceiveOptions
	sender   Session // both or none
	receiver Session
	sendCtx  context.Context
	takeCtx  context.Context
	received func() // called when the receiver has ended
}

// run runs both ends to their ends.
func (m move) run(t testing.TB) (sent, got outcome) {
	t.Helper()
	if m.sender == nil {
		m.sender, m.receiver = newLoop(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	if m.sendCtx == nil {
		m.sendCtx = ctx
	}
	if m.takeCtx == nil {
		m.takeCtx = ctx
	}
	m.send.Event = func(e Event) { sent.events = append(sent.events, e) }
	m.receive.Event = func(e Event) { got.events = append(got.events, e) }
	var group sync.WaitGroup
	group.Go(func() {
		got.sum, got.err = Receive(m.takeCtx, m.receiver, m.dst, m.receive)
		if m.received != nil {
			m.received()
		}
	})
	sent.sum, sent.err = Send(m.sendCtx, m.sender, m.src, m.send)
	group.Wait()
	if ctx.Err() != nil {
		t.Fatalf("the transfer did not end by itself: %v; %v", sent.err, got.err)
	}
	return sent, got
}

// mustRun is run for a transfer that succeeds.
func (m move) mustRun(t testing.TB) (sent, got outcome) {
	t.Helper()
	sent, got = m.run(t)
	if sent.err != nil || got.err != nil {
		t.Fatalf("%v; %v", sent.err, got.err)
	}
	return sent, got
}

// writeFile makes a file and the folders it is in.
func writeFile(t testing.TB, path string, p []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, p, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// hiddenIn returns what of a receiver's own is left in dir.
func hiddenIn(t testing.TB, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), ".dialtone-") {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// sameFile checks that the file at path has the content want, and no other.
func sameFile(t testing.TB, path string, want []byte) {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	} else if digest.Of(p) != digest.Of(want) {
		t.Errorf("%s: %d bytes that are not the %d that were sent", path, len(p), len(want))
	}
}

// counted is a source that counts what is read of it.
type counted struct {
	Source
	read atomic.Int64
	each func(off int64) error // called before a read; nil: nobody
}

func (c *counted) Open(e tree.Entry) (tree.SourceFile, error) {
	f, err := c.Source.Open(e)
	if err != nil {
		return nil, err
	}
	return &countedFile{SourceFile: f, c: c}, nil
}

type countedFile struct {
	tree.SourceFile
	c *counted
}

func (f *countedFile) File() *os.File { return nil }

func (f *countedFile) ReadAt(p []byte, off int64) (int, error) {
	if f.c.each != nil {
		if err := f.c.each(off); err != nil {
			return 0, err
		}
	}
	n, err := f.SourceFile.ReadAt(p, off)
	f.c.read.Add(int64(n))
	return n, err
}

// breaking is a cable that breaks when so many bytes have left: the other end gets
// what has left and then an end.
type breaking struct {
	left     atomic.Int64
	mu       sync.Mutex
	conns    []*net.TCPConn
	released chan struct{} // closed when the other end is through
}

var errCut = errors.New("the cable is cut")

func newCut(after int64) *breaking {
	c := &breaking{released: make(chan struct{})}
	c.left.Store(after)
	return c
}

func (c *breaking) tap(conn net.Conn) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn.(*net.TCPConn))
	return &cutConn{conn, c}
}

func (c *breaking) sever() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.CloseWrite()
	}
}

type cutConn struct {
	net.Conn
	c *breaking
}

func (c *cutConn) Write(p []byte) (int, error) {
	left := c.c.left.Add(-int64(len(p)))
	if left >= 0 {
		return c.Conn.Write(p)
	}
	n := 0
	if part := left + int64(len(p)); part > 0 {
		n, _ = c.Conn.Write(p[:part])
	}
	c.c.sever()
	<-c.c.released
	return n, errCut
}

// flip is a cable that damages bytes on their way to a reader: where says
// whether to damage a frame, by its type and how many of it came before.
type flip struct {
	mu    sync.Mutex
	seen  map[frameType]int
	where func(kind frameType, before int) (head, body bool)
}

func newFlip(where func(kind frameType, before int) (head, body bool)) *flip {
	return &flip{seen: map[frameType]int{}, where: where}
}

func (f *flip) tap(conn net.Conn) net.Conn { return &flipConn{Conn: conn, f: f} }

// flipConn follows the frames of one connection as they are read.
type flipConn struct {
	net.Conn
	f    *flip
	buf  []byte // a frame, damaged or not, that is not read yet
	head []byte
}

func (c *flipConn) Read(p []byte) (int, error) {
	if len(c.buf) == 0 {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.buf)
	c.buf = c.buf[n:]
	return n, nil
}

// fill reads a frame.
func (c *flipConn) fill() error {
	f, head, err := readFrame(c.Conn, c.head, MaxChunk)
	c.head = head
	if err != nil {
		return err
	}
	c.f.mu.Lock()
	inHead, inBody := c.f.where(f.kind, c.f.seen[f.kind])
	c.f.seen[f.kind]++
	c.f.mu.Unlock()
	c.buf = appendFrame(nil, f.kind, f.head, f.body)
	if inHead {
		c.buf[len(c.buf)-1] ^= 4
	}
	at := len(c.buf)
	c.buf = append(c.buf, make([]byte, f.body)...)
	if _, err := io.ReadFull(c.Conn, c.buf[at:]); err != nil {
		return err
	}
	if inBody && f.body > 0 {
		c.buf[at+f.body/2] ^= 4
	}
	return nil
}
