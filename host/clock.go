package host

import "time"

// A Clock is where a host's time comes from: package time, unless another is given.
// Whatever it does, it never goes back.
type Clock interface {
	Now() time.Time
	AfterFunc(d time.Duration, f func()) Timer // f runs on a goroutine of its own
}

// A Timer is what [time.Timer] does.
type Timer interface {
	Reset(d time.Duration) bool
	Stop() bool
}

// WithClock makes a host live by another clock: one that can be slow, or stand.
func WithClock(c Clock) Option { return func(h *Host) { h.clock = c } }

type systemClock struct{}

func (systemClock) Now() time.Time                            { return time.Now() }
func (systemClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// now is the time since the host's beginning.
func (h *Host) now() time.Duration { return h.clock.Now().Sub(h.start) }
