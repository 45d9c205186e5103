package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

// The hostile suites: one end is real, the other is a hand that writes whatever
// frames it likes. The hand knows the wire format and keeps to none of its rules.

// hand is a peer played by a test.
type hand struct {
	t    *testing.T
	c    net.Conn
	in   []byte
	open func() net.Conn // a further connection
}

// longest is how long a hand waits for the real end. Only a test that fails waits
// for so long.
const longest = 30 * time.Second

// say writes one frame without a body; an end that has hung up is not told.
func (h *hand) say(kind frameType, head []byte) { h.write(appendFrame(nil, kind, head, 0)) }

func (h *hand) write(p []byte) {
	h.c.SetWriteDeadline(time.Now().Add(longest))
	h.c.Write(p)
}

// data writes a frame of content.
func (h *hand) data(flags byte, body []byte, records ...record) {
	head := []byte{flags}
	for i := range records {
		head = appendRecord(head, &records[i])
	}
	h.write(append(appendFrame(nil, frameData, head, len(body)), body...))
}

// name writes a frame of entries.
func (h *hand) name(entries ...tree.Entry) {
	var head []byte
	before := ""
	for _, e := range entries {
		head = appendEntry(head, e, before)
		before = e.Path
	}
	h.say(frameEntries, head)
}

// next reads a frame other than a status; ok is false at the end of the
// connection, however it came.
func (h *hand) next() (f frameIn, ok bool) {
	h.t.Helper()
	h.c.SetReadDeadline(time.Now().Add(longest))
	for {
		var err error
		f, h.in, err = readFrame(h.c, h.in, MaxChunk)
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			h.t.Error("the real end says nothing and does not end")
		}
		if err != nil {
			return f, false
		}
		if _, err := io.CopyN(io.Discard, h.c, int64(f.body)); err != nil {
			return f, false
		}
		if f.kind != frameStatus && f.kind != frameTotal {
			return f, true
		}
	}
}

// expect reads frames until one of the given kind comes.
func (h *hand) expect(kind frameType) []byte {
	h.t.Helper()
	for {
		f, ok := h.next()
		if !ok {
			h.t.Helper()
			h.t.Errorf("the connection ended before a frame of type %d", kind)
			return nil
		}
		if f.kind == kind {
			return f.head
		}
		if f.kind == frameAbort {
			h.t.Errorf("the real end aborts instead of a frame of type %d", kind)
			h.c.Close()
		}
	}
}

// answers reads n answers.
func (h *hand) answers(n int) (all []answer) {
	h.t.Helper()
	for len(all) < n {
		d := &decoder{b: h.expect(frameAnswers)}
		if len(d.b) == 0 {
			return append(all, make([]answer, n-len(all))...)
		}
		for len(d.b) > 0 && d.err == nil {
			all = append(all, parseAnswer(d))
		}
	}
	return all
}

// drain reads until the real end hangs up or says that it ends.
func (h *hand) drain() {
	for {
		if f, ok := h.next(); !ok || f.kind == frameDone || f.kind == frameAbort {
			return
		}
	}
}

// beginSending is what a sender says first.
func (h *hand) beginSending(o offer) {
	if o.chunk == 0 {
		o.chunk = MinChunk
	}
	h.say(frameHello, hello{roleSender, protocolVersion}.append(nil))
	h.say(frameOffer, o.append(nil))
	h.expect(frameAccept)
}

func (h *hand) finish(n int64) { h.say(frameFinish, totals{files: n}.append(nil)) }

// against runs real against a hand that plays, and fails the test when either
// does not end.
func against(t *testing.T, play func(*hand), real func(context.Context, Session)) {
	t.Helper()
	hands, ours := newLoop(t)
	againstOn(t, hands, ours, play, real)
}

func againstOn(t *testing.T, hands, ours *loop, play func(*hand), real func(context.Context, Session)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() {
		h := &hand{t: t, c: hands.Conn(), open: func() net.Conn {
			c, err := hands.Open(ctx)
			if err != nil {
				t.Error(err)
			}
			return c
		}}
		play(h)
		h.drain()
		hands.first.Close()
	})
	real(ctx, ours)
	if ctx.Err() != nil {
		t.Error("the real end did not end by itself")
	}
	group.Wait()
}

// inbox is where a hostile sender's things arrive, with something beside it that
// they must not reach.
type inbox struct{ root, dir string }

func newInbox(t *testing.T) inbox {
	t.Helper()
	root := t.TempDir()
	b := inbox{root, filepath.Join(root, "in")}
	for _, dir := range []string{b.dir, filepath.Join(root, "outside")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "outside", "precious"), []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Unix(1_000_000_000, 0)
	for _, path := range []string{"outside/precious", "outside"} {
		if err := os.Chtimes(filepath.Join(root, path), old, old); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// receiveFrom receives into b what a hand sends.
func receiveFrom(t *testing.T, b inbox, o ReceiveOptions, to tree.TargetOptions, play func(*hand)) (sum Summary, err error) {
	t.Helper()
	outside := picture(t, filepath.Join(b.root, "outside"))
	against(t, play, func(ctx context.Context, s Session) {
		sum, err = Receive(ctx, s, openFolder(t, b.dir, to), o)
	})
	if now := picture(t, filepath.Join(b.root, "outside")); now != outside {
		t.Errorf("something outside the target changed: %s", now)
	}
	if names := namesIn(t, b.root); len(names) != 2 {
		t.Errorf("beside the target are now %q", names)
	}
	return sum, err
}

// writeThere puts a file there that a sender may find.
func writeThere(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "there"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// visible returns the names in dir that are not a receiver's own.
func (b inbox) visible(t *testing.T) (names []string) {
	t.Helper()
	for _, name := range namesIn(t, b.dir) {
		if len(name) < 10 || name[:10] != ".dialtone-" {
			names = append(names, name)
		}
	}
	return names
}

func isBroken(err error) bool {
	var p *ProtocolError
	return errors.As(err, &p)
}

func file(path string, size int64) tree.Entry {
	return tree.Entry{Path: path, Kind: tree.File, Mode: 0o644, Size: size, ModTime: time.Unix(1_600_000_000, 0)}
}

func folderEntry(path string) tree.Entry {
	return tree.Entry{Path: path, Kind: tree.Dir, Mode: 0o755, ModTime: time.Unix(1_600_000_000, 0)}
}

// wholeRecord is a small file's, as it should be.
func wholeRecord(entry int64, p []byte) record {
	return record{entry: entry, flags: recordWhole | recordSummed, raw: int64(len(p)), sum: digest.Of(p)}
}

// chunkRecord is a large file's, as it should be.
func chunkRecord(entry, chunk int64, p []byte) record {
	return record{entry: entry, flags: recordSummed, chunk: chunk, raw: int64(len(p)), sum: digest.Chunk(p, chunk*MinChunk)}
}

// damaging is a connection that damages a few of the pieces it reads that hold
// the bytes of.
type damaging struct {
	net.Conn
	of   []byte
	left int
}

func (d *damaging) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	if at := bytes.Index(p[:n], d.of); at >= 0 && d.left > 0 {
		p[at] ^= 0x10
		d.left--
	}
	return n, err
}
