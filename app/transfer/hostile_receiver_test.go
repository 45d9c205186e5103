package transfer

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dialtone/app/tree"
)

// beginReceiving is what a receiver says first.
func (h *hand) beginReceiving() {
	h.say(frameHello, hello{roleReceiver, protocolVersion}.append(nil))
	h.say(frameAccept, accept{streams: 4}.append(nil))
}

func (h *hand) answer(all ...answer) {
	var head []byte
	for _, a := range all {
		head = appendAnswer(head, a)
	}
	h.say(frameAnswers, head)
}

// second is the answer to an entry that was compared.
func (h *hand) second(entry int64, a answer) {
	h.say(frameSums, appendAnswer(appendUint(nil, entry), a))
}

func (h *hand) result(r result) { h.say(frameResults, appendResult(nil, r)) }

func (h *hand) again(entry, chunk int64) {
	h.say(frameAgain, appendUint(appendUint(nil, entry), chunk))
}

// sendTo sends a folder (entry 0) with a large file (1: 4 chunks and a bit), a
// small one (2) and a link (3) to a hand; 4 is the folder's leave.
func sendTo(t *testing.T, o SendOptions, play func(*hand)) (sum Summary, err error) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]int{"big": 4*MinChunk + 9, "small": 5} {
		if err := os.WriteFile(filepath.Join(root, name), randomBytes(n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("small", filepath.Join(root, "zlink")); err != nil {
		t.Fatal(err)
	}
	o.Chunk = MinChunk
	against(t, play, func(ctx context.Context, s Session) { sum, err = Send(ctx, s, openTree(t, root), o) })
	return sum, err
}

var (
	done = answer{verdict: verdictDone}
	want = answer{verdict: verdictWant}
)

func TestSenderEndsBrokenTransfers(t *testing.T) {
	allWanted := func(h *hand) { h.answer(done, want, want, done, done) }
	for _, c := range []struct {
		name   string
		play   func(*hand)
		broken bool
		o      SendOptions
	}{
		{name: "more answers than entries", broken: true, play: func(h *hand) { h.answer(done, want, want, done, done, done) }},
		{name: "answer of kind 0", broken: true, play: func(h *hand) { h.say(frameAnswers, []byte{0}) }},
		{name: "answer of kind 99", broken: true, play: func(h *hand) { h.say(frameAnswers, []byte{99}) }},
		{name: "content wanted of a folder", broken: true, play: func(h *hand) { h.answer(want) }},
		{name: "hash wanted of a folder", broken: true, play: func(h *hand) { h.answer(answer{verdict: verdictCompare}) }},
		{name: "file made without content", broken: true, play: func(h *hand) { h.answer(done, done) }},
		{name: "ranges behind the end", broken: true, play: func(h *hand) {
			h.answer(done, answer{verdict: verdictRest, ranges: [][2]int64{{3, 6}}})
		}},
		{name: "ranges of nothing", broken: true, play: func(h *hand) {
			h.answer(done, answer{verdict: verdictRest, ranges: [][2]int64{{3, 3}}})
		}},
		{name: "ranges that overflow", broken: true, play: func(h *hand) {
			h.answer(done, answer{verdict: verdictRest, ranges: [][2]int64{{0, math.MaxInt64}}})
		}},
		{name: "second answer to an entry that was not compared", broken: true, play: func(h *hand) {
			allWanted(h)
			h.second(2, want)
		}},
		{name: "second answer before the first", broken: true, play: func(h *hand) { h.second(1, want) }},
		{name: "second answer twice", broken: true, play: func(h *hand) {
			h.answer(done, answer{verdict: verdictCompare}, want)
			h.expect(frameSums)
			h.second(1, want)
			h.second(1, want)
		}},
		{name: "compared twice", broken: true, play: func(h *hand) {
			h.answer(done, answer{verdict: verdictCompare}, want)
			h.expect(frameSums)
			h.second(1, answer{verdict: verdictCompare})
		}},
		{name: "answer to a comparison before the hash", broken: true, play: func(h *hand) {
			h.answer(done, want, answer{verdict: verdictCompare})
			h.second(1, want)
		}},
		{name: "second answer to an unknown entry", broken: true, play: func(h *hand) { h.second(99, want) }},
		{name: "again of an unknown entry", broken: true, play: func(h *hand) { h.again(99, 0) }},
		{name: "again of a folder", broken: true, play: func(h *hand) { h.again(0, 0) }},
		{name: "again before it was wanted", broken: true, play: func(h *hand) { h.answer(done); h.again(1, 0) }},
		{name: "again behind the end", broken: true, play: func(h *hand) { allWanted(h); h.again(1, 5) }},
		{name: "again of a small file's second chunk", broken: true, play: func(h *hand) { allWanted(h); h.again(2, 1) }},
		{name: "again for ever", broken: true, play: func(h *hand) {
			allWanted(h)
			var head []byte
			for range 200_000 {
				head = appendUint(appendUint(head, 1), 2)
			}
			h.say(frameAgain, head)
		}},
		{name: "small file again for ever", broken: true, play: func(h *hand) {
			allWanted(h)
			for range 100 {
				h.again(2, 0)
			}
		}},
		{name: "result of an unknown entry", broken: true, play: func(h *hand) { h.result(result{entry: 99, ok: true}) }},
		{name: "result of a folder", broken: true, play: func(h *hand) { h.answer(done); h.result(result{entry: 0, ok: true}) }},
		{name: "result before it was wanted", broken: true, play: func(h *hand) { h.result(result{entry: 1, ok: true}) }},
		{name: "result before it was sent", broken: true, play: func(h *hand) {
			h.answer(done, answer{verdict: verdictCompare})
			h.result(result{entry: 1, ok: true})
		}},
		{name: "result twice", broken: true, play: func(h *hand) {
			allWanted(h)
			h.result(result{entry: 1})
			h.result(result{entry: 1})
		}},
		{name: "done at once", broken: true, play: func(h *hand) { h.say(frameDone, nil) }},
		{name: "done before the end", broken: true, play: func(h *hand) {
			allWanted(h)
			h.expect(frameFinish)
			h.say(frameDone, totals{2, 99}.append(nil))
		}},
		{name: "two acceptances", broken: true, play: func(h *hand) { h.say(frameAccept, nil); h.say(frameAccept, nil); h.say(frameAccept, nil) }},
		{name: "an end too early", broken: true, play: func(h *hand) { h.say(frameResults, []byte{1}) }},
		{name: "content from the receiver", broken: true, play: func(h *hand) { h.data(0, []byte("x"), wholeRecord(0, []byte("x"))) }},
		{name: "wrong check", broken: true, play: func(h *hand) {
			f := appendFrame(nil, frameAnswers, []byte{byte(verdictDone)}, 0)
			f[9] ^= 1
			h.write(f)
		}},
		{name: "hangs up", play: func(h *hand) { h.c.Close() }},
		{name: "hangs up with all wanted", play: func(h *hand) { allWanted(h); h.expect(frameData); h.c.Close() }},
		{name: "stops at once", play: func(h *hand) { h.say(frameAbort, abort{abortInterrupted, ""}.append(nil)) }},
		{name: "stops with all wanted", play: func(h *hand) {
			allWanted(h)
			h.expect(frameData)
			h.say(frameAbort, abort{abortRefused, "\x1b[31mowned\n"}.append(nil))
		}},
		{name: "stops without a reason", play: func(h *hand) { h.say(frameAbort, nil) }},
		{name: "says nothing", o: SendOptions{Timeout: 200 * time.Millisecond}, play: func(*hand) {}},
		{name: "says nothing more", o: SendOptions{Timeout: 200 * time.Millisecond}, play: func(h *hand) { allWanted(h) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, err := sendTo(t, c.o, func(h *hand) {
				h.t = t
				h.beginReceiving()
				h.expect(frameHello)
				for n := 0; n < 5; { // all are named
					parseEntries(h.expect(frameEntries), func(tree.Entry) error { n++; return nil })
				}
				c.play(h)
			})
			switch {
			case err == nil:
				t.Error("it went well")
			case isBroken(err) != c.broken:
				t.Errorf("%v", err)
			}
			t.Logf("%v after %v", err, time.Since(began).Round(time.Millisecond))
		})
	}
}

func TestSenderSaysWhyItCannotSpeak(t *testing.T) {
	for name, first := range map[string]func(*hand){
		"two senders": func(h *hand) { h.say(frameHello, hello{roleSender, 1}.append(nil)) },
		"version 0":   func(h *hand) { h.say(frameHello, hello{role: roleReceiver}.append(nil)) },
		"no hello":    func(h *hand) { h.say(frameAccept, nil) },
		"refused":     func(h *hand) { h.say(frameAbort, abort{abortRefused, "go away"}.append(nil)) },
		"another protocol": func(h *hand) {
			h.write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nBad Request"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sendTo(t, SendOptions{}, func(h *hand) { h.t = t; first(h) })
			if err == nil {
				t.Error("it went well")
			}
			t.Log(err)
		})
	}
}

// TestSenderGivesUpAReceiverThatReadsNothing has a receiver want everything and read nothing.
func TestSenderGivesUpAReceiverThatReadsNothing(t *testing.T) {
	a, b := newLoop(t)
	h := &hand{t: t, c: a.first}
	src := Stream("endless", endless{})
	ended := make(chan error, 1)
	go func() {
		_, err := Send(t.Context(), b, src, SendOptions{Chunk: MinChunk, Timeout: 300 * time.Millisecond})
		ended <- err
	}()
	h.beginReceiving()
	h.answer(want)
	if err := <-ended; err == nil {
		t.Error("it went well")
	} else {
		t.Log(err)
	}
	h.c.Close()
}

// endless is a reader without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestDamagedContentIsRepaired damages content, not heads, and has all of it
// arrive whole.
func TestDamagedContentIsRepaired(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
	}{{"small", 1000}, {"two chunks", MinChunk + 1}, {"many chunks", 40 * MinChunk}} {
		t.Run(c.name, func(t *testing.T) {
			p := bytes.Repeat([]byte("0123456789abcdef"), c.size/16+1)[:c.size]
			src := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(src, p, 0o644); err != nil {
				t.Fatal(err)
			}
			dst := t.TempDir()
			a, b := newLoop(t)
			b.first = &damaging{Conn: b.first, of: []byte("0123456789abcdef0123456789abcdef"), left: 5}
			ctx, cancel := context.WithTimeout(t.Context(), longest)
			defer cancel()
			var got Summary
			var receiveErr error
			over := make(chan struct{})
			go func() {
				defer close(over)
				got, receiveErr = Receive(ctx, b, openFolder(t, dst, tree.TargetOptions{}), ReceiveOptions{})
			}()
			sent, err := Send(ctx, a, openTree(t, src), SendOptions{Chunk: MinChunk, Streams: 1, Compress: CompressOff})
			<-over
			if err != nil || receiveErr != nil {
				t.Fatalf("%v; %v", err, receiveErr)
			}
			back, _ := os.ReadFile(filepath.Join(dst, "f"))
			if !bytes.Equal(back, p) || got.Repaired == 0 || sent.Repaired != got.Repaired || sent.Sum != got.Sum {
				t.Errorf("%d bytes, right: %v; repaired %d, %d", len(back), bytes.Equal(back, p), sent.Repaired, got.Repaired)
			}
			t.Logf("repaired %d", got.Repaired)
		})
	}
}
