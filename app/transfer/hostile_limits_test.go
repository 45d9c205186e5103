package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"testing"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

func TestLimitOfBytesCountsStreamsTogether(t *testing.T) {
	_, err := receiveFrom(t, newInbox(t), ReceiveOptions{MaxBytes: 100}, tree.TargetOptions{}, func(h *hand) {
		h.beginSending(offer{})
		h.name(file("a", -1), file("b", -1))
		h.answers(2)
		for i := range int64(2) {
			p := make([]byte, 80)
			h.data(0, p, wholeRecord(i, p))
		}
	})
	var limit *LimitError
	if !errors.As(err, &limit) {
		t.Errorf("160 bytes in two streams, of which 100 are allowed: %v", err)
	}
}

func TestStreamsNeedSumsToo(t *testing.T) {
	b := newInbox(t)
	_, err := receiveFrom(t, b, ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
		h.beginSending(offer{})
		h.name(file("a", -1))
		h.answers(1)
		h.data(0, []byte("what"), record{flags: recordWhole, raw: 4})
	})
	if !isBroken(err) || len(b.visible(t)) != 0 {
		t.Errorf("content without a sum: %v, and there is %q", err, b.visible(t))
	}
}

// TestReceiverTakesAsManyConnectionsAsItSaid: each has buffers of several chunks.
func TestReceiverTakesAsManyConnectionsAsItSaid(t *testing.T) {
	receiveFrom(t, newInbox(t), ReceiveOptions{}, tree.TargetOptions{}, func(h *hand) {
		h.say(frameHello, hello{roleSender, protocolVersion}.append(nil))
		h.say(frameOffer, offer{chunk: MaxChunk}.append(nil))
		terms, err := parseAccept(h.expect(frameAccept))
		if err != nil || terms.streams != 1 {
			t.Fatalf("terms for the largest chunks: %+v, %v", terms, err)
		}
		c := h.open()
		c.SetReadDeadline(time.Now().Add(longest))
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a second connection brought %d bytes, %v", n, err)
		}
		h.finish(0)
	})
}

// theatre is a target whose files do what a test says.
type theatre struct {
	verdict  tree.Verdict
	prop     func() *prop
	finished func()
}

func (s *theatre) into() target { return s }
func (s *theatre) begin(tree.Entry, int64) (incoming, tree.Verdict, error) {
	return s.prop(), s.verdict, nil
}
func (s *theatre) notices(func(note)) {}
func (s *theatre) dry(bool)           {}
func (s *theatre) ordered() bool      { return false }
func (s *theatre) close() error {
	if s.finished != nil {
		s.finished()
	}
	return nil
}

// prop is a file of a theatre.
type prop struct {
	written
	have    func()
	whole   func(done func(string, error))
	suspend func()
}

func (p *prop) Have() iter.Seq2[int64, digest.Sum] {
	if p.have != nil {
		p.have()
	}
	return func(func(int64, digest.Sum) bool) {}
}
func (p *prop) Hash(context.Context) (digest.Sum, error)                { return digest.Sum{}, nil }
func (p *prop) WriteWhole(_ []byte, done func(final string, err error)) { p.whole(done) }
func (p *prop) Suspend() error {
	if p.suspend != nil {
		p.suspend()
	}
	return nil
}

// TestStoringGoesOnWhileATransferStops: what the target stores then leaves the
// list of what is under way, which is being gone through.
func TestStoringGoesOnWhileATransferStops(t *testing.T) {
	const stored, unfinished = 8, 64
	var storing sync.WaitGroup
	stopping := make(chan struct{})
	var stop sync.Once
	started := make(chan struct{}, stored)
	dst := &theatre{verdict: tree.Want, finished: storing.Wait, prop: func() *prop {
		return &prop{
			whole: func(done func(string, error)) {
				storing.Go(func() { <-stopping; done("x", nil) })
				started <- struct{}{}
			},
			suspend: func() { stop.Do(func() { close(stopping) }) },
		}
	}}
	against(t, func(h *hand) {
		h.beginSending(offer{})
		for i := range stored + unfinished {
			h.name(file(fmt.Sprint(i), 1))
		}
		h.answers(stored + unfinished)
		for i := range int64(stored) {
			h.data(0, []byte("x"), wholeRecord(i, []byte("x")))
		}
		for range stored {
			<-started
		}
		h.say(frameAbort, abort{code: abortInterrupted}.append(nil))
	}, func(ctx context.Context, s Session) {
		got, err := Receive(ctx, s, dst, ReceiveOptions{})
		if err == nil || got.Files != stored {
			t.Errorf("%d files were stored, %v", got.Files, err)
		}
	})
}

// TestHashIsToldOnce: a second one, or giving up, while the first is being looked
// at, would settle the file twice.
func TestHashIsToldOnce(t *testing.T) {
	sums := appendUint(nil, 0)
	sums = append(sums, bytes.Repeat([]byte{1}, digest.Size)...)
	for name, second := range map[string]func(*hand){
		"hash":    func(h *hand) { h.say(frameSums, sums) },
		"give up": func(h *hand) { h.say(frameGiveUp, appendText(append(appendUint(nil, 0), 0), "no")) },
	} {
		t.Run(name, func(t *testing.T) {
			looking, go_ := make(chan struct{}), make(chan struct{})
			dst := &theatre{verdict: tree.Compare, prop: func() *prop {
				return &prop{written: written{w: io.Discard}, have: func() { close(looking); <-go_ }}
			}}
			against(t, func(h *hand) {
				h.beginSending(offer{})
				h.name(file("a", 4*MinChunk))
				h.answers(1)
				h.say(frameSums, sums)
				<-looking
				second(h)
				h.finish(1)
				h.drain()
				close(go_)
			}, func(ctx context.Context, s Session) {
				if _, err := Receive(ctx, s, dst, ReceiveOptions{}); !isBroken(err) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}
