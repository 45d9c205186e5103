package transfer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"

	"github.com/klauspost/compress/zstd"
)

func TestReceiverRefusesPathsThatLeave(t *testing.T) {
	bad := []string{
		"", ".", "..", "/", "//", "/etc/passwd", "../x", "a/../../b", "a/..", "a/.", "./a", "a//b", "a/", "/a",
		"a\x00b", "\x00", "../outside/precious", "..\x00", ".dialtone-x", ".DIALTONE-x.part", "a/.dialtone-x.journal",
		strings.Repeat("x", 256), strings.Repeat("x/", 2048) + "x", strings.Repeat("d/", 1025) + "x",
	}
	for _, kind := range []tree.Kind{tree.File, tree.Dir, tree.Symlink, tree.Link} {
		b := newInbox(t)
		_, err := receiveFrom(t, b, ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
			h.beginSending(offer{})
			for _, path := range bad {
				e := file(path, 1)
				e.Kind = kind
				if kind == tree.Symlink || kind == tree.Link {
					e.Target = "../outside/precious"
				}
				h.name(e)
			}
			for i, a := range h.answers(len(bad)) {
				if a.verdict != verdictRefuse || a.reason == "" {
					t.Errorf("kind %d, path %q: verdict %d %q", kind, bad[i], a.verdict, a.reason)
				}
			}
			h.finish(int64(len(bad)))
		})
		var failed *FailedError
		if !errors.As(err, &failed) || failed.Count != int64(len(bad)) {
			t.Errorf("kind %d: %v", kind, err)
		}
		if names := namesIn(t, b.dir); len(names) != 0 {
			t.Errorf("kind %d: there is now %q", kind, names)
		}
	}
}

func TestReceiverFollowsNoLinkThatCame(t *testing.T) {
	b := newInbox(t)
	receiveFrom(t, b, ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
		h.beginSending(offer{})
		entries := []tree.Entry{
			{Path: "s", Kind: tree.Symlink, Target: "../outside"},
			file("s/through", 1),
			folderEntry("s"), // it is a folder now?
			file("s/new", 1),
			{Path: "s", Kind: tree.Leave},
			{Path: "f", Kind: tree.Symlink, Target: "../outside/precious"},
			file("f", 8),
			{Path: "h", Kind: tree.Link, Target: "../outside/precious"},
			{Path: "h2", Kind: tree.Link, Target: "s/precious"},
			{Path: "h3", Kind: tree.Link, Target: "/etc/passwd"},
		}
		h.name(entries...)
		for i, a := range h.answers(len(entries)) {
			if a.verdict == verdictWant {
				p := []byte("attacked")[:entries[i].Size]
				h.data(0, p, wholeRecord(int64(i), p))
			}
		}
		h.finish(int64(len(entries)))
	})
	for _, name := range []string{"h", "h2", "h3"} {
		if _, err := os.Lstat(filepath.Join(b.dir, name)); err == nil {
			t.Errorf("%s was made", name)
		}
	}
}

// TestReceiverFollowsNoLinkPutInItsWay has somebody on the receiving machine swap
// a folder for a link while files go into it.
func TestReceiverFollowsNoLinkPutInItsWay(t *testing.T) {
	b := newInbox(t)
	const rounds = 200
	done := make(chan struct{})
	swapped := make(chan struct{})
	go func() {
		defer close(swapped)
		dir, aside := filepath.Join(b.dir, "d"), filepath.Join(b.dir, "aside")
		for {
			select {
			case <-done:
				return
			default:
			}
			if os.Rename(dir, aside) == nil {
				os.Symlink("../outside", dir)
				os.Remove(dir)
				os.Rename(aside, dir)
			}
		}
	}()
	receiveFrom(t, b, ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
		defer func() { close(done); <-swapped }()
		h.beginSending(offer{})
		h.name(folderEntry("d"))
		h.answers(1)
		for i := range int64(rounds) {
			h.name(file(fmt.Sprintf("d/%d", i), 8))
			if h.answers(1)[0].verdict == verdictWant {
				h.data(0, []byte("attacked"), wholeRecord(i+1, []byte("attacked")))
			}
		}
		h.name(tree.Entry{Path: "d", Kind: tree.Leave})
		h.finish(rounds + 2)
	})
}

