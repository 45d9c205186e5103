package cable

import (
	"cmp"
	"slices"
	"time"
)

// Judge decides the fate of single frames, so that a test knows what became of
// each. It is called for every frame of its direction that the line has not lost
// of itself, in the order in which the end sent them, n counting from 0; frame is
// the cable's, to be read and not kept. Each direction calls from a thread of its
// own, and waits for the answer.
type Judge func(n int, frame []byte) Verdict

// Verdict is what becomes of a frame. The zero Verdict lets it pass.
type Verdict struct {
	Drop   bool            // lost on the line
	Late   time.Duration   // longer on its way than the direction's Delay, 0 to 10s: frames behind it overtake it
	Copies []time.Duration // for each, one more of the frame, later than it by that
	Edit   []byte          // goes on in the frame's place; nil: the frame itself
}

// Tap sees the frames of one end as a sniffer beside its device does: what it
// sends, before the cable has touched it, and what reaches it. Calls for an end
// come one after the other, at times that never go back; frame is the cable's.
type Tap func(at time.Time, sent bool, frame []byte)

// judged carries out the judge's verdict on the next frame, which leaves the line
// at due.
func (l *line) judged(due time.Duration, frame []byte) fate {
	v := l.Judge(l.seen, frame)
	l.seen++
	if v.Drop {
		return lost
	}
	if v.Edit != nil {
		frame = v.Edit
	}
	if len(frame) > maxFrame {
		return overflow
	}
	due += max(0, min(v.Late, mostDelay))
	result := l.place(due, frame, v.Late > 0)
	for _, more := range v.Copies {
		l.place(due+max(0, min(more, mostDelay)), frame, v.Late > 0 || more > 0)
	}
	return result
}

func (l *line) place(due time.Duration, frame []byte, late bool) fate {
	if late && l.late.push(due, frame) || !late && l.frames.push(due, frame) {
		return carried
	}
	return overflow
}

// lateFrames are those that a judge holds back, the first due first.
type lateFrames []lateFrame

type lateFrame struct {
	due   time.Duration
	bytes []byte
}

// mostLate bounds how many frames are held back at a time.
const mostLate = 4096

// push says whether there was room. Frames that are due at once keep their order.
func (l *lateFrames) push(due time.Duration, frame []byte) bool {
	if len(*l) == mostLate {
		return false
	}
	at, _ := slices.BinarySearchFunc(*l, due+1, func(f lateFrame, t time.Duration) int { return cmp.Compare(f.due, t) })
	*l = slices.Insert(*l, at, lateFrame{due, slices.Clone(frame)})
	return true
}
