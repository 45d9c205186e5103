package host

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machine is what a host and package net have in common for connections.
type machine interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	Listen(ctx context.Context, network, address string) (net.Listener, error)
}

// halfCloser are the methods of *net.TCPConn that are not net.Conn's.
type halfCloser interface {
	net.Conn
	CloseWrite() error
	CloseRead() error
	SetLinger(sec int) error
}

// onBoth runs a test on the kernel's loopback, which is the reference, and on a host's.
func onBoth(t *testing.T, test func(t *testing.T, m machine)) {
	t.Run("kernel", func(t *testing.T) { test(t, &kernel{}) })
	t.Run("host", func(t *testing.T) { test(t, newHost(t, "alone")) })
}

// join connects a machine with itself.
func join(t *testing.T, m machine) (dialed, accepted halfCloser) {
	t.Helper()
	ln, err := m.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := m.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		d.Close()
	})
	return c.(halfCloser), d.(halfCloser)
}

// wantError holds an error of a connection against what package net's would be: an
// *net.OpError of an operation and a cause, whose text ends in words.
func wantError(t *testing.T, err error, op string, cause error, words string) {
	t.Helper()
	var e *net.OpError
	if !errors.As(err, &e) || e.Op != op || e.Net != "tcp" || !errors.Is(err, cause) || !strings.HasSuffix(err.Error(), words) {
		t.Errorf("error %q (%T), want one of %s that is %q and ends in %q", err, err, op, cause, words)
	}
}

func TestErrorsOfDial(t *testing.T) {
	onBoth(t, func(t *testing.T, m machine) {
		ln, err := m.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := ln.Addr().String()
		_, err = m.Listen(t.Context(), "tcp", address)
		wantError(t, err, "listen", syscall.EADDRINUSE, "listen tcp "+address+": bind: address already in use")
		ln.Close()
		_, err = ln.Accept()
		wantError(t, err, "accept", net.ErrClosed, "accept tcp "+address+": use of closed network connection")
		wantError(t, ln.Close(), "close", net.ErrClosed, "use of closed network connection")

		_, err = m.DialContext(t.Context(), "tcp", address)
		wantError(t, err, "dial", syscall.ECONNREFUSED, "dial tcp "+address+": connect: connection refused")

		_, err = m.Listen(t.Context(), "tcp", "192.0.2.1:0")
		wantError(t, err, "listen", syscall.EADDRNOTAVAIL, "listen tcp 192.0.2.1:0: bind: cannot assign requested address")

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = m.DialContext(ctx, "tcp", address)
		wantError(t, err, "dial", context.Canceled, "operation was canceled")
		ctx, cancel = context.WithTimeout(t.Context(), -1)
		defer cancel()
		_, err = m.DialContext(ctx, "tcp", address)
		wantError(t, err, "dial", context.DeadlineExceeded, "i/o timeout")
	})
}

func TestErrorsOfClosed(t *testing.T) {
	onBoth(t, func(t *testing.T, m machine) {
		c, _ := join(t, m)
		ends := " tcp " + c.LocalAddr().String() + "->" + c.RemoteAddr().String()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		_, err := c.Read(make([]byte, 1))
		wantError(t, err, "read", net.ErrClosed, "read"+ends+": use of closed network connection")
		_, err = c.Write(make([]byte, 1))
		wantError(t, err, "write", net.ErrClosed, "write"+ends+": use of closed network connection")
		wantError(t, c.Close(), "close", net.ErrClosed, "close"+ends+": use of closed network connection")
		wantError(t, c.CloseWrite(), "close", net.ErrClosed, "close"+ends+": use of closed network connection")
		err = c.SetDeadline(time.Now())
		wantError(t, err, "set", net.ErrClosed, "set tcp "+c.LocalAddr().String()+": use of closed network connection")
	})
}

func TestErrorsOfDeadline(t *testing.T) {
	onBoth(t, func(t *testing.T, m machine) {
		c, _ := join(t, m)
		c.SetDeadline(time.Now().Add(-time.Second))
		for op, call := range map[string]func([]byte) (int, error){"read": c.Read, "write": c.Write} {
			_, err := call(make([]byte, 1))
			wantError(t, err, op, os.ErrDeadlineExceeded, ": i/o timeout")
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("%v is no timeout", err)
			}
		}
	})
}

