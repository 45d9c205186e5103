package cable

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Counts of one direction, read at any time.
type Counts struct {
	Frames, Bytes atomic.Int64 // delivered, with their Ethernet headers
	Lost          atomic.Int64 // frames lost on the line
	Overflowed    atomic.Int64 // frames that found the queue full
	Refused       atomic.Int64 // frames that the receiving device did not take
}

// pump is one direction at work: a thread of its own.
type pump struct {
	line     *line
	from, to int // TAP devices, non-blocking
	stop     int
	counts   *Counts
	began    time.Time

	leaving, arriving *sniffer // beside from and to
}

// sniffer hands an end's frames, which two pumps move, to its tap in order.
type sniffer struct {
	tap   Tap // nil: nobody looks
	began time.Time
	mu    sync.Mutex // held while tap looks, and so at one time after the other
}

func (s *sniffer) look(sent bool, frame []byte) {
	if s.tap == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tap(s.began.Add(time.Since(s.began)), sent, frame)
}

// turn limits how many frames are taken before due ones are delivered again.
const turn = 16

func (p *pump) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Timers of this thread fire when they should, not up to 50 µs later.
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // back to the default
	buf := make([]byte, maxFrame)
	for {
		p.deliver()
		if p.take(buf) == turn {
			continue
		}
		if !p.wait() {
			return
		}
	}
}

// deliver writes what is due, at most a turn of it.
func (p *pump) deliver() {
	for range turn {
		due, frame, ok := p.line.peek()
		if !ok || due > time.Since(p.began) {
			return
		}
		// First seen, then there: no answer to it can be seen before it.
		p.arriving.look(false, frame)
		if _, err := unix.Write(p.to, frame); err != nil {
			p.counts.Refused.Add(1)
		} else {
			p.counts.Frames.Add(1)
			p.counts.Bytes.Add(int64(len(frame)))
		}
		p.line.pop()
	}
}

// take reads at most a turn of frames into the line and says how many.
func (p *pump) take(buf []byte) int {
	for n := range turn {
		size, err := unix.Read(p.from, buf)
		if err != nil || size <= 0 {
			return n
		}
		p.leaving.look(true, buf[:size])
		switch p.line.enter(time.Since(p.began), buf[:size]) {
		case lost:
			p.counts.Lost.Add(1)
		case overflow:
			p.counts.Overflowed.Add(1)
		}
	}
	return turn
}

// wait returns when a frame can be read or the next one is due; false says that
// the cable closes.
func (p *pump) wait() bool {
	fds := [...]unix.PollFd{{Fd: int32(p.stop), Events: unix.POLLIN}, {Fd: int32(p.from), Events: unix.POLLIN}}
	var timeout *unix.Timespec
	if due, _, ok := p.line.peek(); ok {
		left := unix.NsecToTimespec(max(0, int64(due-time.Since(p.began))))
		timeout = &left
	}
	unix.Ppoll(fds[:], timeout, nil) // interrupted is as good as woken: look again
	return fds[0].Revents == 0
}