// hostileSender is a sender that breaks a rule after its beginning.
type hostileSender struct {
	name   string
	offer  offer
	play   func(*hand)
	broken bool // the receiver calls it a broken protocol, else anything but success
	limits ReceiveOptions
}

func TestReceiverEndsBrokenTransfers(t *testing.T) {
	big := randomBytes(3*MinChunk + 5)
	two := func(h *hand) { // a large file is wanted
		h.name(file("big", int64(len(big))))
		if v := h.answers(1)[0].verdict; v != verdictWant {
			h.t.Errorf("verdict %d", v)
		}
	}
	small := func(h *hand) {
		h.name(file("small", 4))
		h.answers(1)
	}
	cut := func(i int) []byte { return big[i*MinChunk : min((i+1)*MinChunk, len(big))] }
	for _, c := range []hostileSender{
		{name: "entry after the last", broken: true, play: func(h *hand) { h.name(file("wanted", 1)); h.finish(1); h.name(file("x", 1)) }},
		{name: "wrong number at the end", broken: true, play: func(h *hand) { h.name(file("x", 1)); h.finish(2) }},
		{name: "two ends", broken: true, play: func(h *hand) { h.name(file("x", 1)); h.finish(1); h.finish(2) }},
		{name: "kind 0", broken: true, play: func(h *hand) { h.say(frameEntries, []byte{0, 0, 1, 'x'}) }},
		{name: "kind 6", broken: true, play: func(h *hand) { h.say(frameEntries, []byte{6, 0, 1, 'x'}) }},
		{name: "kind 255", broken: true, play: func(h *hand) { h.say(frameEntries, []byte{255, 0, 1, 'x'}) }},
		{name: "entry cut off", broken: true, play: func(h *hand) { h.say(frameEntries, []byte{1, 0, 200, 'x'}) }},
		{name: "shares more than there is", broken: true, play: func(h *hand) { h.say(frameEntries, []byte{3, 9, 1, 'x'}) }},
		{name: "much path out of little", broken: true, play: func(h *hand) {
			head := appendEntry(nil, tree.Entry{Kind: tree.Leave, Path: strings.Repeat("x/", 30_000)}, "")
			for range 1000 {
				head = append(head, byte(tree.Leave))
				head = appendText(appendUint(head, 60_000), "")
			}
			h.say(frameEntries, head)
		}},
		{name: "number of 11 bytes", broken: true, play: func(h *hand) {
			h.say(frameEntries, append([]byte{1}, bytes.Repeat([]byte{0xff}, 11)...))
		}},
		{name: "size 2^62", play: func(h *hand) { h.name(file("x", 1<<62)) }},
		{name: "size 2^63-2", broken: true, play: func(h *hand) { h.name(file("x", math.MaxInt64-1)) }},
		{name: "sizes that overflow", play: func(h *hand) {
			for i := range 5 {
				h.name(file(fmt.Sprint(i), maxSize))
			}
		}},
		{name: "size without a limit", limits: ReceiveOptions{MaxBytes: -1, Timeout: 200 * time.Millisecond}, play: func(h *hand) {
			e := file("x", maxSize)
			e.Sparse = true
			h.name(e)
			h.answers(1)
			h.data(0, nil, record{flags: recordEnd, raw: maxSize})
		}},
		{name: "more files than allowed", limits: ReceiveOptions{MaxFiles: 2}, play: func(h *hand) { h.name(file("1", 0), file("2", 0), file("3", 0)) }},
		{name: "more than the window", broken: true, play: func(h *hand) {
			for i := range window + 2048 {
				h.name(file(fmt.Sprint("f", i), 1))
			}
		}},
		{name: "more attributes than the window", broken: true, play: func(h *hand) {
			e := file("", 1)
			for i := range 15 {
				e.XAttrs = append(e.XAttrs, tree.XAttr{Name: fmt.Sprint("user.", i), Value: make([]byte, 60<<10)})
			}
			for i := range 100 {
				e.Path = fmt.Sprint("f", i)
				h.name(e)
			}
		}},
		{name: "unpacked more than said", broken: true, play: func(h *hand) {
			small(h)
			h.data(bodyZstd, bomb(t, 64<<20), wholeRecord(0, []byte("1234")))
		}},
		{name: "unpacked less than said", broken: true, play: func(h *hand) {
			small(h)
			h.data(bodyZstd, bomb(t, 2), wholeRecord(0, []byte("1234")))
		}},
		{name: "not packed as said", broken: true, play: func(h *hand) { small(h); h.data(bodyZstd, []byte("1234"), wholeRecord(0, []byte("1234"))) }},
		{name: "packed in another way", broken: true, play: func(h *hand) { small(h); h.data(2, []byte("1234"), wholeRecord(0, []byte("1234"))) }},
		{name: "body shorter than its records", broken: true, play: func(h *hand) { small(h); h.data(0, []byte("12"), wholeRecord(0, []byte("1234"))) }},
		{name: "body longer than its records", broken: true, play: func(h *hand) { small(h); h.data(0, []byte("123456"), wholeRecord(0, []byte("1234"))) }},
		{name: "small file longer than said", broken: true, play: func(h *hand) { small(h); h.data(0, []byte("12345"), wholeRecord(0, []byte("12345"))) }},
		{name: "small file shorter than said", broken: true, play: func(h *hand) { small(h); h.data(0, []byte("123"), wholeRecord(0, []byte("123"))) }},
		{name: "small file in chunks", broken: true, play: func(h *hand) { small(h); h.data(0, []byte("1234"), chunkRecord(0, 0, []byte("1234"))) }},
		{name: "small file, wrong chunk", broken: true, play: func(h *hand) {
			small(h)
			r := wholeRecord(0, []byte("1234"))
			r.chunk = 7
			h.data(0, []byte("1234"), r)
		}},
		{name: "no sum", broken: true, play: func(h *hand) { small(h); h.data(0, []byte("1234"), record{flags: recordWhole, raw: 4}) }},
		{name: "large file whole", broken: true, play: func(h *hand) { two(h); h.data(0, cut(0), wholeRecord(0, cut(0))) }},
		{name: "chunk behind the end", broken: true, play: func(h *hand) { two(h); h.data(0, cut(0), chunkRecord(0, 4, cut(0))) }},
		{name: "chunk too short", broken: true, play: func(h *hand) { two(h); h.data(0, cut(0)[:9], chunkRecord(0, 0, cut(0)[:9])) }},
		{name: "last chunk too long", broken: true, play: func(h *hand) { two(h); h.data(0, cut(0), chunkRecord(0, 3, cut(0))) }},
		{name: "chunk number 2^63", broken: true, play: func(h *hand) {
			two(h)
			head := binary.AppendUvarint([]byte{0, 0, recordSummed}, 1<<63)
			h.write(append(appendFrame(nil, frameData, append(head, 1), 1), 1))
		}},
		{name: "end of another size", broken: true, play: func(h *hand) { two(h); h.data(0, nil, record{flags: recordEnd, raw: 9}) }},
		{name: "extents that overlap", broken: true, play: func(h *hand) {
			two(h)
			head := appendRecord([]byte{0}, &record{flags: recordSummed | recordSparse, raw: MinChunk})
			head = head[:len(head)-1]
			head = append(head, 2, 0, 8)
			head = binary.AppendUvarint(head, math.MaxUint64-3) // a step back
			h.write(append(appendFrame(nil, frameData, append(head, 8), 16), make([]byte, 16)...))
		}},
		{name: "extent behind the chunk", broken: true, play: func(h *hand) {
			two(h)
			h.data(0, make([]byte, 8), record{flags: recordSummed | recordSparse, raw: MinChunk, extents: [][2]int64{{MinChunk - 4, MinChunk + 4}}})
		}},
		{name: "content of a file that was not asked for", broken: true, play: func(h *hand) { // it is compared
			h.name(file("there", 5))
			if v := h.answers(1)[0].verdict; v != verdictCompare {
				h.t.Errorf("verdict %d", v)
			}
			h.data(0, []byte("12345"), wholeRecord(0, []byte("12345")))
		}},
		{name: "end of a file that was not asked for", broken: true, play: func(h *hand) {
			h.name(file("there", 5))
			h.answers(1)
			h.data(0, nil, record{flags: recordEnd, raw: 5})
		}},
		{name: "hash of a file that is not compared", broken: true, play: func(h *hand) {
			small(h)
			h.say(frameSums, append([]byte{0}, make([]byte, digest.Size)...))
		}},
		{name: "type 0", broken: true, play: func(h *hand) { h.say(0, nil) }},
		{name: "content in a frame of entries", broken: true, play: func(h *hand) { h.write(append(appendFrame(nil, frameEntries, nil, 9), make([]byte, 9)...)) }},
		{name: "head of 16 MiB", broken: true, play: func(h *hand) {
			f := appendFrame(nil, frameEntries, nil, 0)
			f[1], f[2], f[3] = 0xff, 0xff, 0xff
			h.write(f)
		}},
		{name: "body of 4 GiB", broken: true, play: func(h *hand) {
			f := appendFrame(nil, frameData, nil, 0)
			copy(f[4:8], "\xff\xff\xff\xff")
			h.write(f)
		}},
		{name: "body of more than a chunk", broken: true, play: func(h *hand) { h.write(appendFrame(nil, frameData, []byte{0}, MinChunk+1)) }},
		{name: "wrong check", broken: true, play: func(h *hand) {
			f := appendFrame(nil, frameEntries, appendEntry(nil, file("x", 1), ""), 0)
			f[len(f)-1] ^= 1
			h.write(f)
		}},
		{name: "field twice", broken: true, play: func(h *hand) { h.say(frameFinish, []byte{1, 1, 0, 1, 1, 0}) }},
		{name: "connections without end", broken: true, play: func(h *hand) {
			for range 100 {
				h.say(frameStreams, totals{files: 32}.append(nil))
			}
		}},
		{name: "control frame on a further connection", broken: true, play: func(h *hand) {
			c := h.open()
			defer c.Close()
			c.Write(appendFrame(nil, frameFinish, nil, 0))
			h.drain()
		}},
		{name: "hangs up", play: func(h *hand) { two(h); h.c.Close() }},
		{name: "hangs up within a frame", play: func(h *hand) {
			two(h)
			h.write(appendFrame(nil, frameData, []byte{0}, 0)[:20])
			h.c.Close()
		}},
		{name: "says that it failed", play: func(h *hand) { h.say(frameAbort, abort{abortError, "\x1b[31mowned\n"}.append(nil)) }},
		{name: "never ends", limits: ReceiveOptions{Timeout: 200 * time.Millisecond}, play: func(h *hand) { two(h) }},
		{name: "a byte now and then", limits: ReceiveOptions{Timeout: 300 * time.Millisecond}, play: func(h *hand) {
			two(h)
			for _, b := range append(appendFrame(nil, frameData, appendRecord([]byte{0}, &record{flags: recordSummed, raw: MinChunk}), MinChunk), cut(0)...) {
				if _, err := h.c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond) // the loris's pace, waits for nothing
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newInbox(t)
			if err := os.WriteFile(filepath.Join(b.dir, "there"), []byte("there"), 0o600); err != nil {
				t.Fatal(err)
			}
			before := picture(t, b.dir)
			began := time.Now()
			_, err := receiveFrom(t, b, c.limits, tree.TargetOptions{}, func(h *hand) {
				h.t = t
				h.beginSending(c.offer)
				c.play(h)
			})
			switch {
			case err == nil:
				t.Error("it went well")
			case isBroken(err) != c.broken:
				t.Errorf("%v", err)
			}
			t.Logf("%v after %v", err, time.Since(began).Round(time.Millisecond))
			if names := b.visible(t); len(names) != 1 {
				t.Errorf("there is now %q", names)
			}
			if _, line, _ := strings.Cut(before, "\"there\""); !strings.Contains(picture(t, b.dir), line) {
				t.Error("what was there has changed")
			}
		})
	}
}

