package host

import (
	"context"
	"sync"
	"time"

	"dialtone/transport/tcp"
)

// Shutdown ends the host when what was written to the connections that are closed has
// arrived, and their peers have closed too or taken a second over it. It does not wait
// for connections that are open. When ctx ends before, so does the host, as by
// [Host.Close], and Shutdown returns ctx's error.
func (h *Host) Shutdown(ctx context.Context) error {
	p := &h.tcp.partings
	err := p.wait(ctx, func() bool { return p.saying == 0 })
	if err == nil {
		brief, cancel := context.WithTimeout(ctx, hearTime)
		defer cancel()
		_ = p.wait(brief, func() bool { return p.saying+p.hearing == 0 })
	}
	h.Close()
	return err
}

// hearTime is how long Shutdown waits for FINs that may never come.
const hearTime = time.Second

// partings count the connections that the application has closed and that are not over.
type partings struct {
	mu      sync.Mutex
	saying  int           // their peers have not acknowledged everything
	hearing int           // their peers have, and have yet to close, or to hear that we heard it
	changed chan struct{} // closed at a change; nil while nobody waits
}

// parting is which of them a connection is among.
type parting uint8

const (
	notParting parting = iota
	partingSays
	partingHears
)

func (p *partings) change(saying, hearing int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saying += saying
	p.hearing += hearing
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// wake makes partings a waker: a connection that was hearing has sent its last frame.
func (p *partings) wake() { p.change(0, -1) }

func (p *partings) wait(ctx context.Context, done func() bool) error {
	for {
		p.mu.Lock()
		if done() {
			p.mu.Unlock()
			return nil
		}
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// part follows a connection from Close to its end. It is called with the lock held,
// after every change, when the frames that it has brought have their place.
func (c *TCPConn) part() {
	if !c.closed {
		return
	}
	p := &c.host.tcp.partings
	if c.parting == notParting && !c.gone {
		c.parting = partingSays
		p.change(1, 0)
	}
	if c.parting == partingSays && (c.gone || c.machine.State() == tcp.FinWait2) {
		c.parting = partingHears
		p.change(-1, 1)
	}
	if c.parting != partingHears || !c.gone {
		return
	}
	c.parting = notParting
	if c.out != nil {
		c.out.wake(p) // when they are sent
	} else {
		p.wake()
	}
}
