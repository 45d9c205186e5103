//go:build linux

package main

import (
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// proxy stands between sender and receiver, counts what the sender sends, and
// may cut the line.
type proxy struct {
	listener net.Listener
	dial     func() (net.Conn, error)
	cutAt    int64 // bytes from the sender, over all connections, after which every connection ends; 0: never
	began    time.Time

	sent  atomic.Int64 // bytes from the sender that were passed on
	first [2]atomic.Int64
	cut   chan struct{} // closed when the line was cut
	once  sync.Once
	all   sync.WaitGroup
	mu    sync.Mutex
	conns []net.Conn
}

// marks are the counts whose moments a proxy notes: the first byte, and what is
// more than any greeting, so that the tree itself has begun.
var marks = [2]int64{1, 16 << 10}

// startProxy listens where the ends' sender is and passes on to addr.
func startProxy(e *ends, addr string, cutAt int64) (*proxy, error) {
	p := &proxy{cutAt: cutAt, cut: make(chan struct{}), began: time.Now()}
	p.dial = func() (c net.Conn, err error) {
		err = e.inside(func() (err error) { c, err = net.Dial("tcp", addr); return err })
		return c, err
	}
	err := e.inside(func() (err error) { p.listener, err = net.Listen("tcp", "127.0.0.1:0"); return err })
	if err != nil {
		return nil, err
	}
	p.all.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := p.dial()
		if err != nil {
			log.Printf("proxy: %v", err)
			in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		p.all.Go(func() { p.pass(out, in, true) })
		p.all.Go(func() { p.pass(in, out, false) })
	}
}

// pass copies one way until its end, the cut, or close.
func (p *proxy) pass(to, from net.Conn, count bool) {
	defer to.(*net.TCPConn).CloseWrite()
	buf := make([]byte, 256<<10)
	for {
		n, err := from.Read(buf)
		if count && n > 0 {
			n = p.account(n)
		}
		if _, werr := to.Write(buf[:n]); werr != nil || err != nil {
			return
		}
		select {
		case <-p.cut:
			from.Close() // what was written to the other half still arrives
			return
		default:
		}
	}
}

// account notes moments, and says how many of the bytes pass before the cut.
func (p *proxy) account(n int) int {
	total := p.sent.Add(int64(n))
	for i, mark := range marks {
		if total >= mark {
			p.first[i].CompareAndSwap(0, int64(time.Since(p.began)))
		}
	}
	if p.cutAt > 0 && total >= p.cutAt {
		over := min(total-p.cutAt, int64(n))
		p.sent.Add(-over)
		n -= int(over)
		p.once.Do(func() { close(p.cut); p.listener.Close() })
	}
	return n
}

// moment is when the i-th mark was passed, or 0.
func (p *proxy) moment(i int) time.Duration { return time.Duration(p.first[i].Load()) }

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.all.Wait()
}