// bomb returns n zeros, packed.
func bomb(t *testing.T, n int) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	return enc.EncodeAll(make([]byte, n), nil)
}

func TestReceiverNeverShowsAFileWithAWrongSum(t *testing.T) {
	p := []byte("content")
	wrong := wholeRecord(0, p)
	wrong.sum[0] ^= 1
	b := newInbox(t)
	again := 0
	sum, err := receiveFrom(t, b, ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
		h.beginSending(offer{})
		h.name(file("f", int64(len(p))))
		h.finish(1)
		h.answers(1)
		for {
			h.data(0, p, wrong)
			f, ok := h.next()
			if !ok || f.kind != frameAgain {
				return
			}
			again++
		}
	})
	var failed *FailedError
	if !errors.As(err, &failed) || again != mostRepeat || sum.Repaired != mostRepeat {
		t.Errorf("%v after %d times; %+v", err, again, sum)
	}
	if names := namesIn(t, b.dir); len(names) != 0 {
		t.Errorf("there is now %q", names)
	}
}

func TestReceiverNeverShowsAFileWithAWrongHash(t *testing.T) {
	p := randomBytes(2 * MinChunk)
	b := newInbox(t)
	_, err := receiveFrom(t, b, ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
		h.beginSending(offer{})
		h.name(file("f", int64(len(p))))
		h.finish(1)
		h.answers(1)
		h.data(0, p[:MinChunk], chunkRecord(0, 0, p[:MinChunk]))
		h.data(0, p[MinChunk:], chunkRecord(0, 1, p[MinChunk:]))
		h.data(0, nil, record{flags: recordEnd | recordSummed, raw: int64(len(p)), sum: digest.Of([]byte("another"))})
	})
	var failed *FailedError
	if !errors.As(err, &failed) {
		t.Error(err)
	}
	if names := namesIn(t, b.dir); len(names) != 0 {
		t.Errorf("there is now %q", names)
	}
}

