package host

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link/sim"
)

var (
	chaosSeeds = flag.Int("chaos.seeds", 200, "runs of TestChaos")
	chaosFirst = flag.Uint64("chaos.first", 1, "seed of the first of them")
)

// TestChaos transfers both ways over bad cables, with whatever the ends may do: every
// byte arrives once and in order, or both ends get an error. A seed is a run.
func TestChaos(t *testing.T) {
	n := *chaosSeeds
	if testing.Short() {
		n = min(n, 20)
	}
	outcomes := map[string]int{}
	for i := range n {
		seed := *chaosFirst + uint64(i)
		synctest.Test(t, func(t *testing.T) {
			outcomes[newChaos(seed).run(t)]++
			if t.Failed() { // the last run then
				t.Logf("again: go test -run TestChaos -chaos.first %d -chaos.seeds 1", seed)
			}
		})
	}
	t.Log(outcomes)
}

// A chaos is what one run is made of.
type chaos struct {
	seed  uint64
	dice  *rand.Rand
	cable sim.Config
	far   int             // MTU of a second cable, behind a router; 0: there is none
	cuts  []time.Duration // when the cable is cut, and mended, in turns
	sizes [2]int          // bytes from the one who dials, and from the other
	leave [2]int          // after how many bytes read an end has had enough; -1: never
	how   func(*TCPConn) error
}

func newChaos(seed uint64) *chaos {
	d := rand.New(rand.NewPCG(seed, 5))
	c := &chaos{seed: seed, dice: d, leave: [2]int{-1, -1}}
	some := func(most float64) float64 {
		if d.IntN(3) == 0 {
			return 0
		}
		return most * d.Float64() * d.Float64()
	}
	c.cable = sim.Config{
		Delay:     time.Duration(some(float64(200 * time.Millisecond))),
		Jitter:    time.Duration(some(float64(20 * time.Millisecond))),
		Rate:      int64(some(50e6)),
		Queue:     20_000 + d.IntN(100_000),
		Loss:      []float64{some(0.3), 0.3 * d.Float64()}[d.IntN(2)],
		Reorder:   some(0.3),
		Late:      time.Duration(some(float64(50 * time.Millisecond))),
		Duplicate: some(0.3),
		Corrupt:   some(0.1),
		MTU:       []int{1500, 1500, 9000, 576, 1280}[d.IntN(5)],
		Seed:      seed,
	}
	if d.IntN(4) == 0 {
		c.far = []int{1500, 1400, 576, 296}[d.IntN(4)]
	}
	if c.cable.Rate > 0 {
		c.cable.Rate += 200_000
	}
	for i := range c.sizes {
		c.sizes[i] = int(some(1 << 18))
	}
	if d.IntN(4) == 0 {
		end := d.IntN(2)
		c.leave[end] = d.IntN(1 + c.sizes[1-end])
		c.how = []func(*TCPConn) error{(*TCPConn).Close, (*TCPConn).Abort, (*TCPConn).CloseRead}[d.IntN(3)]
	}
	if d.IntN(3) == 0 {
		var at time.Duration
		for range 1 + d.IntN(4) {
			at += time.Microsecond + time.Duration(some(float64(20*time.Second))) // no two at once
			c.cuts = append(c.cuts, at)
		}
	}
	return c
}

// gentle says whether nothing can go wrong: then no end may get an error.
func (c *chaos) gentle() bool {
	return len(c.cuts)%2 == 0 && c.leave[0] < 0 && c.leave[1] < 0 && c.cable.Loss+c.cable.Corrupt < 0.05
}

