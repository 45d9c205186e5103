package tcp

import "time"

// Hooks watch a connection; each may be nil. They are called inside the calls of Conn,
// must not call back, and must copy what they keep.
type Hooks struct {
	State   func(now time.Duration, from, to State, why string)
	Segment func(now time.Duration, out bool, h *Header, length int)
	Dropped func(now time.Duration, h *Header, why string)
	Timer   func(now time.Duration, what string, at time.Duration)
	Window  func(now time.Duration, cwnd, ssthresh int, cause string)
}

// enter goes to another state.
func (c *Conn) enter(now time.Duration, to State, why string) {
	from := c.state
	c.state = to
	if c.hooks != nil && c.hooks.State != nil && from != to {
		c.hooks.State(now, from, to, why)
	}
}

// arrivedHook shows a segment that came in. The hook sees a copy: what it is given
// would otherwise have to live on the caller's heap.
func (c *Conn) arrivedHook(now time.Duration, h *Header, length int) {
	if c.hooks != nil && c.hooks.Segment != nil {
		c.scratch.h = *h
		c.hooks.Segment(now, false, &c.scratch.h, length)
	}
}

// drop shows a segment that is not taken in.
func (c *Conn) drop(now time.Duration, h *Header, why string) {
	if c.hooks != nil && c.hooks.Dropped != nil {
		c.scratch.h = *h
		c.hooks.Dropped(now, &c.scratch.h, why)
	}
}

func (c *Conn) timerHook(now time.Duration, what string, at time.Duration) {
	if c.hooks != nil && c.hooks.Timer != nil {
		c.hooks.Timer(now, what, at)
	}
}

func (c *Conn) windowHook(now time.Duration, cause string) {
	if c.hooks != nil && c.hooks.Window != nil {
		c.hooks.Window(now, int(c.cc.cwnd), int(c.cc.ssthresh), cause)
	}
}
