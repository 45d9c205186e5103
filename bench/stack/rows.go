//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"dialtone/link/sim"
)

// figures are what a row found, by name.
type figures map[string]float64

// A row is one thing to measure, in a process of its own.
type row struct {
	name    string
	place   place
	measure func(ctx context.Context, p *pair, scale float64) (figures, error)
	once    bool // it takes long, or does not vary
}

const gib = 1 << 30

// The line of the goodput rows: 50 Mbit/s, 40 ms, a queue of 100 ms.
func line(change func(*sim.Config)) place {
	c := sim.Config{Rate: 50e6, Delay: 20 * time.Millisecond, Queue: 625_000, Seed: 7, Late: 10 * time.Millisecond}
	change(&c)
	return place{mtu: 1500, line: &c}
}

var rows = []row{
	{name: "bulk", place: wire, measure: bulk},
	{name: "super", place: jumbo, measure: bulk},
	{name: "tapout", place: place{tap: outTap}, measure: bulk},
	{name: "tapin", place: place{tap: inTap}, measure: bulk},
	{name: "pingpong", place: local, measure: pingPong},
	{name: "churn", place: local, measure: churn},
	{name: "idle", place: local, measure: idle, once: true},
	{name: "reorder", place: line(func(c *sim.Config) { c.Reorder = 0.01 }), measure: goodput, once: true},
	{name: "loss0", place: line(func(c *sim.Config) {}), measure: goodput, once: true},
	{name: "loss0.1", place: line(func(c *sim.Config) { c.Loss = 0.001 }), measure: goodput, once: true},
	{name: "loss1", place: line(func(c *sim.Config) { c.Loss = 0.01 }), measure: goodput, once: true},
	{name: "loss3", place: line(func(c *sim.Config) { c.Loss = 0.03 }), measure: goodput, once: true},
}

// usage is what has been used until now.
type usage struct {
	at     time.Time
	cpu    time.Duration // of the process, and the kernel's for interrupts of all
	allocs uint64
}

// now returns it. What a veth's other end does is an interrupt's work, which no process
// is charged for: on a machine that does nothing else it is ours.
func now() usage {
	var r unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &r)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	cpu := time.Duration(r.Utime.Nano() + r.Stime.Nano())
	return usage{time.Now(), cpu + softIRQ(), m.Mallocs}
}

// softIRQ is the time all processors have spent in software interrupts.
func softIRQ() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	var user, nice, system, idle, wait, irq, soft int64
	if _, err := fmt.Sscanf(strings.TrimPrefix(string(text), "cpu"), "%d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &soft); err != nil {
		return 0
	}
	return time.Duration(soft) * 10 * time.Millisecond // USER_HZ is 100
}