// run returns in a word what became of it.
func (c *chaos) run(t *testing.T) (outcome string) {
	cable, a, b, closeAll := c.machines()
	defer closeAll()
	stuck := time.AfterFunc(24*time.Hour, func() {
		t.Errorf("a day has passed: %+v\n%v\n%v", c, a.Sockets(), b.Sockets())
		a.Close()
		b.Close()
	})
	defer stuck.Stop()

	dialed, accepted, err := c.connect(t, a, b)
	if err != nil {
		if c.cable.Loss+c.cable.Corrupt == 0 || !errors.Is(err, syscall.ETIMEDOUT) && !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("dial: %v", err)
		}
		return "unconnected"
	}
	start := time.Now()
	for i, at := range c.cuts {
		turn := []func(){cable.Cut, cable.Restore}[i%2]
		time.AfterFunc(time.Until(start.Add(at)), turn)
	}
	ends := [2]*chaosEnd{c.newEnd(t, 0, dialed), c.newEnd(t, 1, accepted)}
	var all sync.WaitGroup
	for _, e := range ends {
		c.settings(e.conn)
		all.Go(e.write)
		all.Go(e.read)
	}
	all.Wait()
	for _, e := range ends {
		e.conn.Close()
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	outcome = c.judge(t, ends)
	for _, h := range []*Host{a, b} {
		if left := h.Sockets(); len(left) > 0 {
			t.Errorf("%s still has %v", h.Name(), left)
		}
	}
	return outcome
}

// machines are two on a cable, or with a router between, by which another cable goes on.
func (c *chaos) machines() (cable *sim.Cable, a, b *Host, closeAll func()) {
	net := sim.NewNet()
	cable = net.NewCable(c.cable)
	a = New("a", Seed(c.seed), Attach(cable.A(), "10.0.0.1/24"), Gateway("10.0.0.2"))
	if c.far == 0 {
		b = New("b", Seed(c.seed), Attach(cable.B(), "10.0.0.2/24"))
		return cable, a, b, func() {
			a.Close()
			b.Close()
			cable.Close()
		}
	}
	far := net.NewCable(sim.Config{Delay: time.Millisecond, MTU: c.far, Seed: c.seed + 1})
	r := New("r", Seed(c.seed), Attach(cable.B(), "10.0.0.2/24"), Attach(far.A(), "10.1.0.1/24"), Forward())
	b = New("b", Seed(c.seed), Attach(far.B(), "10.1.0.2/24"), Gateway("10.1.0.1"))
	return cable, a, b, func() {
		a.Close()
		r.Close()
		b.Close()
		cable.Close()
		far.Close()
	}
}

// server is b's address.
func (c *chaos) server() string {
	if c.far > 0 {
		return "10.1.0.2:80"
	}
	return "10.0.0.2:80"
}

// settings are what an end may set on its connection.
func (c *chaos) settings(conn *TCPConn) {
	if c.dice.IntN(4) == 0 {
		conn.SetReadBuffer(c.dice.IntN(1 << 16))
	}
	if c.dice.IntN(4) == 0 {
		conn.SetWriteBuffer(c.dice.IntN(1 << 16))
	}
	if c.dice.IntN(4) == 0 {
		conn.SetNoDelay(false)
	}
}

