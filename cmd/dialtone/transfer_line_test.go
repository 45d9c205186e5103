package main

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// line is a proxy between two ends that can do to a connection what networks do.
type line struct {
	ln     net.Listener
	target atomic.Pointer[string]
	group  sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	ended bool

	passed atomic.Int64 // bytes, both ways, of all connections
	pass   func(at int64, upward bool, p []byte) fate
}

// fate is what becomes of bytes on a line.
type fate uint8

const (
	forward fate = iota
	reset        // both ends of every connection get a reset
	stall        // nothing is read any more
	swallow      // what is read disappears, and so does every end
)

// newLine listens for one end. pass sees every piece before it goes on, with the
// number of bytes before it, and may change it; upward is from the end that
// dialled. It is called by one goroutine at a time.
func newLine(t *testing.T, target string, pass func(at int64, upward bool, p []byte) fate) *line {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{ln: ln, pass: pass}
	l.target.Store(&target)
	l.group.Go(l.accept)
	t.Cleanup(l.close)
	return l
}

func (l *line) addr() string { return l.ln.Addr().String() }

func (l *line) accept() {
	for {
		a, err := l.ln.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp", *l.target.Load())
		if err != nil {
			a.Close()
			continue
		}
		if !l.keep(a, b) {
			return
		}
		l.group.Go(func() { l.carry(b, a, true) })
		l.group.Go(func() { l.carry(a, b, false) })
	}
}

func (l *line) keep(a, b net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		a.Close()
		b.Close()
		return false
	}
	l.conns = append(l.conns, a, b)
	return true
}

// carry brings what from says to to.
func (l *line) carry(to, from net.Conn, upward bool) {
	buf := make([]byte, 32<<10)
	swallowing, swallowed := false, false
	for {
		n, err := from.Read(buf)
		f := forward
		if n > 0 {
			f = l.look(upward, buf[:n])
		}
		switch {
		case f == stall:
			return // the connections stay as they are until close
		case f == reset:
			l.reset()
			return
		case f == swallow:
			swallowed = true
		case swallowing || swallowed:
		case n > 0:
			if _, err := to.Write(buf[:n]); err != nil {
				swallowing = true // what the other direction still has goes on
			}
		}
		if err != nil {
			if f != swallow && !swallowed {
				to.(*net.TCPConn).CloseWrite()
			}
			return
		}
	}
}

func (l *line) look(upward bool, p []byte) fate {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.passed.Add(int64(len(p))) - int64(len(p))
	if l.pass == nil {
		return forward
	}
	return l.pass(at, upward, p)
}

func (l *line) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

// close ends the line and everything on it.
func (l *line) close() {
	l.ln.Close()
	l.mu.Lock()
	l.ended = true
	for _, c := range l.conns {
		c.Close()
	}
	l.mu.Unlock()
	l.group.Wait()
}

// after returns a pass that does f once when n bytes have passed, and sends
// everything from then on to the given fate.
func after(n int64, then fate, f func()) func(int64, bool, []byte) fate {
	var once sync.Once
	return func(at int64, _ bool, p []byte) fate {
		if at+int64(len(p)) <= n {
			return forward
		}
		if f != nil {
			once.Do(f)
		}
		return then
	}
}
