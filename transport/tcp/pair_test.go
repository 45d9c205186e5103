package tcp

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A wire joins two connections in memory: it delays, loses, reorders, duplicates and
// spoils segments by a seed, and has a clock of its own, which runs from one thing that
// happens to the next.
type wire struct {
	now    time.Duration
	ends   [2]*peer
	flying arrivals
	spare  [][]byte
	sent   uint64
	rng    *rand.Rand
	check  bool
	tap    func(from int, h *Header, n int)
}

// a lane is how a wire treats one direction.
type lane struct {
	delay     time.Duration
	rate      float64 // bytes per second; 0: any
	queue     int     // bytes that wait for the rate; 0: any
	loss      float64
	reorder   float64       // how many
	hold      time.Duration // are this much late
	early     bool          // or, instead, come without any delay
	duplicate float64
	corrupt   float64
	cuts      []time.Duration // when the wire is cut and mended, in turns

	free time.Duration // when the wire is free again
	last time.Duration
}

// a peer is a connection and its user.
type peer struct {
	*Conn
	lane   lane
	config Config
	index  int
	w      *wire
	user   func()        // called after everything that happens
	tick   time.Duration // and at this time, if it is not 0
	lost   int
	taken  Events
}

type arrival struct {
	at    time.Duration
	order uint64
	to    int
	bytes []byte
}

type arrivals []arrival

func (a arrivals) Len() int { return len(a) }
func (a arrivals) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a arrivals) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(x any)   { *a = append(*a, x.(arrival)) }
func (a *arrivals) Pop() any {
	x := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return x
}

func newWire(seed uint64, l lane) *wire {
	w := &wire{rng: rand.New(rand.NewPCG(seed, 1)), check: true}
	for i := range w.ends {
		w.ends[i] = &peer{lane: l, index: i, w: w}
	}
	return w
}

// Segment is the end's sink.
func (e *peer) Segment(h *Header, head, tail []byte) {
	w, l := e.w, &e.lane
	if w.tap != nil {
		w.tap(e.index, h, len(head)+len(tail))
	}
	b := h.Append(w.buffer())
	b = append(append(b, head...), tail...)
	size := float64(len(b) + 20 + 18)
	begin := max(w.now, l.free)
	if l.rate > 0 {
		if l.queue > 0 && float64(begin-w.now)/float64(time.Second)*l.rate > float64(l.queue) {
			e.lost++
			return
		}
		begin += time.Duration(size / l.rate * float64(time.Second))
		l.free = begin
	}
	if w.rng.Float64() < l.loss || l.cut(w.now) {
		e.lost++
		return
	}
	Fill(0, b)
	if w.rng.Float64() < l.corrupt {
		b[w.rng.IntN(len(b))] ^= 1 << w.rng.IntN(8)
	}
	at := max(begin+l.delay, l.last)
	if l.reorder > 0 && w.rng.Float64() < l.reorder {
		if l.early {
			at = begin
		} else {
			at += l.hold
		}
	} else {
		l.last = at
	}
	w.fly(at, 1-e.index, b)
	if w.rng.Float64() < l.duplicate {
		w.fly(at+time.Millisecond, 1-e.index, slices.Clone(b))
	}
}

// cut says whether the wire is cut.
func (l *lane) cut(now time.Duration) (cut bool) {
	for _, at := range l.cuts {
		cut = cut != (at <= now)
	}
	return cut
}

// buffer is room for a segment: one that has arrived, if there is one.
func (w *wire) buffer() []byte {
	if n := len(w.spare); n > 0 {
		b := w.spare[n-1]
		w.spare = w.spare[:n-1]
		return b[:0]
	}
	return make([]byte, 0, 2048)
}

func (w *wire) fly(at time.Duration, to int, b []byte) {
	w.sent++
	heap.Push(&w.flying, arrival{at, w.sent, to, b})
}

// step goes on to the next thing that happens; false when nothing will.
func (w *wire) step(t testing.TB) bool {
	next, who := Never, -1
	if len(w.flying) > 0 {
		next = w.flying[0].at
	}
	for i, e := range w.ends {
		if e.Conn != nil && e.Deadline() < next {
			next, who = max(e.Deadline(), w.now), i
		}
	}
	for i, e := range w.ends {
		if e.Conn != nil && e.tick > 0 && e.tick < next {
			next, who = max(e.tick, w.now), i
		}
	}
	if next == Never {
		return false
	}
	w.now = max(next, w.now)
	if who >= 0 {
		e := w.ends[who]
		if e.tick <= w.now {
			e.tick = 0
		}
		e.taken |= e.Expire(w.now)
		w.settle(t, e)
		return true
	}
	a := heap.Pop(&w.flying).(arrival)
	w.arrive(t, w.ends[a.to], a.bytes)
	w.spare = append(w.spare, a.bytes)
	return true
}

// arrive does what a host does with a segment.
func (w *wire) arrive(t testing.TB, e *peer, b []byte) {
	if !Check(0, b) {
		return
	}
	h, payload, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case e.Conn == nil:
		accept, _, _ := Listening(&h, len(payload))
		if !accept {
			return
		}
		e.Conn = Accept(&e.config, w.now, &h, payload)
	case e.State() == Closed:
		if rst, ok := Reset(&h, len(payload)); ok {
			e.Segment(&rst, nil, nil)
		}
		return
	default:
		e.taken |= e.Input(w.now, &h, payload)
	}
	w.settle(t, e)
}

// settle lets an end send, its user act, and the end send again.
func (w *wire) settle(t testing.TB, e *peer) {
	e.Output(w.now, e)
	if e.user != nil {
		e.user()
		e.Output(w.now, e)
	}
	if w.check {
		if err := e.Conn.check(); err != nil {
			t.Fatalf("at %v, end %d: %v", w.now, e.index, err)
		}
	}
}
