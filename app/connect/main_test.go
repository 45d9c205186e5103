package connect

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"dialtone/app/address"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen serves each connection of network tcp or unix with serve, on loopback,
// until the test ends.
func listen(t testing.TB, serve func(net.Conn)) address.Address {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveAll(t, l, serve)
	return address.Address{Scheme: "tcp"}.At(l.Addr())
}

func serveAll(t testing.TB, l net.Listener, serve func(net.Conn)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.SetDeadline(time.Now().Add(time.Minute)) // no test waits for ever
			serve(c)
			hangUp(c)
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
}

// hangUp ends a server's side and hears the client out: a close with something
// unread, be it only TLS's goodbye, would be a reset. Who wants one closes first.
func hangUp(c net.Conn) {
	defer c.Close()
	if t, ok := c.(*tls.Conn); ok {
		t.CloseWrite()
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok && t.CloseWrite() == nil {
		t.SetReadDeadline(time.Now().Add(2 * time.Second))
		io.Copy(io.Discard, t)
	}
}

func dial(t testing.TB, d *Dialer, a address.Address) net.Conn {
	t.Helper()
	c, err := d.Dial(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// stuck is an input that nobody can interrupt, like a terminal.
func stuck(t testing.TB) io.Reader {
	r, w := io.Pipe()
	t.Cleanup(func() { w.Close() })
	return r
}

func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}
