package sim

import (
	"slices"
	"time"

	"dialtone/link"
)

// Cable joins two stations. Its methods may be called at any time from anywhere but
// from a Judge or a Tap.
type Cable struct {
	net         *Net
	a, b        port
	there, back Direction
}

// NewCable returns a cable of a net of its own.
func NewCable(c Config) *Cable { return NewNet().NewCable(c) }

// NewCable returns a cable that repeats together with the net's others.
func (n *Net) NewCable(c Config) *Cable {
	cable := &Cable{net: n, a: port{net: n, tap: c.TapA}, b: port{net: n, tap: c.TapB}}
	cable.a.out, cable.b.out = &cable.there, &cable.back
	cable.there = Direction{net: n, from: &cable.a, to: &cable.b, line: new(line), dice: newDice(c.Seed, 0)}
	cable.back = Direction{net: n, from: &cable.b, to: &cable.a, line: new(line), dice: newDice(c.Seed, 1)}
	if c.Duplex == HalfDuplex {
		cable.back.line = cable.there.line
	}
	cable.back.missing = c.Duplex == Simplex
	cable.there.set(c)
	cable.back.set(c)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.directions = append(n.directions, &cable.there, &cable.back)
	return cable
}

// A returns one end.
func (c *Cable) A() link.Port { return &c.a }

// B returns the other end.
func (c *Cable) B() link.Port { return &c.b }

// AtoB returns the direction from A to B.
func (c *Cable) AtoB() *Direction { return &c.there }

// BtoA returns the direction from B to A.
func (c *Cable) BtoA() *Direction { return &c.back }

// Set changes both directions.
func (c *Cable) Set(to Config) {
	c.there.Set(to)
	c.back.Set(to)
}

// Cut cuts both directions.
func (c *Cable) Cut() {
	c.there.Cut()
	c.back.Cut()
}

// Restore mends both directions.
func (c *Cable) Restore() {
	c.there.Restore()
	c.back.Restore()
}

// Close takes the cable away. Frames under way are lost; when it returns, no receiver
// runs any more. A cable that is not closed costs nothing but its memory: where a test
// has ended, it may be forgotten. It must not be called by a receiver.
func (c *Cable) Close() error {
	n := c.net
	n.mu.Lock()
	defer n.mu.Unlock()
	mine := func(d *Direction) bool { return d == &c.there || d == &c.back }
	n.directions = slices.DeleteFunc(n.directions, mine)
	n.turn = 0
	for _, d := range []*Direction{&c.there, &c.back} {
		d.close()
	}
	n.wait(func() bool { return !c.a.busy && !c.b.busy })
	if len(n.directions) == 0 {
		n.silence()
	}
	return nil
}

func (d *Direction) close() {
	d.missing = true
	d.to.input = nil
	d.queue.free()
	for _, h := range d.held {
		h.frame.Free()
	}
	d.held = nil
}

// port is one end of a cable.
type port struct {
	net   *Net
	out   *Direction
	input func([]*link.Frame)
	busy  bool // input is running
	tap   Tap
}

// Send implements [link.Port].
func (p *port) Send(frames []*link.Frame) {
	n := p.net
	n.mu.Lock()
	defer n.mu.Unlock()
	var now time.Duration
	if !p.out.quick || p.tap != nil {
		now = n.clock()
	}
	for _, f := range frames {
		p.out.enter(now, f)
	}
	if p.out.quick {
		n.goOn()
	} else if due, ok := p.out.queue.next(); ok && !n.delivering {
		n.ringAt(n.arrival(due))
	}
}

// Attach implements [link.Port].
func (p *port) Attach(input func([]*link.Frame)) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.input = input
	if input == nil {
		p.net.wait(func() bool { return !p.busy })
	}
}

// MTU implements [link.Port].
func (p *port) MTU() int {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	return p.out.config.MTU
}

// look shows a frame to the tap.
func (p *port) look(now time.Duration, sent bool, f *link.Frame) {
	if p.tap != nil {
		p.tap(p.net.began.Add(now), sent, f.Data)
	}
}
