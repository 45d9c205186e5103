package tcp

import (
	"testing"
	"time"
	"unsafe"
)

// A batch is a link without delay: it keeps segments until they are handed on, in
// memory that is used again.
type batch struct {
	headers  []Header
	options  [][MaxOptions]byte
	payloads [][]byte
	n        int
	order    func(i, n int) int // which of n segments comes as the i-th, -1 for none; nil: all as they are
}

func newBatch() *batch {
	const most = 4096
	b := &batch{headers: make([]Header, most), options: make([][MaxOptions]byte, most), payloads: make([][]byte, most)}
	for i := range b.payloads {
		b.payloads[i] = make([]byte, 0, 1460)
	}
	return b
}

func (b *batch) Segment(h *Header, head, tail []byte) {
	i := b.n
	b.n++
	b.headers[i] = *h
	b.headers[i].Options = b.options[i][:copy(b.options[i][:], h.Options)]
	b.payloads[i] = append(append(b.payloads[i][:0], head...), tail...)
}

func (b *batch) flush(now time.Duration, to *Conn) (n int) {
	n = b.n
	for i := range n {
		if b.order != nil {
			if i = b.order(i, n); i < 0 {
				continue
			}
		}
		to.Input(now, &b.headers[i], b.payloads[i])
	}
	b.n = 0
	return n
}

// A couple is two connections in memory, both established.
type couple struct {
	now  time.Duration
	a, b *Conn
	ab   *batch
	ba   *batch
}

func newCouple(change func(*Config)) *couple {
	cfg := Config{LocalPort: 1, RemotePort: 2, MaxSegment: 1460, NoDelay: true}
	if change != nil {
		change(&cfg)
	}
	p := &couple{a: Connect(&cfg, 0), ab: newBatch(), ba: newBatch()}
	p.a.Output(0, p.ab)
	cfg.LocalPort, cfg.RemotePort = 2, 1
	p.b = Accept(&cfg, 0, &p.ab.headers[0], nil)
	p.ab.n = 0
	for range 4 {
		p.exchange()
	}
	return p
}

// exchange lets both ends send what they have, and says how many segments that were.
func (p *couple) exchange() (n int) {
	p.now += 10 * time.Microsecond
	p.a.Output(p.now, p.ab)
	n += p.ab.flush(p.now, p.b)
	p.b.Output(p.now, p.ba)
	n += p.ba.flush(p.now, p.a)
	return n
}

// push sends data from a to b, where it is read.
func (p *couple) push(out, in []byte) (segments int) {
	p.a.Write(p.now, out)
	segments = p.exchange()
	for p.b.Read(p.now, in) > 0 {
	}
	return segments
}

// TestNoAllocations: neither Input nor Output allocates once the rings have grown; not
// when segments are lost or come in another order, either.
func TestNoAllocations(t *testing.T) {
	for name, order := range map[string]func(i, n int) int{
		"in order":  nil,
		"backwards": func(i, n int) int { return n - 1 - i },
		"one lost": func(i, n int) int {
			if n > 10 && i == n/2 {
				return -1
			}
			return i
		},
		"every third lost": func(i, n int) int {
			if n > 10 && i%3 == 1 {
				return -1
			}
			return i
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newCouple(nil)
			p.ab.order = order
			out, in := make([]byte, 32<<10), make([]byte, 64<<10)
			step := func() {
				for sent := p.b.Info().BytesIn + 32<<10; p.b.Info().BytesIn < sent; {
					p.push(out[:min(len(out), p.a.Writable(), 32<<10-p.a.Info().SendQueue)], in)
					p.now += time.Millisecond
					p.expire()
				}
			}
			for range 200 {
				step()
			}
			if n := testing.AllocsPerRun(100, step); n != 0 {
				t.Errorf("%v allocations for 32 KiB, want 0", n)
			}
			if n := p.b.Info().OutOfOrder; (n > 0) != (order != nil) {
				t.Errorf("%d segments were out of order", n)
			}
		})
	}
}