func (c *chaos) connect(t *testing.T, a, b *Host) (dialed, accepted *TCPConn, err error) {
	t.Helper()
	ln, err := b.Listen(context.Background(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := a.DialContext(context.Background(), "tcp", c.server())
	if err != nil {
		return nil, nil, err
	}
	// The third segment may be lost, and nothing be sent: then it takes a keep-alive.
	ln.(*TCPListener).SetDeadline(time.Now().Add(10 * time.Minute))
	other, err := ln.Accept()
	if err != nil {
		conn.Close()
		return nil, nil, syscall.ETIMEDOUT
	}
	return conn.(*TCPConn), other.(*TCPConn), nil
}

// judge holds what the ends have seen against the promise.
func (c *chaos) judge(t *testing.T, ends [2]*chaosEnd) (outcome string) {
	t.Helper()
	outcome = "whole"
	for i, e := range ends {
		peer := ends[1-i]
		if e.sawEnd && e.got != peer.sent && !e.left {
			t.Errorf("end %d has read all %d of %d bytes", i, e.got, peer.sent)
		}
		if e.got > peer.sent {
			t.Errorf("end %d has read %d of %d bytes", i, e.got, peer.sent)
		}
		if !e.sawEnd && e.err == nil {
			t.Errorf("end %d stopped at %d of %d bytes without a reason", i, e.got, peer.sent)
		}
		if !e.sawEnd && !e.left && !peer.left && peer.fate() == nil {
			t.Errorf("end %d has had %d of %d bytes and %v; the other was not told", i, e.got, peer.sent, e.err)
		}
		if err := cmp.Or(e.err, e.writeErr); err != nil && c.gentle() {
			t.Errorf("end %d: %v; %+v", i, err, c)
		}
		switch {
		case e.left:
			outcome = "left"
		case !e.sawEnd && outcome == "whole":
			outcome = "broken"
		}
	}
	return outcome
}

// A chaosEnd is one end's use of the connection.
type chaosEnd struct {
	t     *testing.T
	conn  *TCPConn
	own   uint64 // of the bytes it sends
	peer  uint64 // of those it gets
	total int
	leave int
	how   func(*TCPConn) error

	reading, writing *rand.Rand

	sent     int   // bytes that Write took
	writeErr error // what ended writing
	got      int
	sawEnd   bool
	err      error // what ended reading
	left     bool  // it had enough in the middle
}

// fate is the error that the end has had, or that came when nobody asked any more.
func (e *chaosEnd) fate() error { return cmp.Or(e.err, e.writeErr, e.conn.machine.Err()) }

func (c *chaos) newEnd(t *testing.T, i int, conn *TCPConn) *chaosEnd {
	return &chaosEnd{
		t: t, conn: conn, total: c.sizes[i], leave: c.leave[i], how: c.how,
		own: c.seed*2 + uint64(i), peer: c.seed*2 + uint64(1-i),
		reading: rand.New(rand.NewPCG(c.seed, uint64(10+i))), writing: rand.New(rand.NewPCG(c.seed, uint64(20+i))),
	}
}

// chaosBytes fills p with what is at an offset of a stream.
func chaosBytes(p []byte, stream uint64, at int) {
	for i := range p {
		x := (uint64(at+i) + 1) * (stream*2 + 0x9e3779b97f4a7c15)
		p[i] = byte(x >> 33)
	}
}

// dawdle waits a little, or sets a deadline that may pass.
func dawdle(d *rand.Rand, set func(time.Time) error) {
	switch d.IntN(20) {
	case 0:
		time.Sleep(time.Duration(d.Int64N(int64(time.Second))))
	case 1:
		set(time.Now().Add(time.Duration(d.Int64N(int64(100*time.Millisecond))) - time.Millisecond))
	case 2:
		set(time.Time{})
	}
}

func (e *chaosEnd) write() {
	buffer := make([]byte, 1+e.writing.IntN(1<<14))
	for e.sent < e.total {
		p := buffer[:1+e.writing.IntN(min(len(buffer), e.total-e.sent))]
		chaosBytes(p, e.own, e.sent)
		dawdle(e.writing, e.conn.SetWriteDeadline)
		n, err := e.conn.Write(p)
		e.sent += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			e.conn.SetWriteDeadline(time.Time{})
			continue
		}
		if err != nil {
			e.writeErr = err
			return
		}
	}
	e.writeErr = e.conn.CloseWrite()
}

func (e *chaosEnd) read() {
	buffer := make([]byte, 1+e.reading.IntN(1<<14))
	want := make([]byte, len(buffer))
	for {
		if e.leave >= 0 && e.got >= e.leave && !e.left {
			e.left = true
			e.how(e.conn)
		}
		dawdle(e.reading, e.conn.SetReadDeadline)
		n, err := e.conn.Read(buffer)
		chaosBytes(want[:n], e.peer, e.got)
		if !bytes.Equal(buffer[:n], want[:n]) {
			e.t.Errorf("other bytes at %d", e.got)
		}
		e.got += n
		switch {
		case err == io.EOF:
			e.sawEnd = true
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			e.conn.SetReadDeadline(time.Time{})
		case err != nil:
			e.err = err
			return
		}
	}
}