// TestReceiverKeepsWhatItVerified has a chunk come a second time with another
// content and a sum that fits that.
func TestReceiverKeepsWhatItVerified(t *testing.T) {
	p := randomBytes(2 * MinChunk)
	other := bytes.Repeat([]byte{7}, MinChunk)
	b := newInbox(t)
	_, err := receiveFrom(t, b, ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
		h.beginSending(offer{})
		h.name(file("f", int64(len(p))))
		h.finish(1)
		h.answers(1)
		h.data(0, p[:MinChunk], chunkRecord(0, 0, p[:MinChunk]))
		h.data(0, other, chunkRecord(0, 0, other))
		h.data(0, p[MinChunk:], chunkRecord(0, 1, p[MinChunk:]))
		for range 3 {
			h.data(0, nil, record{flags: recordEnd | recordSummed, raw: int64(len(p)), sum: digest.Of(p)})
		}
		h.data(0, other, chunkRecord(0, 0, other)) // it is over
		h.data(0, []byte("unknown"), wholeRecord(99, []byte("unknown")))
	})
	got, _ := os.ReadFile(filepath.Join(b.dir, "f"))
	if err != nil || !bytes.Equal(got, p) {
		t.Errorf("%v, %d bytes, right: %v", err, len(got), bytes.Equal(got, p))
	}
}

