package pairing

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

const (
	maxPending    = 1024 // connections between accept and session
	maxHandshakes = 64   // at once
	maxPerAddress = 16   // of them
	maxWaiting    = 512  // of one address, those included
)

// A gate lets so many handshakes through at once, and so many for one address.
type gate struct {
	all     chan struct{}
	pending chan struct{}

	mu  sync.Mutex
	per map[netip.Prefix]*share
}

// A share is what one address may use.
type share struct {
	slots chan struct{}
	users int // holding or waiting; of gate.mu
}

func newGate() *gate {
	return &gate{
		all: make(chan struct{}, maxHandshakes), pending: make(chan struct{}, maxPending),
		per: map[netip.Prefix]*share{},
	}
}

// enter waits for a slot. leave gives it back.
func (g *gate) enter(ctx context.Context, a net.Addr) (leave func(), err error) {
	who := subnet(a)
	s, err := g.shareOf(who)
	if err != nil {
		return nil, err
	}
	if err := take(ctx, s.slots); err != nil {
		g.done(who, s)
		return nil, err
	}
	if err := take(ctx, g.all); err != nil {
		<-s.slots
		g.done(who, s)
		return nil, err
	}
	return func() {
		<-g.all
		<-s.slots
		g.done(who, s)
	}, nil
}

func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) shareOf(who netip.Prefix) (*share, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.per[who]
	if s == nil {
		s = &share{slots: make(chan struct{}, maxPerAddress)}
		g.per[who] = s
	}
	if s.users >= maxWaiting {
		return nil, ErrBusy
	}
	s.users++
	return s, nil
}

func (g *gate) done(who netip.Prefix, s *share) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(g.per, who)
	}
}

// subnet is what counts as one address: of IPv6 the 64 bits that one place has.
func subnet(a net.Addr) netip.Prefix {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := t.AddrPort().Addr().Unmap()
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.WithZone("").Prefix(bits)
	return p
}
