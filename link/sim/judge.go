package sim

import (
	"time"

	"dialtone/link"
)

// Judge decides the fate of single frames, so that a test knows what became of each.
// It is called for every frame of its direction that the line has not lost of itself,
// in the order in which the end sent them, n counting from 0. frame is the cable's, to
// be read and not kept; the cable must not be called.
type Judge func(n int, frame []byte) Verdict

// Verdict is what becomes of a frame. The zero Verdict lets it pass.
type Verdict struct {
	Drop   bool            // lost on the line
	Hold   bool            // kept until [Direction.Release], together with at most 4095 others
	Late   time.Duration   // longer on its way than it would be, 0 to 10s: frames behind it overtake it
	Copies []time.Duration // for each, one more of the frame, later than it by that
	Edit   []byte          // goes on in the frame's place; nil: the frame itself
}

// Tap sees the frames of one end as a sniffer beside its device does: what it sends,
// before the cable has touched it, and what reaches it. Calls for an end come one
// after the other, at times that never go back. frame is the cable's, to be read and
// not kept, with its checksums filled in; the cable must not be called.
type Tap func(at time.Time, sent bool, frame []byte)

// judge asks the judge about a frame that was sent until then, and carries out what he
// says.
func (d *Direction) judge(sent time.Duration, f *link.Frame) {
	var v Verdict
	if d.config.Judge != nil {
		v = d.config.Judge(d.seen, f.Data)
		d.seen++
	}
	if v.Hold {
		d.hold(f)
		return
	}
	d.execute(sent, f, v, d.dice)
}

func (d *Direction) hold(f *link.Frame) {
	if len(d.held) == mostLate || d.queue.bytes+cost(f) > mostBytes {
		lose(f, &d.counts.Overflowed)
		return
	}
	if d.held == nil {
		d.held = map[int]heldFrame{}
	}
	d.held[d.seen-1] = heldFrame{f, d.dice}
	d.queue.bytes += cost(f)
}

// Release lets go a frame that the judge held, the n-th that he saw, as if it had just
// been sent, and does with it what v says; to hold it again is to leave it. It says
// whether there was such a frame.
func (d *Direction) Release(n int, v Verdict) bool {
	d.net.mu.Lock()
	defer d.net.mu.Unlock()
	h, ok := d.held[n]
	if ok && !v.Hold {
		delete(d.held, n)
		d.queue.bytes -= cost(h.frame)
		d.execute(d.net.clock(), h.frame, v, h.dice)
		d.net.goOn()
	}
	return ok
}

// Held returns how many frames the judge holds.
func (d *Direction) Held() int {
	d.net.mu.Lock()
	defer d.net.mu.Unlock()
	return len(d.held)
}

// execute carries out a verdict.
func (d *Direction) execute(sent time.Duration, f *link.Frame, v Verdict, dice dice) {
	if v.Drop {
		lose(f, &d.counts.Dropped)
		return
	}
	if v.Edit != nil {
		edited := link.NewFrame(len(v.Edit))
		copy(edited.Data, v.Edit) // before f goes, which it may be a part of
		f.Free()
		f = edited
	}
	if d.tooLong(f.Data) {
		lose(f, &d.counts.TooLong)
		return
	}
	d.travel(sent, f, v, dice)
}
