package serve

import (
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// sweeper ends conversations that wait too long. It looks at all of them now and
// then, so that the conversations themselves need no timer and no clock.
type sweeper struct {
	quit chan struct{}
	done sync.WaitGroup
	once sync.Once
}

func (w *sweeper) start(s *Server) {
	w.quit = make(chan struct{})
	tick := 250 * time.Millisecond
	for _, d := range []time.Duration{s.Limits.Idle, s.Limits.FirstByte, s.Limits.Session} {
		if d > 0 {
			tick = min(tick, max(d/8, 5*time.Millisecond))
		}
	}
	w.done.Go(func() { w.run(s, tick) })
}

func (w *sweeper) stop() {
	w.once.Do(func() { close(w.quit) })
	w.done.Wait()
}

func (w *sweeper) run(s *Server, tick time.Duration) {
	t := time.NewTicker(tick)
	defer t.Stop()
	var parked int64
	var released time.Time
	for {
		select {
		case <-w.quit:
			return
		case now := <-t.C:
			s.each(func(c *Conn) { c.sweep(now, &s.Limits) })
			parked += s.lot.parkedSince()
			if parked >= releaseParked && now.Sub(released) >= releasePause {
				debug.FreeOSMemory() // the stacks of goroutines that are gone
				parked, released = 0, now
			}
		}
	}
}

const (
	parkAfter     = time.Second      // without a byte
	releaseParked = 1000             // conversations whose goroutines make a collection worth its price
	releasePause  = 10 * time.Second // between two of these
)

// sweep ends c when nothing has moved for too long.
func (c *Conn) sweep(now time.Time, l *Limits) {
	if Ending(c.ending.Load()) != Open {
		return
	}
	if m := c.moved(); m != c.seen || c.held.Load() {
		c.seen, c.seenSince, c.asked = m, now, false
		return
	}
	still, idle := now.Sub(c.seenSince), l.idle(c)
	switch {
	case l.FirstByte > 0 && c.in.Load() == 0 && still >= l.FirstByte:
		c.stop(FirstTimeout)
	case c.gone():
		c.stop(PeerRST)
	case idle > 0 && still >= idle:
		c.stop(IdleTimeout)
	case !c.asked && still >= parkAfter && c.server.Service.Talk != nil:
		c.askToPark()
	}
}

// askToPark wakes c's goroutine from its wait for input, to park itself.
func (c *Conn) askToPark() {
	c.asked = true
	if _, ok := c.Conn.(syscall.Conn); ok {
		c.parking.Store(true)
		c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// gone reports whether the peer has reset a connection that its service may not
// be reading at the moment.
func (c *Conn) gone() bool {
	if c.server.Service.Hold == nil {
		return false // a Talk is always reading, or writing
	}
	state, ok := tcpState(c.Conn)
	return ok && state == tcpClosed
}
