package host

import (
	"sync"
	"sync/atomic"
	"time"

	"dialtone/transport/tcp"
)

// never is the time of an alarm that is not set.
const never = tcp.Never

// An alarm is one thing's deadline: of a connection, a cache, a reader. Its owner
// initialises it with newAlarm and sets it with [Host.arm], as often as it likes; to
// set it later than it was costs two atomic operations.
type alarm struct {
	fire alarmed

	at     atomic.Int64 // when it is to go off; never
	queued atomic.Int64 // its key in the heap: at most at, or never where it is not in it
	index  int          // in the heap, under alarms.mu
}

// alarmed is who has an alarm. It is called without any lock held, not before the time
// that was set; by then it may have been set anew, or switched off: the owner looks at
// its own deadline, and arms the alarm for the next one.
type alarmed interface {
	expire(now time.Duration, out *outbox)
}

// alarms are those of a host, the earliest first: one timer of the clock for all.
type alarms struct {
	mu    sync.Mutex
	heap  alarmHeap
	timer Timer         // nil until it is needed
	wake  time.Duration // when timer goes off; never
	due   []*alarm      // scratch of ring
	done  bool
	// running is held while alarms go off, so that no two rounds overlap and Close waits.
	running sync.Mutex
}

// newAlarm returns an alarm that is not set.
func (a *alarm) init(owner alarmed) {
	a.fire = owner
	a.at.Store(int64(never))
	a.queued.Store(int64(never))
	a.index = -1
}

// arm sets an alarm to go off at a time; [never] switches it off, but keeps it in
// memory until it would have gone off: see disarm.
func (h *Host) arm(a *alarm, at time.Duration) {
	// Whoever takes it out of the heap at the same time says so in queued before
	// reading at: one of the two sees what the other did.
	a.at.Store(int64(at))
	if int64(at) >= a.queued.Load() {
		return
	}
	s := &h.alarms
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := a.at.Load(); at < a.queued.Load() && !s.done {
		s.put(a, at)
		h.wakeLocked()
	}
}

// disarm switches an alarm off for good, and forgets it.
func (h *Host) disarm(a *alarm) {
	a.at.Store(int64(never))
	s := &h.alarms
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.index >= 0 && !s.done {
		s.heap.remove(a.index)
		a.queued.Store(int64(never))
	}
}

// put adds an alarm to the heap, or moves it there.
func (s *alarms) put(a *alarm, at int64) {
	a.queued.Store(at)
	if a.index >= 0 {
		s.heap.remove(a.index)
	}
	s.heap.push(time.Duration(at), a)
}

// wakeLocked sets the timer for the first alarm, unless it goes off before that anyway.
func (h *Host) wakeLocked() {
	s := &h.alarms
	if s.done || len(s.heap) == 0 || s.heap[0].at >= s.wake {
		return
	}
	s.wake = s.heap[0].at
	d := max(0, h.wholeMicrosecond(s.wake)-h.now())
	if s.timer == nil {
		s.timer = h.clock.AfterFunc(d, h.ring)
		return
	}
	s.timer.Reset(d)
}

// wholeMicrosecond rounds up to the next whole microsecond of the clock: at such times
// no simulated link delivers, so that a run in which both happen repeats.
func (h *Host) wholeMicrosecond(at time.Duration) time.Duration {
	past := h.start.Add(at).Nanosecond() % int(time.Microsecond)
	if past == 0 {
		return at
	}
	return at + time.Microsecond - time.Duration(past)
}

// ring is what the timer calls: alarms whose time has come go off.
func (h *Host) ring() {
	s := &h.alarms
	s.running.Lock()
	defer s.running.Unlock()
	out := h.outbox()
	defer out.release()

	now := h.now()
	s.mu.Lock()
	s.wake = never
	due := s.takeDue(now)
	s.mu.Unlock()
	for _, a := range due {
		a.fire.expire(now, out)
	}
	clear(due)
	s.mu.Lock()
	h.wakeLocked()
	s.mu.Unlock()
}

// takeDue takes the alarms that are due out of the heap. What was set later since it
// came there goes back to its place.
func (s *alarms) takeDue(now time.Duration) []*alarm {
	s.due = s.due[:0]
	for !s.done && len(s.heap) > 0 && s.heap[0].at <= now {
		a := s.heap[0].alarm
		s.heap.remove(0)
		a.queued.Store(int64(never))
		switch at := a.at.Load(); {
		case at <= int64(now):
			s.due = append(s.due, a)
		case at != int64(never):
			s.put(a, at)
		}
	}
	return s.due
}

// stop ends all alarms: none goes off, nor is going off, when it has returned.
func (s *alarms) stop() {
	s.mu.Lock()
	s.done = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.running.Lock() // waits for a round
	defer s.running.Unlock()
	s.heap = nil // nobody looks at it any more
}
