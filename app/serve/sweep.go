package serve

import (
	"sync"
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
	tick := time.Second
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
	for {
		select {
		case <-w.quit:
			return
		case now := <-t.C:
			s.each(func(c *Conn) { c.sweep(now, &s.Limits) })
		}
	}
}

// sweep ends c when nothing has moved for too long.
func (c *Conn) sweep(now time.Time, l *Limits) {
	if Ending(c.ending.Load()) != Open {
		return
	}
	if m := c.moved(); m != c.seen || c.held.Load() {
		c.seen, c.seenSince = m, now
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
