package transfer

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"dialtone/app/tree"
)

// The fuzz targets here are about what follows from frames, not how they are
// read: every frame of the script has a right check, and its head is whatever the
// fuzzer finds. The real end must end when the script does.

// lone is a session of one connection in memory.
type lone struct{ c net.Conn }

func (l lone) Conn() net.Conn                               { return l.c }
func (lone) Dialed() bool                                   { return false }
func (lone) Open(context.Context) (net.Conn, error)         { return nil, net.ErrClosed }
func (lone) AcceptStream(context.Context) (net.Conn, error) { return nil, net.ErrClosed }
func (l lone) Close() error                                 { return l.c.Close() }

// scripted runs real against frames made of the script: for each a kind, two
// lengths and so many bytes of head and body.
func scripted(t *testing.T, first, script []byte, real func(context.Context, Session) error) {
	a, b := net.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() { io.Copy(io.Discard, a) })
	group.Go(func() {
		defer a.Close()
		a.Write(first)
		for len(script) >= 4 {
			kind, head, body := frameType(script[0]%20), int(script[1]), int(binary.BigEndian.Uint16(script[2:]))
			script = script[4:]
			head = min(head, len(script))
			h := script[:head]
			script = script[head:]
			body = min(body, len(script))
			if kind != frameData {
				body = 0
			}
			if _, err := a.Write(append(appendFrame(nil, kind, h, body), script[:body]...)); err != nil {
				return
			}
			script = script[body:]
		}
	})
	real(ctx, lone{b})
	if ctx.Err() != nil {
		t.Error("it does not end")
	}
	b.Close()
	group.Wait()
}

// scriptOf writes frames as scripted reads them.
func scriptOf(frames ...[]byte) (b []byte) {
	for _, f := range frames {
		head := int(binary.BigEndian.Uint32(f) & 0xffffff)
		body := len(f) - frameHeader - head
		b = append(b, f[0], byte(head), byte(body>>8), byte(body))
		b = append(b, f[frameHeader:]...)
	}
	return b
}

func FuzzReceiverMeetsAnySender(f *testing.F) {
	p := []byte("content")
	whole, end := wholeRecord(1, p), record{entry: 2, flags: recordEnd, raw: int64(len(p))}
	entries := appendEntry(nil, folderEntry("d"), "")
	entries = appendEntry(entries, file("d/f", 7), "d")
	entries = appendEntry(entries, file("d/s", -1), "d/f")
	entries = appendEntry(entries, tree.Entry{Path: "d/l", Kind: tree.Symlink, Target: "f"}, "d/s")
	entries = appendEntry(entries, tree.Entry{Path: "d/h", Kind: tree.Link, Target: "d/f"}, "d/l")
	entries = appendEntry(entries, tree.Entry{Path: "d", Kind: tree.Leave}, "d/h")
	stream := chunkRecord(2, 0, p)
	f.Add(scriptOf(
		appendFrame(nil, frameEntries, entries, 0),
		append(appendFrame(nil, frameData, appendRecord([]byte{0}, &whole), len(p)), p...),
		append(appendFrame(nil, frameData, appendRecord([]byte{0}, &stream), len(p)), p...),
		appendFrame(nil, frameData, appendRecord([]byte{0}, &end), 0),
		appendFrame(nil, frameFinish, totals{files: 6}.append(nil), 0),
	))
	f.Add(scriptOf(
		appendFrame(nil, frameEntries, appendEntry(nil, file("there", 7), ""), 0),
		appendFrame(nil, frameSums, append([]byte{0}, whole.sum[:]...), 0),
		appendFrame(nil, frameGiveUp, []byte{0, 1, 1, 'x'}, 0),
		appendFrame(nil, frameStreams, totals{files: 3}.append(nil), 0),
		appendFrame(nil, frameTotal, totals{files: 3}.append(nil), 0),
		appendFrame(nil, frameStatus, status{1, 2, 3}.append(nil), 0),
		appendFrame(nil, frameAbort, abort{abortError, "x"}.append(nil), 0),
	))
	f.Fuzz(func(t *testing.T, script []byte) {
		for _, verify := range []Verify{VerifyHash, VerifyNone} {
			first := appendFrame(nil, frameHello, hello{roleSender, 1}.append(nil), 0)
			first = appendFrame(first, frameOffer, offer{chunk: MinChunk, verify: verify}.append(nil), 0)
			b := newInbox(t)
			writeThere(t, b.dir)
			outside := picture(t, b.root+"/outside")
			scripted(t, first, script, func(ctx context.Context, s Session) error {
				_, err := Receive(ctx, s, openFolder(t, b.dir, tree.TargetOptions{KeepFree: -1}), ReceiveOptions{Timeout: 5 * time.Second, MaxBytes: 1 << 20})
				return err
			})
			if now := picture(t, b.root+"/outside"); now != outside || len(namesIn(t, b.root)) != 2 {
				t.Errorf("outside is now %s", now)
			}
		}
	})
}

func FuzzSenderMeetsAnyReceiver(f *testing.F) {
	allWanted := appendAnswer(nil, done)
	for range 3 {
		allWanted = appendAnswer(allWanted, want)
	}
	allWanted = appendAnswer(allWanted, done)
	f.Add(scriptOf(
		appendFrame(nil, frameAccept, accept{streams: 2}.append(nil), 0),
		appendFrame(nil, frameAnswers, allWanted, 0),
		appendFrame(nil, frameAgain, []byte{1, 0, 2, 0}, 0),
		appendFrame(nil, frameResults, appendResult(appendResult(nil, result{entry: 1, ok: true, name: "x"}), result{entry: 2, reason: "y"}), 0),
		appendFrame(nil, frameNotes, appendNote(nil, note{true, "p", "q"}), 0),
		appendFrame(nil, frameDone, totals{3, 4}.append(nil), 0),
	))
	f.Add(scriptOf(
		appendFrame(nil, frameAnswers, appendAnswer(appendAnswer(nil, done), answer{verdict: verdictCompare}), 0),
		appendFrame(nil, frameSums, appendAnswer([]byte{1}, answer{verdict: verdictRest, ranges: [][2]int64{{0, 1}}}), 0),
		appendFrame(nil, frameAbort, nil, 0),
	))
	files := fstest.MapFS{}
	for name, n := range map[string]int{"d/a": 10, "d/big": 3*MinChunk + 1, "d/c": 0} {
		files[name] = &fstest.MapFile{Data: randomBytes(n), Mode: 0o644, ModTime: time.Unix(1, 0)}
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		first := appendFrame(nil, frameHello, hello{roleReceiver, 1}.append(nil), 0)
		scripted(t, first, script, func(ctx context.Context, s Session) error {
			_, err := Send(ctx, s, tree.FromFS(files, tree.SourceOptions{}), SendOptions{Chunk: MinChunk, Timeout: 5 * time.Second})
			return err
		})
	})
}
