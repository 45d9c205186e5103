package sim

import (
	"cmp"
	"slices"
	"time"

	"dialtone/link"
)

// under is a frame under way, and when it arrives; at 0: at once.
type under struct {
	due   time.Duration
	frame *link.Frame
}

// queue is what is under way in a direction: a ring of those in order, and beside it
// the few that are overtaken. It starts empty and grows.
type queue struct {
	ring        []under // a power of two
	head, count int
	latest      time.Duration // due of the newest in the ring
	late        []under       // the first due first
	bytes       int           // of memory
}

// mostBytes and mostLate bound what can be under way.
const (
	mostBytes = 256 << 20
	mostLate  = 4096
	frameCost = 512 // bytes of memory beside a frame's own
)

func cost(f *link.Frame) int { return len(f.Data) + frameCost }

// push says whether there was room. A frame in the ring never arrives before those in
// front of it.
func (q *queue) push(due time.Duration, f *link.Frame) bool {
	if q.bytes+cost(f) > mostBytes {
		return false
	}
	if q.count == len(q.ring) {
		q.grow()
	}
	if due > 0 {
		due = max(due, q.latest)
		q.latest = due
	}
	q.ring[(q.head+q.count)&(len(q.ring)-1)] = under{due, f}
	q.count++
	q.bytes += cost(f)
	return true
}

func (q *queue) grow() {
	ring := make([]under, max(16, 2*len(q.ring)))
	n := copy(ring, q.ring[q.head:])
	copy(ring[n:], q.ring[:q.head])
	q.ring, q.head = ring, 0
}

// pushLate is push for a frame that others may overtake.
func (q *queue) pushLate(due time.Duration, f *link.Frame) bool {
	if len(q.late) == mostLate || q.bytes+cost(f) > mostBytes {
		return false
	}
	at, _ := slices.BinarySearchFunc(q.late, due+1, func(u under, t time.Duration) int { return cmp.Compare(u.due, t) })
	q.late = slices.Insert(q.late, at, under{due, f})
	q.bytes += cost(f)
	return true
}

// next returns when the first frame arrives.
func (q *queue) next() (due time.Duration, ok bool) {
	if q.lateFirst() {
		return q.late[0].due, true
	}
	if q.count == 0 {
		return link.Never, false
	}
	return q.ring[q.head].due, true
}

func (q *queue) lateFirst() bool {
	return len(q.late) > 0 && (q.count == 0 || q.late[0].due < q.ring[q.head].due)
}

// pop takes the frame that next told of.
func (q *queue) pop() (f *link.Frame) {
	if q.lateFirst() {
		f = q.late[0].frame
		q.late = slices.Delete(q.late, 0, 1)
	} else {
		f = q.ring[q.head].frame
		q.ring[q.head] = under{}
		q.head = (q.head + 1) & (len(q.ring) - 1)
		q.count--
	}
	q.bytes -= cost(f)
	return f
}

// free frees all frames.
func (q *queue) free() {
	for _, ok := q.next(); ok; _, ok = q.next() {
		q.pop().Free()
	}
}
