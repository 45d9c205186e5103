//go:build linux

package main

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// joined calls f with the two ends of one connection.
func joined(ctx context.Context, p *pair, f func(c, d net.Conn) (figures, error)) (figures, error) {
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
	return f(c, d)
}

// bulk moves bytes one way: the CPU that a GiB takes at both ends together.
func bulk(ctx context.Context, p *pair, scale float64) (figures, error) {
	return joined(ctx, p, func(c, d net.Conn) (figures, error) {
		if err := move(c, d, 64<<20); err != nil { // until windows and buffers have grown
			return nil, err
		}
		size := int64(scale * gib)
		before := now()
		if err := move(c, d, size); err != nil {
			return nil, err
		}
		after := now()
		share := float64(size) / gib
		return figures{
			"cpu":    (after.cpu - before.cpu).Seconds() / share,
			"allocs": float64(after.allocs-before.allocs) / (float64(size) / (64 << 10)),
			"gbits":  float64(size) * 8 / 1e9 / after.at.Sub(before.at).Seconds(),
		}, nil
	})
}

// move writes so many bytes at c and reads them at d.
func move(c, d net.Conn, size int64) error {
	failed := make(chan error, 1)
	go func() {
		block := make([]byte, 256<<10)
		for left := size; left > 0; {
			n, err := c.Write(block[:min(left, int64(len(block)))])
			if left -= int64(n); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	sink := make([]byte, 256<<10)
	for left := size; left > 0; {
		n, err := d.Read(sink)
		if left -= int64(n); err != nil {
			return err
		}
	}
	return <-failed
}

// pingPong sends a byte to and fro.
func pingPong(ctx context.Context, p *pair, scale float64) (figures, error) {
	return joined(ctx, p, func(c, d net.Conn) (figures, error) {
		var group sync.WaitGroup
		group.Go(func() { echo(d) })
		n := max(int(scale*100_000), 1000)
		took := make([]time.Duration, n)
		for i := range took {
			begin := time.Now()
			if err := exchange(c); err != nil {
				return nil, err
			}
			took[i] = time.Since(begin)
		}
		c.Close()
		group.Wait()
		slices.Sort(took)
		return figures{"p50": took[n/2].Seconds() * 1e6, "p99": took[n*99/100].Seconds() * 1e6}, nil
	})
}

// echo sends each byte back until the other end closes, and closes then.
func echo(c net.Conn) {
	defer c.Close()
	b := make([]byte, 1)
	for {
		if _, err := c.Read(b); err != nil {
			return
		}
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// exchange sends a byte and waits for one.
func exchange(c net.Conn) error {
	b := make([]byte, 1)
	if _, err := c.Write(b); err != nil {
		return err
	}
	_, err := io.ReadFull(c, b)
	return err
}

// churn opens connections, exchanges a byte each way, and closes them: two at a time.
func churn(ctx context.Context, p *pair, scale float64) (figures, error) {
	l, err := p.b.listen(ctx, service)
	if err != nil {
		return nil, err
	}
	var served sync.WaitGroup
	served.Go(func() { serve(l, &served) })
	defer served.Wait()
	defer l.Close()
	const atOnce = 2
	n := max(int(scale*20_000), 500)
	before := now()
	failed := make(chan error, atOnce)
	for range atOnce {
		go func() { failed <- p.callAgain(ctx, n/atOnce) }()
	}
	for range atOnce {
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

// serve answers who connects until the listener is closed.
func serve(l net.Listener, group *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		group.Go(func() { echo(c) })
	}
}

// callAgain opens n connections, one after the other, and exchanges a byte on each.
func (p *pair) callAgain(ctx context.Context, n int) error {
	for range n {
		c, err := p.a.dial(ctx, service)
		if err != nil {
			return err
		}
		err = exchange(c)
		c.Close()
		if err != nil {
			return err
		}
	}
	return nil
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

// goodput moves bytes for a while over a line with faults.
func goodput(ctx context.Context, p *pair, scale float64) (figures, error) {
	return joined(ctx, p, func(c, d net.Conn) (figures, error) {
		stop := time.Now().Add(time.Duration(scale * 30 * float64(time.Second)))
		var group sync.WaitGroup
		group.Go(func() { fill(c, stop) })
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
	})
}

// fill writes as much as it can until a time, and closes.
func fill(c net.Conn, stop time.Time) {
	defer c.Close()
	c.SetWriteDeadline(stop.Add(time.Second))
	for block := make([]byte, 64<<10); time.Now().Before(stop); {
		if _, err := c.Write(block); err != nil {
			return
		}
	}
}