// TestStreamIsAsLongAsItsChunks has the end of a file of unknown size say another
// size than its chunks have.
func TestStreamIsAsLongAsItsChunks(t *testing.T) {
	p := randomBytes(2*MinChunk + 100)
	part := [][]byte{p[:MinChunk], p[MinChunk : 2*MinChunk], p[2*MinChunk:]}
	for name, play := range map[string]func(*hand){
		"shorter": func(h *hand) {
			for i := range part {
				h.data(0, part[i], chunkRecord(0, int64(i), part[i]))
			}
			h.data(0, nil, record{flags: recordEnd, raw: 2*MinChunk + 1})
		},
		"longer": func(h *hand) {
			for i := range part {
				h.data(0, part[i], chunkRecord(0, int64(i), part[i]))
			}
			h.data(0, nil, record{flags: recordEnd, raw: 3 * MinChunk})
		},
		"short in the middle": func(h *hand) {
			h.data(0, part[0], chunkRecord(0, 0, part[0]))
			h.data(0, part[1][:9], chunkRecord(0, 1, part[1][:9]))
			h.data(0, part[2], chunkRecord(0, 2, part[2]))
			h.data(0, nil, record{flags: recordEnd, raw: int64(len(p))})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newInbox(t)
			_, err := receiveFrom(t, b, ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
				h.beginSending(offer{})
				h.name(file("f", -1))
				h.finish(1)
				h.answers(1)
				play(h)
			})
			if err == nil || len(b.visible(t)) > 0 {
				t.Errorf("%v, and there is %q", err, namesIn(t, b.dir))
			}
		})
	}
}

