package cable

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// view is what a tap saw: the last four bytes of each frame, with the direction.
type view struct {
	lines []string
	last  time.Time
	back  bool // a time went back
}

func (v *view) tap(at time.Time, sent bool, frame []byte) {
	arrow := "<"
	if sent {
		arrow = ">"
	}
	v.back = v.back || at.Before(v.last)
	v.last = at
	v.lines = append(v.lines, arrow+string(frame[len(frame)-4:]))
}

// TestJudgeAndTaps judges real datagrams, and has both ends' taps tell the story.
func TestJudgeAndTaps(t *testing.T) {
	const last = "done"
	var atA, atB view
	cable := open(t, Config{TapA: atA.tap, TapB: atB.tap, AtoB: Direction{Judge: func(n int, frame []byte) Verdict {
		switch string(frame[len(frame)-4:]) {
		case "lost":
			return Verdict{Drop: true}
		case "late":
			return Verdict{Late: 300 * time.Millisecond}
		case "copy":
			return Verdict{Copies: []time.Duration{0}}
		case "edit": // the sum of its words stays, and so does the checksum
			return Verdict{Edit: append(slices.Clone(frame[:len(frame)-4]), "ited"...)}
		case last:
			return Verdict{Late: 600 * time.Millisecond}
		}
		return Verdict{}
	}}})
	a, b := packets(t, cable.A), packets(t, cable.B)
	for _, text := range []string{"lost", "late", "copy", "edit", "next", last} {
		if _, err := a.WriteTo([]byte(text), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	buf := make([]byte, 10)
	for !slices.Contains(got, last) {
		n, err := b.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(buf[:n]))
	}
	if err := cable.Close(); err != nil { // the pumps have ended: the views are ours
		t.Fatal(err)
	}
	if want := "copy copy ited next late done"; strings.Join(got, " ") != want {
		t.Errorf("datagrams %v arrived, want %v", got, want)
	}
	if want := ">lost >late >copy >edit >next >done"; strings.Join(atA.lines, " ") != want {
		t.Errorf("beside A: %v, want %v", atA.lines, want)
	}
	if want := "<copy <copy <ited <next <late <done"; strings.Join(atB.lines, " ") != want {
		t.Errorf("beside B: %v, want %v", atB.lines, want)
	}
	if atA.back || atB.back {
		t.Error("a tap's time went back")
	}
	if got := cable.AtoB.Lost.Load(); got != 1 {
		t.Errorf("%d frames counted as lost, want 1", got)
	}
}
