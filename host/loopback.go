package host

import (
	"sync"

	"dialtone/link"
)

// loopbackMTU is that of Linux's lo: what fits one IPv4 packet and a bit.
const loopbackMTU = 65536

// A loopback is the link of a host to itself. Whoever sends while nobody delivers
// delivers, until nothing is left; whoever sends meanwhile, as the receivers of those
// frames do, adds to the queue, so that no call goes deeper than one.
type loopback struct {
	mu      sync.Mutex
	idle    *sync.Cond // nobody delivers
	queue   []*link.Frame
	spare   []*link.Frame // the queue before, for its room
	busy    bool
	receive func([]*link.Frame)
}

func newLoopback() *loopback {
	l := &loopback{}
	l.idle = sync.NewCond(&l.mu)
	return l
}

func (l *loopback) MTU() int { return loopbackMTU }

// Send delivers frames, or leaves that to whoever is at it.
func (l *loopback) Send(frames []*link.Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, frames...)
	if l.busy {
		return
	}
	l.busy = true
	for len(l.queue) > 0 {
		l.deliverLocked()
	}
	l.busy = false
	l.idle.Broadcast()
}

// deliverLocked hands over what is in the queue, without the lock.
func (l *loopback) deliverLocked() {
	batch, receive := l.queue, l.receive
	l.queue, l.spare = l.spare[:0], nil
	l.mu.Unlock()
	if receive != nil {
		receive(batch)
	} else {
		link.FreeAll(batch)
	}
	clear(batch)
	l.mu.Lock()
	l.spare = batch
}

func (l *loopback) Attach(input func([]*link.Frame)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.receive = input
	for l.busy && input == nil {
		l.idle.Wait()
	}
}
