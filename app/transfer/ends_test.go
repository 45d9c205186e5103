package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/app/pairing"
	"dialtone/app/tree"
)

// atByte calls do when so many bytes have been written to it.
type atByte struct {
	net.Conn
	left int64
	do   func()
}

func (a *atByte) Write(p []byte) (int, error) {
	n, err := a.Conn.Write(p)
	if a.left > 0 {
		if a.left -= int64(n); a.left <= 0 {
			a.do()
		}
	}
	return n, err
}

// TestEitherEndIsStoppedAtAnyMoment: the other learns it, nothing runs on, and
// the next run completes.
func TestEitherEndIsStoppedAtAnyMoment(t *testing.T) {
	root := filepath.Join(t.TempDir(), "d")
	writeFile(t, filepath.Join(root, "a"), randomBytes(30*quick))
	for i := range 50 {
		writeFile(t, filepath.Join(root, fmt.Sprint("many", i)), randomBytes(i*1000))
	}
	want := picture(t, root)
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		sender := seed%2 == 0
		after := 40 + r.Int64N(40*quick)
		streams := 1 + r.IntN(3)
		t.Run(fmt.Sprintf("sender %v after %d, %d streams", sender, after, streams), func(t *testing.T) {
			dst := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			a, b := newLoop(t)
			m := move{
				src: openTree(t, root), send: SendOptions{Chunk: quick, Streams: streams, Compress: CompressOff},
				dst:      openFolder(t, dst, tree.TargetOptions{NoSync: true}),
				sender:   tap(a, func(c net.Conn) net.Conn { return &atByte{c, after, cancel} }),
				receiver: b,
			}
			if sender {
				m.sendCtx = ctx
			} else {
				m.takeCtx = ctx
			}
			sent, got := m.run(t)
			own, other := sent.err, got.err
			if !sender {
				own, other = got.err, sent.err
			}
			if own != nil || other != nil {
				var told *PeerError
				if !errors.Is(own, context.Canceled) || !errors.As(other, &told) || !told.Interrupted {
					t.Errorf("stopped: %v; the other: %v", own, other)
				}
			}
			move{
				src: openTree(t, root), send: SendOptions{Chunk: quick},
				dst: openFolder(t, dst, tree.TargetOptions{NoSync: true}),
			}.mustRun(t)
			if have := picture(t, filepath.Join(dst, "d")); have != want {
				t.Errorf("got\n%s\nwant\n%s", have, want)
			}
			if left := hiddenIn(t, dst); len(left) != 0 {
				t.Errorf("left are %q", left)
			}
		})
	}
}

// TestTwoOfAKindPart: two senders, two receivers.
func TestTwoOfAKindPart(t *testing.T) {
	check := func(t *testing.T, what string, errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err == nil || !strings.Contains(err.Error(), "both ends want to "+what) {
				t.Errorf("%v", err)
			}
		}
	}
	a, b := newLoop(t)
	other := make(chan error)
	go func() {
		_, err := Send(t.Context(), a, Stream("x", strings.NewReader("x")), SendOptions{})
		other <- err
	}()
	_, err := Send(t.Context(), b, Stream("x", strings.NewReader("x")), SendOptions{})
	check(t, "send", err, <-other)

	a, b = newLoop(t)
	go func() {
		_, err := Receive(t.Context(), a, Writer(io.Discard), ReceiveOptions{})
		other <- err
	}()
	_, err = Receive(t.Context(), b, Writer(io.Discard), ReceiveOptions{})
	check(t, "receive", err, <-other)
}

// TestSilentPeerIsGivenUp: a peer that takes the connection and says nothing.
func TestSilentPeerIsGivenUp(t *testing.T) {
	const soon = 100 * time.Millisecond
	for name, end := range map[string]func(s Session) error{
		"sender": func(s Session) error {
			_, err := Send(t.Context(), s, Stream("x", strings.NewReader("x")), SendOptions{Timeout: soon})
			return err
		},
		"receiver": func(s Session) error {
			_, err := Receive(t.Context(), s, Writer(io.Discard), ReceiveOptions{Timeout: soon})
			return err
		},
	} {
		a, b := newLoop(t)
		err := end(a)
		var late net.Error
		if !errors.As(err, &late) || !late.Timeout() || !strings.Contains(err.Error(), "silent") {
			t.Errorf("%s: %v", name, err)
		}
		b.Close()
	}
}

