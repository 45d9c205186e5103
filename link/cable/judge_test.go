package cable

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drain takes everything out of a line, as text in the order of leaving.
func drain(t *testing.T, l *line) (out []string) {
	t.Helper()
	last := time.Duration(-1)
	for {
		due, frame, ok := l.peek()
		if !ok {
			return out
		}
		if due < last {
			t.Fatalf("%q is due at %v, after one due at %v", frame, due, last)
		}
		last = due
		out = append(out, string(frame))
		l.pop()
	}
}

// TestVerdicts sends five frames, a millisecond apart, and has the third judged.
func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name    string
		verdict Verdict
		want    string
	}{
		{"pass", Verdict{}, "[0 1 2 3 4]"},
		{"drop", Verdict{Drop: true}, "[0 1 3 4]"},
		{"overtaken by one", Verdict{Late: 1500 * time.Microsecond}, "[0 1 3 2 4]"},
		{"overtaken by all", Verdict{Late: time.Second}, "[0 1 3 4 2]"},
		{"late and overtaken by none", Verdict{Late: 500 * time.Microsecond}, "[0 1 2 3 4]"},
		{"twice", Verdict{Copies: []time.Duration{0}}, "[0 1 2 2 3 4]"},
		{"again later, and last", Verdict{Copies: []time.Duration{1500 * time.Microsecond, time.Second}}, "[0 1 2 3 2 4 2]"},
		{"twice, both late", Verdict{Late: 1500 * time.Microsecond, Copies: []time.Duration{time.Millisecond}}, "[0 1 3 2 4 2]"},
		{"changed", Verdict{Edit: []byte("other")}, "[0 1 other 3 4]"},
		{"dropped is not copied", Verdict{Drop: true, Copies: []time.Duration{0}}, "[0 1 3 4]"},
		{"too long for a frame", Verdict{Edit: make([]byte, maxFrame+1)}, "[0 1 3 4]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var seen []int
			l := newLine(Direction{Delay: time.Millisecond, Judge: func(n int, frame []byte) Verdict {
				seen = append(seen, n)
				if n == 2 {
					return test.verdict
				}
				return Verdict{}
			}}, 1, 0)
			for i := range 5 {
				l.enter(time.Duration(i)*time.Millisecond, fmt.Append(nil, i))
			}
			if got := fmt.Sprint(drain(t, l)); got != test.want {
				t.Errorf("out came %v, want %v", got, test.want)
			}
			if !slices.Equal(seen, []int{0, 1, 2, 3, 4}) {
				t.Errorf("judged were %v", seen)
			}
		})
	}
}

// TestJudgedFramesAreAllAccountedFor holds that exactly what was not dropped comes
// out, each as often as was said, in the order of its due time.
func TestJudgedFramesAreAllAccountedFor(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := map[string]int{}
		l := newLine(Direction{Judge: func(n int, frame []byte) Verdict {
			v := Verdict{Drop: rapid.Bool().Draw(rt, "drop"), Late: time.Duration(rapid.IntRange(0, 9).Draw(rt, "late")) * time.Millisecond}
			for range rapid.IntRange(0, 2).Draw(rt, "copies") {
				v.Copies = append(v.Copies, time.Duration(rapid.IntRange(0, 9).Draw(rt, "copy"))*time.Millisecond)
			}
			if !v.Drop {
				want[string(frame)] = 1 + len(v.Copies)
			}
			return v
		}}, 1, 0)
		got := map[string]int{}
		for i := range rapid.IntRange(1, 100).Draw(rt, "frames") {
			l.enter(time.Duration(i)*time.Millisecond, fmt.Append(nil, i))
			if due, frame, ok := l.peek(); ok && due <= time.Duration(i)*time.Millisecond {
				got[string(frame)]++
				l.pop()
			}
		}
		for _, frame := range drain(t, l) {
			got[frame]++
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("out came %v, want %v", got, want)
		}
	})
}

// TestLateFramesAreBounded holds back more than there is room for.
func TestLateFramesAreBounded(t *testing.T) {
	l := newLine(Direction{Judge: func(int, []byte) Verdict { return Verdict{Late: time.Second} }}, 1, 0)
	frame := bytes.Repeat([]byte{1}, 60)
	for i := range mostLate + 10 {
		want := carried
		if i >= mostLate {
			want = overflow
		}
		if got := l.enter(0, frame); got != want {
			t.Fatalf("frame %d: fate %d, want %d", i, got, want)
		}
	}
	if got := len(drain(t, l)); got != mostLate {
		t.Errorf("%d frames came out, want %d", got, mostLate)
	}
}
