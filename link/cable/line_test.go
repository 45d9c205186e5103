package cable

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestLineKeepsItsPromises offers frames of any size at any time, takes them
// when they are due, and holds order, content, delay, rate and queue.
func TestLineKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLine(Direction{
			Delay: time.Duration(rapid.IntRange(0, 50_000).Draw(t, "delay")) * time.Microsecond,
			Rate:  rapid.Int64Range(1e6, 1e9).Draw(t, "rate"),
			Queue: rapid.IntRange(1514, 100_000).Draw(t, "queue"),
		}, 1, 0)
		type entered struct {
			at    time.Duration
			frame []byte
		}
		var under []entered
		var now, lastSent time.Duration
		for i := range rapid.IntRange(1, 300).Draw(t, "frames") {
			now += time.Duration(rapid.IntRange(0, 20_000).Draw(t, "pause")) * time.Nanosecond
			for {
				due, frame, ok := l.frames.peek()
				if !ok || due > now {
					break
				}
				want := under[0]
				under = under[1:]
				bits := time.Duration(len(frame)) * 8 * time.Second
				if !bytes.Equal(frame, want.frame) {
					t.Fatalf("a frame of %d bytes, want one of %d", len(frame), len(want.frame))
				}
				if sent := due - l.Delay; sent < want.at+bits/time.Duration(l.Rate) || sent < lastSent+bits/time.Duration(l.Rate) {
					t.Fatalf("sent at %v, faster than the line", sent)
				} else {
					lastSent = sent
				}
				if waited := due - l.Delay - want.at; waited > time.Duration(int64(l.Queue)*8*int64(time.Second)/l.Rate)+time.Microsecond {
					t.Fatalf("waited %v, longer than the queue", waited)
				}
				l.frames.pop()
			}
			frame := bytes.Repeat([]byte{byte(i)}, rapid.IntRange(14, 1514).Draw(t, "size"))
			busy := l.free > now
			switch l.enter(now, frame) {
			case carried:
				under = append(under, entered{now, frame})
			case overflow:
				if !busy {
					t.Fatal("an idle line has no room")
				}
			case lost:
				t.Fatal("lost on a line that loses nothing")
			}
		}
		if l.frames.count != len(under) {
			t.Fatalf("%d frames under way, want %d", l.frames.count, len(under))
		}
	})
}

// TestLossIsTheShareAskedFor counts, and repeats with the same seed.
func TestLossIsTheShareAskedFor(t *testing.T) {
	const frames, share = 100_000, 0.01
	count := func(seed uint64) (n int) {
		l := newLine(Direction{Loss: share}, seed, 0)
		for range frames {
			if l.enter(0, make([]byte, 60)) == lost {
				n++
			} else {
				l.frames.pop()
			}
		}
		return n
	}
	first := count(7)
	if first < 850 || first > 1150 { // five standard deviations of a binomial
		t.Errorf("%d of %d lost, want about %v", first, frames, frames*share)
	}
	if again := count(7); again != first {
		t.Errorf("same seed: %d, then %d", first, again)
	}
	if other := count(8); other == first {
		t.Logf("another seed lost as many: %d", other)
	}
}

// TestRingIsBounded fills it: what does not fit is refused, what fits comes out.
func TestRingIsBounded(t *testing.T) {
	r := newRing(10_000)
	for round := range 50 {
		in := 0
		for r.push(time.Duration(in), bytes.Repeat([]byte{byte(in)}, 60+round*13)) {
			in++
		}
		if in == 0 || in > 10_000/60 {
			t.Fatalf("round %d: %d frames fit", round, in)
		}
		for i := range in {
			due, frame, ok := r.peek()
			if !ok || due != time.Duration(i) || len(frame) != 60+round*13 || frame[0] != byte(i) {
				t.Fatalf("round %d: frame %d came out as %v, %d bytes, %v", round, i, due, len(frame), ok)
			}
			r.pop()
		}
		if _, _, ok := r.peek(); ok {
			t.Fatal("a frame nobody put in")
		}
	}
}

func TestLineAllocatesNothing(t *testing.T) {
	l := newLine(Direction{Rate: 1e9, Delay: time.Millisecond}, 1, 0)
	frame := make([]byte, 1514)
	var now time.Duration
	if n := testing.AllocsPerRun(1000, func() {
		now += time.Second
		l.enter(now, frame)
		l.frames.pop()
	}); n != 0 {
		t.Errorf("%v allocations for each frame", n)
	}
}
