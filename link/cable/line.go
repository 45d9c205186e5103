package cable

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"
)

// Direction says what happens to frames that go one way. The zero value is a
// perfect cable.
type Direction struct {
	Delay time.Duration // from the last bit sent to the last bit received; 0: none
	Rate  int64         // bits per second, counting frames with their Ethernet header; 0: unlimited
	Queue int           // bytes that may wait for the line, beyond which a frame is dropped; 0: 256 KiB; at Rate 0 nothing waits
	Loss  float64       // share of frames lost on the line, each independently; 0 to 1
	Judge Judge         // decides what becomes of single frames; nil: nobody
}

const (
	defaultQueue = 256 << 10
	mostDelay    = 10 * time.Second
)

// maxFrame is the longest frame that a device hands over: MTU 9000 and the
// Ethernet header, rounded up.
const maxFrame = 9 << 10

// fate is what becomes of a frame that wants to enter the line.
type fate int

const (
	carried  fate = iota
	lost          // on the line, having used its time
	overflow      // no room in the queue
)

// line is one direction without its devices: frames go in at some time, and
// come out at another, in order but for what a judge holds back. Times are since
// any common start.
//
//	enter at now ─→ sent = max(now, free) + size/rate ─→ due = sent + delay
type line struct {
	Direction
	random *rand.Rand
	free   time.Duration // when the line has sent all that it was given
	frames ring
	late   lateFrames // overtaken by those in frames
	seen   int        // by the judge
}

func newLine(d Direction, seed, stream uint64) *line {
	if d.Queue == 0 {
		d.Queue = defaultQueue
	}
	return &line{Direction: d, random: rand.New(rand.NewPCG(seed, stream)), frames: newRing(d.room())}
}

// room is the memory for what can be under way: the queue, what the line holds
// while it delays (at most 256 MiB), and as much again for the records of small
// frames. Beyond it frames overflow.
func (d Direction) room() int {
	const unlimited, most = 10e9, 256 << 20
	rate := d.Rate
	if rate == 0 {
		rate = unlimited
	}
	under := float64(rate) / 8 * d.Delay.Seconds()
	return 2*(d.Queue+int(min(under, most))) + 64*maxFrame
}

// enter offers a frame to the line and copies it.
func (l *line) enter(now time.Duration, frame []byte) fate {
	sent := now
	if l.Rate > 0 {
		start := max(now, l.free)
		if waiting := int64(start-now) * l.Rate / (8 * int64(time.Second)); waiting+int64(len(frame)) > int64(l.Queue) {
			return overflow
		}
		sent = start + time.Duration(int64(len(frame))*8*int64(time.Second)/l.Rate)
		l.free = sent
	}
	if l.Loss > 0 && l.random.Float64() < l.Loss {
		return lost
	}
	if l.Judge != nil {
		return l.judged(sent+l.Delay, frame)
	}
	return l.place(sent+l.Delay, frame, false)
}

// peek returns the frame that is due next, valid until pop, and when.
func (l *line) peek() (due time.Duration, frame []byte, ok bool) {
	due, frame, ok = l.frames.peek()
	if len(l.late) > 0 && (!ok || l.late[0].due < due) {
		return l.late[0].due, l.late[0].bytes, true
	}
	return due, frame, ok
}

// pop forgets the frame that peek returned.
func (l *line) pop() {
	due, _, ok := l.frames.peek()
	if len(l.late) > 0 && (!ok || l.late[0].due < due) {
		l.late = slices.Delete(l.late, 0, 1)
		return
	}
	l.frames.pop()
}

// ring keeps frames in order, each as a record of due time, length and bytes in
// one buffer; a record never wraps around the end.
//
//	│ due 8 │ length 8 │ frame, padded to 8 │ due … │ -1 rest unused │
type ring struct {
	buf        []byte
	head, tail int // next to take, next to fill
	count      int
}

const recordHead = 16

func newRing(size int) ring { return ring{buf: make([]byte, (size+7)&^7)} }

// push says whether there was room.
func (r *ring) push(due time.Duration, frame []byte) bool {
	need := (recordHead + len(frame) + 7) &^ 7
	if r.count == 0 {
		r.head, r.tail = 0, 0
	}
	limit := len(r.buf) // the free part is [tail, limit)
	if r.count > 0 && r.tail <= r.head {
		limit = r.head
	}
	if need > limit-r.tail {
		if limit != len(r.buf) || need > r.head {
			return false
		}
		if r.tail < len(r.buf) {
			binary.NativeEndian.PutUint64(r.buf[r.tail:], ^uint64(0)) // skip what is left
		}
		r.tail = 0
	}
	record := r.buf[r.tail:]
	binary.NativeEndian.PutUint64(record, uint64(due))
	binary.NativeEndian.PutUint64(record[8:], uint64(len(frame)))
	copy(record[recordHead:], frame)
	r.tail += need
	r.count++
	return true
}

// peek returns the oldest frame, valid until pop, and when it is due.
func (r *ring) peek() (due time.Duration, frame []byte, ok bool) {
	if r.count == 0 {
		return 0, nil, false
	}
	if r.head == len(r.buf) || binary.NativeEndian.Uint64(r.buf[r.head:]) == ^uint64(0) {
		r.head = 0
	}
	record := r.buf[r.head:]
	n := int(binary.NativeEndian.Uint64(record[8:]))
	return time.Duration(binary.NativeEndian.Uint64(record)), record[recordHead : recordHead+n], true
}

// pop forgets the frame that peek returned.
func (r *ring) pop() {
	n := int(binary.NativeEndian.Uint64(r.buf[r.head+8:]))
	r.head += (recordHead + n + 7) &^ 7
	r.count--
}
