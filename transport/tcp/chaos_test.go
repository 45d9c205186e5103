package tcp

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// A chaos drives two connections by choices: of a fuzzer's bytes, or a seed's.
type chaos struct {
	t      testing.TB
	choose func(n int) int // 0 to n-1
	more   func() bool
	now    time.Duration
	ends   [2]*Conn
	wires  [2][][]byte // what flies to an end
	spoil  bool        // segments are changed, too
}

type chaosSink struct {
	c  *chaos
	to int
}

func (s chaosSink) Segment(h *Header, head, tail []byte) {
	b := append(append(h.Append(nil), head...), tail...)
	if len(s.c.wires[s.to]) < 200 {
		s.c.wires[s.to] = append(s.c.wires[s.to], b)
	}
}

func (c *chaos) run() {
	cfg := func(local, remote uint16) *Config {
		return &Config{
			LocalPort: local, RemotePort: remote, ISS: Seq(c.choose(5)) * 0x3ffffff8, MaxSegment: []int{100, 536, 1460}[c.choose(3)],
			SendBuffer: 4096 << c.choose(6), RecvBuffer: 4096 << c.choose(6), NoDelay: c.choose(2) == 0,
			NoSACK: c.choose(4) == 0, NoTimestamps: c.choose(4) == 0, NoWindowScale: c.choose(4) == 0,
			Congestion: []string{"", "reno"}[c.choose(2)],
		}
	}
	a, b := cfg(1, 2), cfg(2, 1)
	c.ends[0] = Connect(a, c.now)
	c.output(0)
	if c.choose(8) == 0 { // a simultaneous open
		c.ends[1] = Connect(b, c.now)
		c.output(1)
	} else {
		syn, _, _ := Parse(c.wires[1][0])
		c.wires[1] = nil
		c.ends[1] = Accept(b, c.now, &syn, nil)
		c.output(1)
	}
	for c.more() {
		c.act(c.choose(2))
	}
}

func (c *chaos) act(i int) {
	e := c.ends[i]
	switch c.choose(20) {
	case 0, 1, 2:
		e.Write(c.now, make([]byte, c.choose(5000)))
	case 3, 4, 5:
		e.Read(c.now, make([]byte, c.choose(5000)))
	case 6:
		c.ending(e)
	case 7:
		c.settings(e)
	case 8:
		c.now += time.Duration(c.choose(250)) * time.Millisecond
	case 9:
		if at := e.Deadline(); at != Never {
			c.now = max(c.now, at)
			e.Expire(c.now)
		}
	case 10:
		if len(c.wires[i]) > 0 {
			c.wires[i] = c.wires[i][1:] // lost
		}
	default:
		c.deliver(i)
	}
	c.output(i)
}

func (c *chaos) ending(e *Conn) {
	switch c.choose(40) {
	case 0, 1, 2:
		e.CloseWrite(c.now)
	case 3:
		e.CloseRead(c.now)
	case 4:
		e.Close(c.now)
	case 5:
		e.Abort(c.now)
	}
}

func (c *chaos) settings(e *Conn) {
	switch c.choose(6) {
	case 0:
		e.SetMaxSegment(c.now, 48+c.choose(1500))
	case 1:
		e.SetBuffers(c.choose(1<<17), c.choose(1<<17))
	case 2:
		e.Unreachable(c.now, syscall.EHOSTUNREACH, c.choose(4) == 0)
	case 3:
		e.SetKeepAlive(KeepAlive{Idle: time.Duration(c.choose(10)) * time.Second, Interval: time.Second, Count: 3})
	case 4:
		e.SetNoDelay(c.choose(2) == 0)
	case 5:
		e.Info()
		e.TimeWait()
	}
}

func (c *chaos) deliver(i int) {
	n := len(c.wires[i])
	if n == 0 {
		return
	}
	k := 0
	if c.choose(4) == 0 {
		k = c.choose(n) // out of order
	}
	b := c.wires[i][k]
	if c.choose(8) != 0 { // else it will come again
		c.wires[i] = append(c.wires[i][:k:k], c.wires[i][k+1:]...)
	}
	h, data, err := Parse(b)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.spoil && c.choose(3) == 0 {
		data = c.mutate(&h, data)
	}
	c.ends[i].Input(c.now, &h, data)
}

func (c *chaos) mutate(h *Header, data []byte) []byte {
	near := func() Seq { return Seq(c.choose(1<<16) - 1<<15) }
	switch c.choose(8) {
	case 0:
		h.Seq += near()
	case 1:
		h.Ack += near()
	case 2:
		h.Flags = Flags(c.choose(1 << 9))
	case 3:
		h.Window = uint16(c.choose(1 << 16))
	case 4:
		data = make([]byte, c.choose(3000))
	case 5:
		o := Options(nil)
		for range c.choose(4) + 1 {
			from := h.Ack + near()
			o = o.AppendSACK([2]Seq{from, from + Seq(c.choose(5000))}, [2]Seq{from + near(), h.Ack + near()})
		}
		h.Options = o
	case 6:
		h.Options = Options(nil).AppendNop(2).AppendTimestamps(uint32(c.choose(1<<16)), uint32(c.choose(1<<16)))
	case 7:
		b := make([]byte, c.choose(MaxOptions))
		for i := range b {
			b[i] = byte(c.choose(256))
		}
		h.Options = b
	}
	return data
}

func (c *chaos) output(i int) {
	c.ends[i].Output(c.now, chaosSink{c, 1 - i})
	if err := c.ends[i].check(); err != nil {
		c.t.Fatalf("at %v, end %d: %v", c.now, i, err)
	}
}

func byRandom(seed uint64, steps int) (choose func(int) int, more func() bool) {
	rng := rand.New(rand.NewPCG(seed, 2))
	return rng.IntN, func() bool { steps--; return steps >= 0 }
}

// TestInvariants drives connections at random, in every state, and looks after every
// call whether what must always hold does.
func TestInvariants(t *testing.T) {
	for seed := range uint64(1000) {
		choose, more := byRandom(seed, 300)
		c := &chaos{t: t, choose: choose, more: more, spoil: seed%2 == 0, now: time.Duration(seed%3) * time.Hour}
		func() {
			defer func() {
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			}()
			c.run()
		}()
	}
}

// FuzzConn lets the fuzzer choose.
func FuzzConn(f *testing.F) {
	f.Add([]byte("a connection that is opened, written to and read from, and closed at last by both ends"))
	f.Fuzz(func(t *testing.T, b []byte) {
		choose := func(n int) int {
			size := 1
			if n > 256 {
				size = 2
			}
			if len(b) < size {
				b = nil
				return 0
			}
			v := int(b[0]) | int(b[size-1])<<8
			b = b[size:]
			return v % n
		}
		c := &chaos{t: t, choose: choose, more: func() bool { return len(b) > 0 }, spoil: true}
		c.run()
	})
}
