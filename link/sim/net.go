package sim

import (
	"sync"
	"time"

	"dialtone/link"
)

// A Net delivers the frames of links that are to repeat together: it lets one thing
// happen after the other on all of them. The zero Net is not one: use [NewNet].
//
// Whoever sends while nobody delivers becomes the deliverer: he hands frames to their
// receivers, and what those send meanwhile, until there is none left; that takes no
// switch of goroutines. Frames that take time are delivered by a timer of the net.
//
//	Send ─→ enter ─→ queue of the direction ─┬─ at once: the sender ──┬─→ hand ─→ receiver ─→ Send …
//	                                         └─ later: the alarm ─────┘
type Net struct {
	mu    sync.Mutex // of all of the net's links; never held while a receiver runs
	began time.Time  // at a whole microsecond

	directions []*Direction
	turn       int           // whose frames are looked for first
	last       time.Duration // when the last frame arrived, of those that take time

	delivering bool
	batch      []*link.Frame // the deliverer's
	moved      sync.Cond     // something that wait waits for has ended
	waiting    int           // for moved
	alarm      alarm
}

// NewNet returns a net without links. It has no goroutine of its own, only a timer
// while frames are under way.
func NewNet() *Net {
	now := time.Now()
	n := &Net{began: now.Add(-time.Duration(now.Nanosecond() % 1000))}
	n.moved.L = &n.mu
	n.alarm.at = link.Never
	return n
}

// clock is the time of everything in the net.
func (n *Net) clock() time.Duration { return time.Since(n.began) }

// Of a batch there are at most so many frames; and a sender delivers at most so many
// batches before a goroutine takes the rest off him, so that his call ends.
const (
	mostBatch = 64
	mostTurns = 32
)

// goOn sees to it that what is due is delivered, and the rest when it is due.
func (n *Net) goOn() {
	if !n.delivering {
		n.delivering = true
		n.deliver(mostTurns)
	}
}

// deliver is the deliverer's loop: of so many batches, or of all if turns is negative.
func (n *Net) deliver(turns int) {
	for {
		d := n.next()
		if d == nil {
			n.delivering = false
			n.wake()
			return
		}
		if turns == 0 {
			go n.takeOver()
			return
		}
		n.hand(d)
		turns--
	}
}

func (n *Net) takeOver() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deliver(-1)
}

// next returns a direction whose first frame is due. If there is none it sets the
// alarm for the one that is due first, and returns nil.
func (n *Net) next() *Direction {
	at, earliest := 0, link.Never
	for i := range n.directions {
		if i += n.turn; i >= len(n.directions) {
			i -= len(n.directions)
		}
		if due, ok := n.directions[i].queue.next(); ok && due < earliest {
			at, earliest = i, due
		}
	}
	if earliest == link.Never {
		return nil
	}
	if earliest > 0 {
		if due := n.arrival(earliest); due > n.clock() {
			n.ringAt(due)
			return nil
		}
	}
	if n.turn = at + 1; n.turn == len(n.directions) {
		n.turn = 0
	}
	return n.directions[at]
}

// arrival is when a frame that is due arrives: no two at once, so that where time
// stands still meanwhile (in a bubble of testing/synctest) all that the first brings
// about has happened before the second arrives; and none at a whole microsecond, where
// the timers of hosts are.
func (n *Net) arrival(due time.Duration) time.Duration {
	due = max(due, n.last+1)
	if due%time.Microsecond == 0 {
		due++
	}
	return due
}

// hand takes what is due from a direction, and gives it to the receiver.
func (n *Net) hand(d *Direction) {
	n.collect(d)
	to := d.to
	if to.input == nil {
		link.FreeAll(n.batch)
		return
	}
	to.busy = true
	n.call(to.input)
	to.busy = false
	n.wake()
}

// call lets a receiver run, without the lock; with it again even where he panics.
func (n *Net) call(input func([]*link.Frame)) {
	n.mu.Unlock()
	defer n.mu.Lock()
	input(n.batch)
}

// wake wakes those in wait.
func (n *Net) wake() {
	if n.waiting > 0 {
		n.moved.Broadcast()
	}
}

// wait waits until done, which the lock guards.
func (n *Net) wait(done func() bool) {
	n.waiting++
	for !done() {
		n.moved.Wait()
	}
	n.waiting--
}

// collect makes the batch.
func (n *Net) collect(d *Direction) {
	now := time.Duration(-1) // not known yet
	n.batch = n.batch[:0]
	for len(n.batch) < mostBatch {
		due, ok := d.queue.next()
		if !ok {
			break
		}
		if now < 0 && (due > 0 || d.to.tap != nil) {
			now = n.clock()
		}
		if due > 0 {
			if due = n.arrival(due); due > now {
				break
			}
			n.last = due
		}
		f := d.queue.pop()
		d.counts.Frames++
		d.counts.Bytes += uint64(len(f.Data))
		d.to.look(now, false, f)
		n.batch = append(n.batch, f)
	}
}