// TestHeadersStayOnTheStack: what an owner gives Input need not live on its heap.
func TestHeadersStayOnTheStack(t *testing.T) {
	c := reach(t, Established, func(c *Config) { c.Hooks = &Hooks{} }).c
	if n := testing.AllocsPerRun(100, func() {
		h := Header{SrcPort: 2, DstPort: 1, Seq: peerISS + 1, Ack: bareISS + 1, Flags: ACK, Window: 1000}
		c.Input(2*time.Second, &h, nil)
	}); n != 0 {
		t.Errorf("%v allocations for a segment without data", n)
	}
}

// expire does what is due at both ends.
func (p *couple) expire() {
	for _, c := range []*Conn{p.a, p.b} {
		if c.Deadline() <= p.now {
			c.Expire(p.now)
		}
	}
}

// TestIdleConnIsSmall: 1,024 bytes are a size that Go allocates, and the next one up is
// 1,152; with what a host adds an end has to stay below 1,500.
func TestIdleConnIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Conn{}); size > 1024 {
		t.Errorf("a Conn has %d bytes, want at most 1,024", size)
	}
	p := newCouple(nil)
	p.push(make([]byte, 1000), make([]byte, 1000))
	for range 20 {
		for _, c := range []*Conn{p.a, p.b} {
			if at := c.Deadline(); at != Never {
				p.now = max(p.now, at)
				c.Expire(p.now)
			}
		}
		p.exchange()
	}
	for _, c := range []*Conn{p.a, p.b} {
		if c.snd.ring.buf != nil || c.rcv.ring.buf != nil || c.runs.ring != nil {
			t.Errorf("an idle connection keeps rings of %d, %d and %d", len(c.snd.ring.buf), len(c.rcv.ring.buf), len(c.runs.ring))
		}
		if c.Deadline() != Never {
			t.Errorf("an idle connection has a deadline: %+v", c.timers)
		}
	}
}

// BenchmarkBulk is what a segment of 1448 bytes costs both ends, with its part of the
// acknowledgments, less the copy by the link.
func BenchmarkBulk(b *testing.B) {
	p := newCouple(nil)
	out, in := make([]byte, 64<<10), make([]byte, 64<<10)
	for range 100 {
		p.push(out, in)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(out)))
	b.ResetTimer()
	segments := 0
	for b.Loop() {
		segments += p.push(out, in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(segments), "ns/segment")
}

// BenchmarkPingPong is a byte there and one back.
func BenchmarkPingPong(b *testing.B) {
	p := newCouple(nil)
	one, in := []byte{1}, make([]byte, 10)
	b.ReportAllocs()
	for b.Loop() {
		p.a.Write(p.now, one)
		p.a.Output(p.now, p.ab)
		p.ab.flush(p.now, p.b)
		p.b.Read(p.now, in)
		p.b.Write(p.now, one)
		p.b.Output(p.now, p.ba)
		p.ba.flush(p.now, p.a)
		p.a.Read(p.now, in)
		p.now += 10 * time.Microsecond
	}
}

// BenchmarkConnection is a connection from SYN to the record of TIME-WAIT.
func BenchmarkConnection(b *testing.B) {
	ab, ba := newBatch(), newBatch()
	cfg := Config{LocalPort: 1, RemotePort: 2, MaxSegment: 1460}
	other := Config{LocalPort: 2, RemotePort: 1, MaxSegment: 1460}
	b.ReportAllocs()
	for b.Loop() {
		p := couple{a: Connect(&cfg, 0), ab: ab, ba: ba}
		p.a.Output(0, ab)
		p.b = Accept(&other, 0, &ab.headers[0], nil)
		ab.n = 0
		p.exchange()
		p.a.CloseWrite(p.now)
		p.exchange()
		p.b.CloseWrite(p.now)
		p.exchange()
		p.exchange()
		if p.b.State() != Closed || p.a.State() != TimeWait {
			b.Fatal(p.a.State(), p.b.State())
		}
		if _, ok := p.a.TimeWait(); !ok {
			b.Fatal("no record of TIME-WAIT")
		}
	}
}
