package serve_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"dialtone/app/serve"
)

// to returns what Forward asks for.
func to(network, addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, network, addr) }
}

// upstream accepts one connection at a time for a test to hold itself.
func upstream(t *testing.T) (addr string, accept func() *net.TCPConn) {
	ln := listen(t)
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String(), func() *net.TCPConn {
		t.Helper()
		ln.(*net.TCPListener).SetDeadline(time.Now().Add(soon))
		c, err := ln.Accept()
		must(t, err)
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(soon))
		return c.(*net.TCPConn)
	}
}

func TestForwardKeepsEveryByteBothWaysAtOnce(t *testing.T) {
	for _, road := range roads() {
		for _, looking := range []bool{false, true} { // a rate takes the bytes out of the kernel
			server := &serve.Server{}
			name := road.name
			if looking {
				server.Limits.Rate = 1 << 40
				name += "/looking"
			}
			t.Run(name, func(t *testing.T) {
				log := newJournal()
				addr, accept := upstream(t)
				server.Service, server.Log = serve.Forward(to("tcp", addr)), log.log()
				c := road.open(t, server)()
				up := accept()
				there, back := randomText(1, 4<<20), randomText(2, 3<<20)
				var all sync.WaitGroup
				send := func(c halfCloser, p []byte) {
					if _, err := c.Write(p); err != nil {
						t.Error(err)
					}
					if err := c.CloseWrite(); err != nil {
						t.Error(err)
					}
				}
				all.Go(func() { send(c, there) })
				all.Go(func() { send(up, back) })
				all.Go(func() {
					if got, err := io.ReadAll(up); err != nil || !bytes.Equal(got, there) {
						t.Errorf("there: %d bytes, %v", len(got), err)
					}
				})
				all.Go(func() {
					if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, back) {
						t.Errorf("back: %d bytes, %v", len(got), err)
					}
				})
				all.Wait()
				log.wait(t, event{"msg": "closed", "by": "peer", "how": "FIN", "in": len(there), "out": len(back)})
			})
		}
	}
}

func TestForwardPassesEachHalfCloseOnAlone(t *testing.T) {
	addr, accept := upstream(t)
	server := start(t, &serve.Server{Service: serve.Forward(to("tcp", addr))})

	c, up := dial(t, server), (*net.TCPConn)(nil)
	up = accept()
	c.CloseWrite() // the client first
	hearEnd(t, up)
	say(t, up, "still talking")
	hear(t, c, "still talking")
	up.CloseWrite()
	hearEnd(t, c)

	c = dial(t, server)
	up = accept()
	up.CloseWrite() // the other side first
	hearEnd(t, c)
	say(t, c, "still talking")
	hear(t, up, "still talking")
	c.CloseWrite()
	hearEnd(t, up)
}

func TestForwardPassesResetsOnBothWays(t *testing.T) {
	log := newJournal()
	addr, accept := upstream(t)
	server := start(t, &serve.Server{Service: serve.Forward(to("tcp", addr)), Log: log.log()})
	for _, halfClosed := range []bool{false, true} {
		c := dial(t, server)
		up := accept()
		say(t, c, "hello")
		hear(t, up, "hello")
		if halfClosed {
			c.CloseWrite()
			hearEnd(t, up)
		}
		abort(c)
		if halfClosed { // its end is read: only writing tells
			if _, err := io.Copy(up, endless{}); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
				t.Errorf("writing ended with %v, want a reset", err)
			}
		} else {
			hearReset(t, up)
		}
		log.wait(t, event{"msg": "closed", "peer": c.LocalAddr(), "by": "peer", "how": "RST"})

		c = dial(t, server)
		up = accept()
		say(t, up, "hello")
		hear(t, c, "hello")
		abort(up)
		hearReset(t, c)
	}
}

func TestForwardResetsWhenThereIsNobodyToForwardTo(t *testing.T) {
	nobody := listen(t)
	nobody.Close()
	log := newJournal()
	c, err := net.Dial("tcp", start(t, &serve.Server{Service: serve.Forward(to("tcp", nobody.Addr().String())), Log: log.log()}))
	if err == nil { // else reset before Dial was done with it
		defer c.Close()
		hearReset(t, c)
	}
	e := log.wait(t, event{"msg": "closed", "by": "server", "how": "service failed"})
	if e["error"] == nil {
		t.Errorf("no error in %v", e)
	}
}

func TestForwardTakesTLSOffAndPutsItOn(t *testing.T) {
	plain := start(t, &serve.Server{Service: serve.Upper()})
	secure := start(t, &serve.Server{Service: serve.Forward(to("tcp", plain))}, identity(t).Wrap())
	again := start(t, &serve.Server{Service: serve.Forward(func(ctx context.Context) (net.Conn, error) {
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		return d.DialContext(ctx, "tcp", secure)
	})})
	c := dial(t, again) // plain, TLS, plain
	say(t, c, "hello")
	hear(t, c, "HELLO")
	c.CloseWrite()
	hearEnd(t, c)
}

func TestForwardKeepsDatagramsWhole(t *testing.T) {
	echo := startPacket(t, &serve.Server{Service: serve.Upper()}, "127.0.0.1:0")
	server := &serve.Server{Service: serve.Forward(to("udp", echo.String()))}
	addr := startPacket(t, server, "127.0.0.1:0").String()
	c, other := dialUDP(t, addr), dialUDP(t, addr)
	for _, size := range []int{1, 100, 1472, 9000, 65507, 0, 3} {
		text := string(bytes.Repeat([]byte("a"), size))
		say(t, other, "other")
		sendDatagram(t, c, text)
		hearDatagram(t, c, string(bytes.Repeat([]byte("A"), size)))
		hearDatagram(t, other, "OTHER")
	}
	if server.Open() != 2 {
		t.Errorf("%d sessions, want 2", server.Open())
	}
}

// sendDatagram sends one datagram, perhaps an empty one.
func sendDatagram(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestForwardOfDatagramsToNobodyEndsTheSession(t *testing.T) {
	nobody, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	nobody.Close()
	log := newJournal()
	server := &serve.Server{Service: serve.Forward(to("udp", nobody.LocalAddr().String())), Log: log.log()}
	c := dialUDP(t, startPacket(t, server, "127.0.0.1:0").String())
	say(t, c, "hello")
	log.wait(t, event{"msg": "closed", "how": "service failed"})
	eventually(t, "the session is gone", func() bool { return server.Open() == 0 })
}
