package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"dialtone/link"
	"dialtone/link/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	macA = link.MAC{2, 0, 0, 0, 0, 1}
	macB = link.MAC{2, 0, 0, 0, 0, 2}
)

// frame is an Ethernet frame of size bytes whose payload begins with text.
func frame(dst, src link.MAC, size int, text string) *link.Frame {
	f := link.NewFrame(size)
	clear(f.Data)
	h := link.Ethernet{Dst: dst, Src: src, Type: 0x88b5} // for experiments
	copy(f.Data[len(h.Append(f.Data[:0])):], text)
	return f
}

// text is what frame was given.
func text(f []byte) string { return strings.TrimRight(string(f[link.EthernetLen:]), "\x00") }

// send sends frames with those texts, of 60 bytes, in one batch.
func send(p link.Port, texts ...string) {
	var frames []*link.Frame
	for _, s := range texts {
		frames = append(frames, frame(macB, macA, 60, s))
	}
	p.Send(frames)
}

// inbox collects what arrives at a port.
type inbox struct {
	mu    sync.Mutex
	texts []string
	times []time.Duration // since the inbox was made
	began time.Time
}

func receive(p link.Port) *inbox {
	in := &inbox{began: time.Now()}
	p.Attach(func(frames []*link.Frame) {
		in.mu.Lock()
		defer in.mu.Unlock()
		for _, f := range frames {
			in.texts = append(in.texts, text(f.Data))
			in.times = append(in.times, time.Since(in.began))
			f.Free()
		}
	})
	return in
}

func (in *inbox) String() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return strings.Join(in.texts, " ")
}

func (in *inbox) len() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.texts)
}

func (in *inbox) want(t *testing.T, want string) {
	t.Helper()
	if got := in.String(); got != want {
		t.Errorf("arrived: %s\nwant:    %s", got, want)
	}
}

// settle lets so much time pass in a bubble, and all happen that comes of it.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// numbers are "0" to n-1.
func numbers(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprint(i))
	}
	return list
}

func TestPerfectCableHandsOverAtOnce(t *testing.T) {
	cable := sim.NewCable(sim.Config{})
	defer cable.Close()
	a, b := receive(cable.A()), receive(cable.B())
	send(cable.A(), "1", "2", "3")
	b.want(t, "1 2 3")
	send(cable.B(), "4")
	a.want(t, "4")
	if got := cable.AtoB().Counts(); got != (sim.Counts{Frames: 3, Bytes: 180}) {
		t.Errorf("%+v", got)
	}
}

func TestAnswersInsideTheReceiverDoNotRecurse(t *testing.T) {
	const most = 20_000
	cable := sim.NewCable(sim.Config{})
	defer cable.Close()
	depth, deepest, n := 0, 0, 0
	done := make(chan struct{})
	bounce := func(p link.Port) func([]*link.Frame) {
		return func(frames []*link.Frame) {
			depth++
			deepest = max(deepest, depth)
			if n++; n < most {
				p.Send(frames)
			} else {
				link.FreeAll(frames)
				close(done)
			}
			depth--
		}
	}
	cable.A().Attach(bounce(cable.A()))
	cable.B().Attach(bounce(cable.B()))
	send(cable.A(), "ball")
	<-done // the sender's call has ended before, and another goroutine goes on
	if deepest != 1 {
		t.Errorf("receivers %d deep in one another, want 1", deepest)
	}
}

func TestDelayAndRateAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{Delay: 5 * time.Millisecond, Rate: 3e6})
		defer cable.Close()
		b := receive(cable.B())
		for range 300 {
			cable.A().Send([]*link.Frame{frame(macB, macA, 700, "x")})
		}
		settle(time.Second)
		if len(b.times) != 300 {
			t.Fatalf("%d frames arrived, want 300", len(b.times))
		}
		for i, at := range b.times { // the last bit of frame i has been sent after (i+1) × 700 × 8 bits
			want := 5*time.Millisecond + time.Duration(int64(i+1)*700*8*1e9/3e6)
			if d := at - want; d < 0 || d > time.Nanosecond { // but never at a whole microsecond
				t.Fatalf("frame %d after %v, want %v", i, at, want)
			}
		}
	})
}

func TestQueueLimits(t *testing.T) {
	for name, c := range map[string]sim.Config{
		"bytes":  {Rate: 8e6, Queue: 10 * 1000},
		"frames": {Rate: 8e6, QueueFrames: 9},
	} {
		synctest.Test(t, func(t *testing.T) {
			cable := sim.NewCable(c)
			defer cable.Close()
			b := receive(cable.B())
			for i := range 30 { // a millisecond each; one is being sent
				cable.A().Send([]*link.Frame{frame(macB, macA, 1000, fmt.Sprint(i))})
			}
			settle(5500 * time.Microsecond) // room for five more
			for i := range 30 {
				cable.A().Send([]*link.Frame{frame(macB, macA, 1000, fmt.Sprint(100+i))})
			}
			settle(time.Second)
			want := append(numbers(10), "100", "101", "102", "103", "104")
			if got := b.String(); got != strings.Join(want, " ") {
				t.Errorf("%s: %s, want %v", name, got, want)
			}
			if got := cable.AtoB().Counts(); got.Overflowed != uint64(60-len(want)) {
				t.Errorf("%s: %+v", name, got)
			}
		})
	}
}

func TestOneFrameAtATimeInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := sim.NewNet()
		left, right := net.NewCable(sim.Config{Delay: time.Millisecond}), net.NewCable(sim.Config{Delay: time.Millisecond})
		var all []*inbox
		for _, p := range []link.Port{left.A(), left.B(), right.A(), right.B()} {
			all = append(all, receive(p))
		}
		for _, p := range []link.Port{right.B(), left.A(), right.A(), left.B()} {
			send(p, numbers(1000)...)
		}
		settle(time.Second)
		var times []time.Duration
		for _, in := range all {
			times = append(times, in.times...)
		}
		slices.Sort(times)
		if len(times) != 4000 || len(slices.Compact(slices.Clone(times))) != 4000 {
			t.Errorf("%d frames, at %d instants", len(times), len(slices.Compact(times)))
		}
		if i := slices.IndexFunc(times, func(d time.Duration) bool { return d%time.Microsecond == 0 }); i >= 0 {
			t.Errorf("a frame at %v, a whole microsecond", times[i])
		}
	})
}
