package host

import (
	"io"
	"net/netip"
	"slices"
	"testing"
	"time"

	"dialtone/link/sim"
)

// BenchmarkConnection is one connection in memory, from the dial to both ends' Close.
// The listening end closes first: it has TIME_WAIT, and the other's ports are free.
func BenchmarkConnection(b *testing.B) {
	p := newSpeedPair(b)
	defer reportConnections(b)()
	for b.Loop() {
		c, d := p.connect(b)
		d.Close()
		c.Close()
	}
}

// BenchmarkQuestion is a connection for one question and its answer, each of a byte.
func BenchmarkQuestion(b *testing.B) {
	p := newSpeedPair(b)
	go func() {
		buffer := make([]byte, 1)
		for {
			d, err := p.ln.AcceptTCP()
			if err != nil {
				return
			}
			io.ReadFull(d, buffer)
			d.Write(buffer)
			d.Close()
		}
	}()
	defer reportConnections(b)()
	buffer := make([]byte, 1)
	for b.Loop() {
		c, err := p.a.DialTCP(b.Context(), netip.AddrPort{}, p.server)
		if err != nil {
			b.Fatal(err)
		}
		c.Write(buffer)
		io.ReadFull(c, buffer)
		c.Close()
	}
}

// reportConnections begins to measure them; what it returns ends it.
func reportConnections(b *testing.B) (end func()) {
	b.ReportAllocs()
	before := cpuTime()
	return func() {
		used := cpuTime() - before
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "connections/s")
		b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-µs/connection")
	}
}

// BenchmarkPingPong is a byte there and back, between two goroutines.
func BenchmarkPingPong(b *testing.B) {
	p := newSpeedPair(b)
	c, d := p.connect(b)
	go func() {
		buffer := make([]byte, 1)
		for {
			if _, err := d.Read(buffer); err != nil {
				return
			}
			d.Write(buffer)
		}
	}()
	b.ReportAllocs()
	buffer := make([]byte, 1)
	took := make([]time.Duration, 0, 1<<20)
	for b.Loop() {
		start := time.Now()
		c.Write(buffer)
		c.Read(buffer)
		if len(took) < cap(took) {
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
}

// BenchmarkBulk is 64 KiB of a stream at an MTU of 1500, written by one goroutine and
// read by another.
func BenchmarkBulk(b *testing.B) {
	p := newSpeedPair(b)
	c, d := p.connect(b)
	const size = 64 << 10
	go func() {
		defer c.CloseWrite()
		buffer := make([]byte, size)
		for range b.N {
			c.Write(buffer)
		}
	}()
	b.SetBytes(size)
	b.ReportAllocs()
	before := cpuTime()
	b.ResetTimer()
	if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{d}, make([]byte, size)); err != nil || n != int64(b.N)*size {
		b.Fatal(n, err)
	}
	used := cpuTime() - before
	b.ReportMetric(used.Seconds()/(float64(b.N)*size/(1<<30)), "cpu-s/GiB")
}

type speedPair struct {
	a      *Host
	ln     *TCPListener
	server netip.AddrPort
}

func newSpeedPair(b *testing.B) *speedPair {
	b.Helper()
	a, s := newPairOn(b, newCable(b, sim.Config{}))
	ln, err := s.ListenTCP(netip.MustParseAddrPort("0.0.0.0:80"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	return &speedPair{a, ln, netip.MustParseAddrPort("10.0.0.2:80")}
}

func (p *speedPair) connect(b *testing.B) (c, d *TCPConn) {
	b.Helper()
	c, err := p.a.DialTCP(b.Context(), netip.AddrPort{}, p.server)
	if err != nil {
		b.Fatal(err)
	}
	if d, err = p.ln.AcceptTCP(); err != nil {
		b.Fatal(err)
	}
	return c, d
}
