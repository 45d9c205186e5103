package transfer

import (
	"context"
	"net"
	"sync"
	"testing"
)

// loop is the two ends of a session over loopback, without any authentication.
type loop struct {
	first  net.Conn
	dialed bool
	ln     net.Listener
	once   sync.Once
}

func newLoop(t testing.TB) (dialled, accepted *loop) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	a := &loop{dialed: true, ln: ln}
	b := &loop{ln: ln}
	if a.first, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b.first, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

func (l *loop) Conn() net.Conn { return l.first }
func (l *loop) Dialed() bool   { return l.dialed }

func (l *loop) Open(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", l.ln.Addr().String())
}

func (l *loop) AcceptStream(ctx context.Context) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { l.ln.Close() })
	defer stop()
	return l.ln.Accept()
}

func (l *loop) Close() error {
	l.once.Do(func() { l.first.Close(); l.ln.Close() })
	return nil
}