func TestErrorsOfReset(t *testing.T) {
	onBoth(t, func(t *testing.T, m machine) {
		c, d := join(t, m)
		if _, err := d.Write([]byte("last words")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		d.SetLinger(0)
		d.Close()
		// What came before the reset is there still.
		rest, err := io.ReadAll(c)
		if len(rest) > 0 && string(rest) != "words" { // the kernel may have dropped it
			t.Errorf("read %q", rest)
		}
		wantError(t, err, "read", syscall.ECONNRESET, ": read: connection reset by peer")
		_, err = c.Write([]byte("hello"))
		wantError(t, err, "write", syscall.EPIPE, ": write: broken pipe")
	})
}

func TestHalfCloses(t *testing.T) {
	onBoth(t, func(t *testing.T, m machine) {
		c, d := join(t, m)
		if err := c.CloseWrite(); err != nil {
			t.Error(err)
		}
		_, err := c.Write([]byte("more"))
		wantError(t, err, "write", syscall.EPIPE, ": write: broken pipe")
		if n, err := d.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("the end is read as %d, %v", n, err)
		}
		if _, err := d.Write([]byte("answer")); err != nil {
			t.Error(err)
		}
		d.Close()
		if got, err := io.ReadAll(c); string(got) != "answer" || err != nil {
			t.Errorf("behind a half-close %q, %v", got, err)
		}
		c2, _ := join(t, m)
		c2.CloseRead()
		if n, err := c2.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("after CloseRead %d, %v", n, err)
		}
	})
}

// TestUnreadBytesReset: who closes without having read all resets the connection.
func TestUnreadBytesReset(t *testing.T) {
	onBoth(t, func(t *testing.T, m machine) {
		c, d := join(t, m)
		c.Write([]byte("unread"))
		d.SetReadDeadline(time.Now().Add(time.Minute))
		d.Read(make([]byte, 1))
		d.Close()
		_, err := c.Read(make([]byte, 1))
		wantError(t, err, "read", syscall.ECONNRESET, ": read: connection reset by peer")
	})
}

// TestEndGoesBeforeReset: behind the peer's FIN the end is read, even where the peer
// resets the connection afterwards; writing tells.
func TestEndGoesBeforeReset(t *testing.T) {
	onBoth(t, func(t *testing.T, m machine) {
		c, d := join(t, m)
		d.Write([]byte("last words"))
		d.CloseWrite()
		d.SetLinger(0)
		d.Close()
		for range 2 { // bytes and their end, and the end again
			if got, err := io.ReadAll(c); err != nil {
				t.Errorf("%q, %v", got, err)
			}
		}
		_, err := c.Write([]byte("answer"))
		wantError(t, err, "write", syscall.EPIPE, ": write: broken pipe")
	})
}

// TestPortsAreShared: listening again is possible while accepted connections live or
// wait out their time; not beside a connection that was dialed from the port.
func TestPortsAreShared(t *testing.T) {
	h := newHost(t, "alone")
	c, d := join(t, h)
	local := d.LocalAddr().String()
	ln, err := h.Listen(t.Context(), "tcp", local)
	if err != nil {
		t.Fatalf("beside an accepted connection: %v", err)
	}
	ln.Close()
	_, err = h.Listen(t.Context(), "tcp", c.LocalAddr().String())
	wantError(t, err, "listen", syscall.EADDRINUSE, "address already in use")

	d.Close()
	io.ReadAll(c)
	c.Close()
	if ln, err = h.Listen(t.Context(), "tcp", local); err != nil {
		t.Fatalf("with a connection in TIME_WAIT: %v", err)
	}
	ln.Close()

	from := netip.MustParseAddrPort("127.0.0.1:4000")
	to, err := h.ListenTCP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	first, err := h.DialTCP(t.Context(), from, to.local)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, err = h.DialTCP(t.Context(), from, to.local)
	wantError(t, err, "dial", syscall.EADDRNOTAVAIL, "cannot assign requested address")
}
