package host

import (
	"sync"
	"testing"

	"dialtone/link"
)

// A wire joins two hosts of a test: frames arrive at once, in order. cut, where it is
// set, sees each frame and may change or lose it.
type wire struct {
	ends [2]wireEnd
	mtu  int
	mu   sync.Mutex
	see  func(from int, f *link.Frame) (pass bool)
}

type wireEnd struct {
	wire *wire
	side int
	loop *loopback
}

// newWire returns a wire; see may be nil.
func newWire(t testing.TB, mtu int, see func(from int, f *link.Frame) bool) (a, b link.Port) {
	t.Helper()
	w := &wire{mtu: mtu, see: see}
	for i := range w.ends {
		w.ends[i] = wireEnd{w, i, newLoopback()}
	}
	return &w.ends[0], &w.ends[1]
}

func (e *wireEnd) MTU() int { return e.wire.mtu }

func (e *wireEnd) Attach(input func([]*link.Frame)) { e.loop.Attach(input) }

func (e *wireEnd) Send(frames []*link.Frame) {
	var pass []*link.Frame
	e.wire.mu.Lock()
	for _, f := range frames {
		if e.wire.see == nil || e.wire.see(e.side, f) {
			pass = append(pass, f)
		} else {
			f.Free()
		}
	}
	e.wire.mu.Unlock()
	e.wire.ends[1-e.side].loop.Send(pass)
}

// newPair returns two hosts on a wire, 10.0.0.1 and 10.0.0.2.
func newPair(t testing.TB) (a, b *Host) {
	t.Helper()
	p, q := newWire(t, 1500, nil)
	a = newHost(t, "a", Attach(p, "10.0.0.1/24"))
	b = newHost(t, "b", Attach(q, "10.0.0.2/24"))
	return a, b
}

// newHost returns a host that is closed at the end of the test.
func newHost(t testing.TB, name string, options ...Option) *Host {
	t.Helper()
	h := New(name, append([]Option{Seed(1)}, options...)...)
	t.Cleanup(func() { h.Close() })
	return h
}