func TestDeepTrees(t *testing.T) {
	const deep = 1000
	b := newInbox(t)
	_, err := receiveFrom(t, b, ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
		h.beginSending(offer{})
		path := "d"
		n := int64(0)
		for i := 1; i < deep; i++ {
			h.name(folderEntry(path))
			n++
			path += "/d"
		}
		h.name(file(path, 1))
		answers := h.answers(deep)
		for i, a := range answers {
			if want := verdictDone; i < deep-1 && a.verdict != want {
				t.Fatalf("folder %d: %d %s", i, a.verdict, a.reason)
			}
		}
		h.data(0, []byte("x"), wholeRecord(n, []byte("x")))
		n++
		for path = path[:len(path)-2]; ; path = path[:len(path)-2] {
			h.name(tree.Entry{Path: path, Kind: tree.Leave})
			n++
			if len(path) == 1 {
				break
			}
		}
		h.finish(n)
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, strings.Repeat("d/", deep-1), "d")); err != nil {
		t.Error("the deepest file is not there")
	}
}

func TestLeavesThatWereNotEntered(t *testing.T) {
	b := newInbox(t)
	_, err := receiveFrom(t, b, ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
		h.beginSending(offer{})
		h.name(tree.Entry{Path: "a", Kind: tree.Leave}, folderEntry("a"), folderEntry("a/b"),
			tree.Entry{Path: "a", Kind: tree.Leave}, tree.Entry{Path: "a/b", Kind: tree.Leave},
			tree.Entry{Path: "a", Kind: tree.Leave}, tree.Entry{Path: "a", Kind: tree.Leave})
		h.finish(7)
		h.answers(7)
	})
	if err == nil {
		t.Error("it went well")
	}
}

// TestReceiverWaitsForASenderThatDoesNotListen has a sender name entries for ever
// and never read an answer: they must not pile up.
func TestReceiverWaitsForASenderThatDoesNotListen(t *testing.T) {
	b := newInbox(t)
	hands, ours := newLoop(t)
	for _, c := range []net.Conn{hands.first, ours.first} { // what the kernel holds is not the question
		c.(*net.TCPConn).SetReadBuffer(64 << 10)
		c.(*net.TCPConn).SetWriteBuffer(64 << 10)
	}
	h := &hand{t: t, c: hands.first}
	ended := make(chan error, 1)
	go func() {
		_, err := Receive(t.Context(), ours, openFolder(t, b.dir, tree.TargetOptions{}), ReceiveOptions{MaxFiles: -1, Timeout: 2 * time.Second})
		ended <- err
	}()
	h.beginSending(offer{})
	var head []byte
	for range 10_000 {
		head = appendEntry(head, file("/", 0), "")
	}
	frame := appendFrame(nil, frameEntries, head, 0)
	const most = 64 << 20
	written := 0
	for written < most {
		h.c.SetWriteDeadline(time.Now().Add(longest))
		n, err := h.c.Write(frame)
		written += n
		if err != nil {
			break
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 24<<20 {
		t.Errorf("%d MiB on the heap", m.HeapAlloc>>20)
	}
	if err := <-ended; err == nil {
		t.Errorf("took %d KiB of entries without complaint", written>>10)
	}
	h.c.Close()
}