// bulk moves bytes one way: the CPU that a GiB takes at both ends together.
func bulk(ctx context.Context, p *pair, scale float64) (figures, error) {
	l, err := p.b.listen(ctx, service)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	c, d, err := p.join(ctx, l)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer d.Close()
	block, sink := make([]byte, 256<<10), make([]byte, 256<<10)
	move := func(size int64) error {
		failed := make(chan error, 1)
		go func() {
			for left := size; left > 0; {
				n, err := c.Write(block[:min(left, int64(len(block)))])
				if left -= int64(n); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
		for left := size; left > 0; {
			n, err := d.Read(sink)
			if left -= int64(n); err != nil {
				return err
			}
		}
		return <-failed
	}
	if err := move(64 << 20); err != nil { // until windows and buffers have grown
		return nil, err
	}
	size := int64(scale * gib)
	before := now()
	if err := move(size); err != nil {
		return nil, err
	}
	after := now()
	share := float64(size) / gib
	return figures{
		"cpu":    (after.cpu - before.cpu).Seconds() / share,
		"allocs": float64(after.allocs-before.allocs) / (float64(size) / (64 << 10)),
		"gbits":  float64(size) * 8 / 1e9 / after.at.Sub(before.at).Seconds(),
	}, nil
}

// pingPong sends a byte to and fro.
func pingPong(ctx context.Context, p *pair, scale float64) (figures, error) {
	l, err := p.b.listen(ctx, service)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	c, d, err := p.join(ctx, l)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var group sync.WaitGroup
	group.Go(func() {
		defer d.Close()
		b := make([]byte, 1)
		for {
			if _, err := d.Read(b); err != nil {
				return
			}
			if _, err := d.Write(b); err != nil {
				return
			}
		}
	})
	n := max(int(scale*100_000), 1000)
	took, b := make([]time.Duration, n), make([]byte, 1)
	for i := range took {
		begin := time.Now()
		if _, err := c.Write(b); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return nil, err
		}
		took[i] = time.Since(begin)
	}
	c.Close()
	group.Wait()
	slices.Sort(took)
	return figures{"p50": took[n/2].Seconds() * 1e6, "p99": took[n*99/100].Seconds() * 1e6}, nil
}

// churn opens connections, exchanges a byte each way, and closes them: two at a time.
func churn(ctx context.Context, p *pair, scale float64) (figures, error) {
	l, err := p.b.listen(ctx, service)
	if err != nil {
		return nil, err
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				b := make([]byte, 1)
				if _, err := c.Read(b); err == nil {
					c.Write(b)
				}
				c.Read(b) // the client's FIN
				c.Close()
			})
		}
	})
	defer served.Wait()
	defer l.Close()
	open := func() error {
		c, err := p.a.dial(ctx, service)
		if err != nil {
			return err
		}
		defer c.Close()
		b := make([]byte, 1)
		if _, err := c.Write(b); err != nil {
			return err
		}
		_, err = io.ReadFull(c, b)
		return err
	}
	n := max(int(scale*20_000), 500)
	before := now()
	const at1 = 2
	failed := make(chan error, at1)
	for range at1 {
		go func() {
			for range n / at1 {
				if err := open(); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range at1 {
		if err := <-failed; err != nil {
			return nil, err
		}
	}
	after := now()
	return figures{
		"rate":   float64(n) / after.at.Sub(before.at).Seconds(),
		"cpu":    (after.cpu - before.cpu).Seconds() * 1e6 / float64(n),
		"allocs": float64(after.allocs-before.allocs) / float64(n),
	}, nil
}

// idle opens many connections and leaves them: memory for each end.
func idle(ctx context.Context, p *pair, scale float64) (figures, error) {
	l, err := p.b.listen(ctx, service)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	n := min(max(int(scale*10_000), 500), mostFiles()/2-50)
	before := memory()
	var all []net.Conn
	defer func() {
		for _, c := range all {
			c.Close()
		}
	}()
	for range n {
		c, d, err := p.join(ctx, l)
		if err != nil {
			return nil, err
		}
		all = append(all, c, d)
		b := make([]byte, 1)
		if _, err := c.Write(b); err != nil { // as connections have that were used once
			return nil, err
		}
		if _, err := d.Read(b); err != nil {
			return nil, err
		}
	}
	return figures{"bytes": (memory() - before) / float64(2*n)}, nil
}

// mostFiles is how many files a process may have, which the kernel's connections are.
func mostFiles() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return int(min(limit.Cur, 1<<20))
}

// memory is what the process and the kernel's slabs hold, in bytes.
func memory() float64 {
	time.Sleep(300 * time.Millisecond) // for delayed acknowledgements
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc+m.StackInuse) + slab()
}

func slab() float64 {
	text, _ := os.ReadFile("/proc/meminfo")
	_, rest, _ := strings.Cut(string(text), "\nSlab:")
	var kib float64
	fmt.Sscan(rest, &kib)
	return kib * 1024
}

// goodput moves bytes for a while over a line with faults.
func goodput(ctx context.Context, p *pair, scale float64) (figures, error) {
	l, err := p.b.listen(ctx, service)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	c, d, err := p.join(ctx, l)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	stop := time.Now().Add(time.Duration(scale * 30 * float64(time.Second)))
	var group sync.WaitGroup
	group.Go(func() {
		defer c.Close()
		c.SetWriteDeadline(stop.Add(time.Second))
		for block := make([]byte, 64<<10); time.Now().Before(stop); {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	})
	defer group.Wait()
	begin, total, sink := time.Now(), 0, make([]byte, 64<<10)
	d.SetReadDeadline(stop)
	for {
		n, err := d.Read(sink)
		total += n
		if err != nil {
			return figures{"mbits": float64(total) * 8 / 1e6 / time.Since(begin).Seconds()}, nil
		}
	}
}
