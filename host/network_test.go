package host

import (
	"testing"

	"dialtone/link/sim"
)

// newHost returns a host that is closed at the end of the test.
func newHost(t testing.TB, name string, options ...Option) *Host {
	t.Helper()
	h := New(name, append([]Option{Seed(1)}, options...)...)
	t.Cleanup(func() { h.Close() })
	return h
}

// newCable returns a cable that is closed at the end of the test.
func newCable(t testing.TB, config sim.Config) *sim.Cable {
	t.Helper()
	c := sim.NewCable(config)
	t.Cleanup(func() { c.Close() })
	return c
}

// newPair returns two hosts on a perfect cable, 10.0.0.1 and 10.0.0.2.
func newPair(t testing.TB) (a, b *Host) {
	t.Helper()
	return newPairOn(t, newCable(t, sim.Config{}))
}

func newPairOn(t testing.TB, c *sim.Cable) (a, b *Host) {
	t.Helper()
	a = newHost(t, "a", Attach(c.A(), "10.0.0.1/24"))
	b = newHost(t, "b", Attach(c.B(), "10.0.0.2/24"))
	return a, b
}