// TestLimitsAreSaidAtBothEnds.
func TestLimitsAreSaidAtBothEnds(t *testing.T) {
	root := filepath.Join(t.TempDir(), "d")
	for i := range 5 {
		writeFile(t, filepath.Join(root, fmt.Sprint(i)), randomBytes(1000))
	}
	big := writeFile(t, filepath.Join(t.TempDir(), "big"), randomBytes(3*quick))
	for _, c := range []struct {
		name string
		src  Source
		o    ReceiveOptions
		flag string
	}{
		{"bytes", openTree(t, root), ReceiveOptions{MaxBytes: 4999}, "--max-bytes"},
		{"files", openTree(t, root), ReceiveOptions{MaxFiles: 5}, "--max-files"}, // and the folder
		{"bytes of one", openTree(t, big), ReceiveOptions{MaxBytes: 3*quick - 1}, "--max-bytes"},
		{"bytes of a stream", Stream("s", bytes.NewReader(randomBytes(3*quick))), ReceiveOptions{MaxBytes: 3*quick - 1}, "--max-bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dst := t.TempDir()
			sent, got := move{src: c.src, send: SendOptions{Chunk: quick}, dst: openFolder(t, dst, tree.TargetOptions{}), receive: c.o}.run(t)
			var limit *LimitError
			if !errors.As(got.err, &limit) || limit.Flag != c.flag {
				t.Errorf("the receiver says %v", got.err)
			}
			var told *PeerError
			if !errors.As(sent.err, &told) || !told.Refused || !strings.Contains(told.Reason, limit.What) {
				t.Errorf("the sender says %v", sent.err)
			}
		})
	}
	// Exactly at the limit there is none.
	move{
		src: openTree(t, root), dst: openFolder(t, t.TempDir(), tree.TargetOptions{}),
		receive: ReceiveOptions{MaxBytes: 5000, MaxFiles: 7},
	}.mustRun(t)
}

// TestDryRunWritesNothingAndNamesEverything.
func TestDryRunWritesNothingAndNamesEverything(t *testing.T) {
	root := sampleTree(t)
	dst := t.TempDir()
	inside := filepath.Join(dst, "sample")
	writeFile(t, filepath.Join(inside, "many/0/0.txt"), nil) // empty: the same but for its time
	writeFile(t, filepath.Join(inside, "many/1/1.txt"), []byte("other"))
	before := picture(t, dst)
	sent, got := move{
		src: openTree(t, root), send: SendOptions{Chunk: quick, DryRun: true},
		dst: openFolder(t, dst, tree.TargetOptions{}),
	}.mustRun(t)
	if after := picture(t, dst); after != before {
		t.Errorf("got\n%s\nwant\n%s", after, before)
	}
	for end, o := range map[string]outcome{"sender": sent, "receiver": got} {
		would := map[string]bool{}
		for _, e := range o.of(EventWould) {
			would[e.Path] = true
		}
		if len(would) != 311 || len(o.of(EventWould)) != 311 || !would["sample/many/1/1.txt"] || would["sample/many/0/0.txt"] {
			t.Errorf("the %s would send %d files, said %d times", end, len(would), len(o.of(EventWould)))
		}
		if o.sum.Sent != 0 || o.sum.Skipped != 1 || o.sum.Failed != 0 || o.sum.Files != 311 || o.sum.Bytes != sent.sum.Bytes || o.sum.Links != 3 {
			t.Errorf("the %s has %+v", end, o.sum)
		}
	}
}

// TestPipesCarryATransfer: any connection of the caller's will do.
func TestPipesCarryATransfer(t *testing.T) {
	root := sampleTree(t)
	a, b := net.Pipe()
	dst := t.TempDir()
	move{
		src: openTree(t, root), send: SendOptions{Chunk: quick, Streams: 4}, dst: openFolder(t, dst, tree.TargetOptions{}),
		sender: pairing.New(a), receiver: pairing.New(b),
	}.mustRun(t)
	if have, want := picture(t, filepath.Join(dst, "sample")), picture(t, root); have != want {
		t.Errorf("got\n%s\nwant\n%s", have, want)
	}
}

// TestReceiverThatDialsOpensTheStreams that the sender asks for.
func TestReceiverThatDialsOpensTheStreams(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "f"), randomBytes(60*quick))
	dialled, accepted := newLoop(t)
	opened := 0
	dst := t.TempDir()
	meter := &Meter{}
	src := &counted{Source: openTree(t, path)}
	all := make(chan struct{})
	src.each = func(off int64) error {
		if off >= 20*quick { // until then two connections are enough for anybody
			<-all
		}
		return nil
	}
	_, got := move{
		src: src, send: SendOptions{Chunk: quick, Streams: 4, Meter: meter}, dst: openFolder(t, dst, tree.TargetOptions{}),
		sender: accepted, receiver: tap(dialled, func(c net.Conn) net.Conn {
			if opened++; opened == 4 {
				close(all)
			}
			return c
		}),
	}.mustRun(t)
	if opened != 4 || got.sum.Files != 1 {
		t.Errorf("%d connections; %+v", opened, got.sum)
	}
	sameFile(t, filepath.Join(dst, "f"), randomBytes(60*quick))
}
