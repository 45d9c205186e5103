package transfer

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// classicWire is a connection in memory that behaves as TCP does where the classic
// protocols feel it: writes do not wait for reads and are glued together, a side
// can be ended, and closing with SetLinger(0) or with something unread is a
// reset. It works in a synctest bubble.
type classicWire struct {
	net.Conn // nil: addresses are not asked for
	in, out  *wireHalf

	mu     sync.Mutex
	until  time.Time
	linger bool
	closed bool
}

// wireHalf is one direction.
type wireHalf struct {
	mu      sync.Mutex
	data    []byte
	end     error // what Read returns behind data
	reset   bool
	changed chan struct{} // closed at the next change
}

func newClassicWires(t testing.TB) (a, b *classicWire) {
	x, y := &wireHalf{changed: make(chan struct{})}, &wireHalf{changed: make(chan struct{})}
	a, b = &classicWire{in: x, out: y}, &classicWire{in: y, out: x}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func (h *wireHalf) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *wireHalf) resetBy(err error) {
	h.change(func() { h.data, h.end, h.reset = nil, err, true })
}

func (w *classicWire) Read(p []byte) (int, error) {
	for {
		w.in.mu.Lock()
		n := copy(p, w.in.data)
		w.in.data = w.in.data[n:]
		end, changed := w.in.end, w.in.changed
		w.in.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		if end != nil {
			return 0, end
		}
		if err := w.wait(changed); err != nil {
			return 0, err
		}
	}
}

func (w *classicWire) wait(changed <-chan struct{}) error {
	w.mu.Lock()
	until := w.until
	w.mu.Unlock()
	var timer <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-changed:
		return nil
	case <-timer:
		return os.ErrDeadlineExceeded
	}
}

func (w *classicWire) Write(p []byte) (n int, err error) {
	w.out.change(func() {
		switch {
		case w.out.reset:
			err = syscall.ECONNRESET
		case w.out.end != nil:
			err = syscall.EPIPE
		default:
			w.out.data = append(w.out.data, p...)
			n = len(p)
		}
	})
	return n, err
}

func (w *classicWire) CloseWrite() error {
	w.out.change(func() {
		if w.out.end == nil {
			w.out.end = io.EOF
		}
	})
	return nil
}

func (w *classicWire) Close() error {
	w.mu.Lock()
	closed, abort := w.closed, w.linger
	w.closed = true
	w.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	w.in.mu.Lock()
	abort = abort || len(w.in.data) > 0
	w.in.mu.Unlock()
	if abort {
		w.out.resetBy(syscall.ECONNRESET)
	} else {
		w.CloseWrite()
	}
	w.in.resetBy(net.ErrClosed)
	return nil
}

func (w *classicWire) SetLinger(int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.linger = true
	return nil
}

func (w *classicWire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = t
	return nil
}

func (w *classicWire) SetWriteDeadline(time.Time) error { return nil }
func (w *classicWire) SetDeadline(t time.Time) error    { return w.SetReadDeadline(t) }
