package host

import (
	"context"
	"sync"
)

// Shutdown ends the host when its connections are done: those that were closed have
// brought over what was written to them and heard the peer's FIN. Those that were not
// closed it does not wait for. When ctx ends before, so does the host, as by
// [Host.Close], and Shutdown returns ctx's error.
func (h *Host) Shutdown(ctx context.Context) error {
	err := h.tcp.awaitClosed(ctx)
	h.Close()
	return err
}

// partings are the connections that the application has closed and that are not over.
type partings struct {
	mu    sync.Mutex
	count int
	none  chan struct{} // closed when there is none any more; nil while nobody waits
}

func (p *partings) add() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
}

// wake makes partings a waker: a connection's last frames have gone.
func (p *partings) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count--; p.count == 0 && p.none != nil {
		close(p.none)
		p.none = nil
	}
}

// awaitClosed waits until no connection is parting.
func (s *tcpSockets) awaitClosed(ctx context.Context) error {
	p := &s.partings
	p.mu.Lock()
	if p.count == 0 {
		p.mu.Unlock()
		return nil
	}
	if p.none == nil {
		p.none = make(chan struct{})
	}
	none := p.none
	p.mu.Unlock()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
