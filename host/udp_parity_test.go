package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sockets is what package net and a host have in common.
type sockets interface {
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// kernel is package net.
type kernel struct {
	net.ListenConfig
	net.Dialer
}

// TestUDPAsTheKernel runs the same bodies on the kernel's sockets and on a host's: what
// they expect is what both do.
func TestUDPAsTheKernel(t *testing.T) {
	a, b := newPair(t)
	for _, on := range []struct {
		name           string
		client, server sockets
		address        string
	}{
		{"kernel", &kernel{}, &kernel{}, "127.0.0.1"},
		{"loopback", a, a, "127.0.0.1"},
		{"own address", a, a, "10.0.0.1"},
		{"wire", a, b, "10.0.0.2"},
	} {
		for _, test := range udpTests {
			t.Run(on.name+"/"+test.name, func(t *testing.T) {
				test.run(&udpTest{t, on.client, on.server, on.address})
			})
		}
	}
}

type udpTest struct {
	*testing.T
	client, server sockets
	address        string
}

var udpTests = []struct {
	name string
	run  func(t *udpTest)
}{
	{"echo", testUDPEcho},
	{"unconnected", testUDPUnconnected},
	{"truncation", testUDPTruncation},
	{"empty", testUDPEmpty},
	{"refused", testUDPRefused},
	{"deadline", testUDPDeadline},
	{"close", testUDPClose},
	{"too long", testUDPTooLong},
	{"in use", testUDPInUse},
	{"connected to one", testUDPConnectedToOne},
	{"wrong ends", testUDPWrongEnds},
	{"wildcard", testUDPWildcard},
	{"at the same time", testUDPAtOnce},
}

// listen opens a server's socket.
func (t *udpTest) listen() net.PacketConn {
	t.Helper()
	return t.listenOn(t.server, t.address+":0")
}

func (t *udpTest) listenOn(s sockets, address string) net.PacketConn {
	t.Helper()
	c, err := s.ListenPacket(t.Context(), "udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// dial opens a client's, connected to addr.
func (t *udpTest) dial(addr net.Addr) net.Conn {
	t.Helper()
	c, err := t.client.DialContext(t.Context(), "udp4", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

var addresses = regexp.MustCompile(`(\d+\.){3}\d+:\d+`)

// says compares the text of an error, but for addresses, and what it is.
func (t *udpTest) says(err error, text string, is error) {
	t.Helper()
	if got := addresses.ReplaceAllString(fmt.Sprint(err), "X"); got != text || is != nil && !errors.Is(err, is) {
		t.Errorf("%v\nwant %s, which is %v", err, text, is)
	}
	var op *net.OpError
	if is != nil && !errors.As(err, &op) {
		t.Errorf("%T, want a *net.OpError", err)
	}
}

func testUDPEcho(t *udpTest) {
	server := t.listen()
	client := t.dial(server.LocalAddr())
	for _, text := range []string{"one", "two", strings.Repeat("x", 1472), strings.Repeat("y", 9000), strings.Repeat("z", 65507)} {
		if n, err := client.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
		buffer := make([]byte, 1<<16)
		n, from, err := server.ReadFrom(buffer)
		if err != nil || string(buffer[:n]) != text || from.String() != client.LocalAddr().String() {
			t.Fatalf("%d bytes from %v: %v", n, from, err)
		}
		if n, err := server.WriteTo(buffer[:n], from); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
		if n, err := client.Read(buffer); err != nil || string(buffer[:n]) != text {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	if _, ok := client.RemoteAddr().(*net.UDPAddr); !ok || client.RemoteAddr().String() != server.LocalAddr().String() {
		t.Errorf("connected to %v, want %v", client.RemoteAddr(), server.LocalAddr())
	}
}

func testUDPUnconnected(t *udpTest) {
	server, client := t.listen(), t.listenOn(t.client, ":0")
	if _, err := client.WriteTo([]byte("hello"), server.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 100)
	n, from, err := server.ReadFrom(buffer)
	if err != nil || string(buffer[:n]) != "hello" || from.(*net.UDPAddr).Port != client.LocalAddr().(*net.UDPAddr).Port {
		t.Errorf("%q from %v: %v", buffer[:n], from, err)
	}
	if remote := client.(net.Conn).RemoteAddr(); remote != nil {
		t.Errorf("the remote end of an unconnected socket: %v", remote)
	}
}

// msgReader is what both kinds of sockets have beyond net.PacketConn.
type msgReader interface {
	ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error)
}

func testUDPTruncation(t *udpTest) {
	server := t.listen()
	client := t.dial(server.LocalAddr())
	for range 3 {
		client.Write([]byte("0123456789"))
	}
	buffer := make([]byte, 4)
	if n, _, err := server.ReadFrom(buffer); n != 4 || err != nil || string(buffer) != "0123" {
		t.Errorf("%q %v", buffer[:n], err)
	}
	if n, _, flags, _, err := server.(msgReader).ReadMsgUDPAddrPort(buffer, nil); n != 4 || err != nil || flags&msgTrunc == 0 {
		t.Errorf("%d bytes, flags %x: %v", n, flags, err)
	}
	if n, _, flags, _, err := server.(msgReader).ReadMsgUDPAddrPort(make([]byte, 10), nil); n != 10 || err != nil || flags&msgTrunc != 0 {
		t.Errorf("%d bytes, flags %x: %v", n, flags, err)
	}
}

func testUDPEmpty(t *udpTest) {
	server := t.listen()
	client := t.dial(server.LocalAddr())
	if n, err := client.Write(nil); n != 0 || err != nil {
		t.Error(n, err)
	}
	client.Write([]byte("x"))
	buffer := make([]byte, 4)
	for want := range 2 {
		if n, _, err := server.ReadFrom(buffer); n != want || err != nil {
			t.Errorf("%d bytes, want %d: %v", n, want, err)
		}
	}
}

func testUDPRefused(t *udpTest) {
	server := t.listen()
	client := t.dial(server.LocalAddr())
	server.Close()
	if _, err := client.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	_, err := client.Read(make([]byte, 10))
	t.says(err, "read udp4 X->X: read: connection refused", syscall.ECONNREFUSED)
	// Once told, it goes on; and a write, too, says what an earlier one has come to.
	if _, err := client.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	for range 1000 {
		if _, err = client.Write([]byte("x")); err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	t.says(err, "write udp4 X->X: write: connection refused", syscall.ECONNREFUSED)
}

func testUDPDeadline(t *udpTest) {
	server := t.listen()
	client := t.dial(server.LocalAddr())
	client.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err := client.Read(make([]byte, 10))
	t.says(err, "read udp4 X->X: i/o timeout", os.ErrDeadlineExceeded)
	server.SetReadDeadline(time.Now().Add(-time.Second))
	client.Write([]byte("x"))
	_, _, err = server.ReadFrom(make([]byte, 10))
	t.says(err, "read udp4 X: i/o timeout", os.ErrDeadlineExceeded)
	server.SetReadDeadline(time.Time{})
	if n, _, err := server.ReadFrom(make([]byte, 10)); n != 1 || err != nil {
		t.Error(n, err)
	}
	client.SetWriteDeadline(time.Unix(1, 0))
	_, err = client.Write([]byte("x"))
	t.says(err, "write udp4 X->X: i/o timeout", os.ErrDeadlineExceeded)

	// Who waits already is woken by a deadline that is set later.
	time.AfterFunc(10*time.Millisecond, func() { server.SetDeadline(time.Unix(1, 0)) })
	_, _, err = server.ReadFrom(make([]byte, 10))
	t.says(err, "read udp4 X: i/o timeout", os.ErrDeadlineExceeded)
}

func testUDPClose(t *udpTest) {
	server := t.listen()
	client := t.dial(server.LocalAddr())
	time.AfterFunc(10*time.Millisecond, func() { client.Close() })
	_, err := client.Read(make([]byte, 10))
	t.says(err, "read udp4 X->X: use of closed network connection", net.ErrClosed)
	_, err = client.Write(nil)
	t.says(err, "write udp4 X->X: use of closed network connection", net.ErrClosed)
	t.says(client.Close(), "close udp4 X->X: use of closed network connection", net.ErrClosed)
	t.says(client.SetDeadline(time.Time{}), "set udp4 X: use of closed network connection", net.ErrClosed)
}

func testUDPTooLong(t *udpTest) {
	server := t.listen()
	client := t.dial(server.LocalAddr())
	_, err := client.Write(make([]byte, 65508))
	t.says(err, "write udp4 X->X: write: message too long", syscall.EMSGSIZE)
	_, err = t.listenOn(t.client, ":0").WriteTo(make([]byte, 65508), server.LocalAddr())
	t.says(err, "write udp4 X->X: sendto: message too long", syscall.EMSGSIZE)
}

func testUDPInUse(t *udpTest) {
	server := t.listen()
	port := server.LocalAddr().(*net.UDPAddr).Port
	for _, address := range []string{t.address, ""} {
		_, err := t.server.ListenPacket(t.Context(), "udp4", fmt.Sprint(address, ":", port))
		want := "listen udp4 X: bind: address already in use"
		if address == "" {
			want = fmt.Sprintf("listen udp4 :%d: bind: address already in use", port)
		}
		t.says(err, want, syscall.EADDRINUSE)
	}
	_, err := t.server.ListenPacket(t.Context(), "udp4", "192.0.2.1:0")
	t.says(err, "listen udp4 X: bind: cannot assign requested address", syscall.EADDRNOTAVAIL)
	server.Close()
	t.listenOn(t.server, fmt.Sprint(t.address, ":", port)).Close()
}

func testUDPConnectedToOne(t *udpTest) {
	server, other := t.listen(), t.listen()
	client := t.dial(server.LocalAddr())
	other.WriteTo([]byte("not for you"), client.LocalAddr())
	server.WriteTo([]byte("for you"), client.LocalAddr())
	buffer := make([]byte, 100)
	if n, err := client.Read(buffer); string(buffer[:n]) != "for you" || err != nil {
		t.Errorf("%q %v", buffer[:n], err)
	}
	_, err := client.(net.PacketConn).WriteTo([]byte("x"), other.LocalAddr())
	t.says(err, "write udp4 X->X: use of WriteTo with pre-connected connection", net.ErrWriteToConnected)
}

func testUDPWrongEnds(t *udpTest) {
	client := t.listenOn(t.client, t.address0()+":0")
	_, err := client.(net.Conn).Write([]byte("x"))
	t.says(err, "write udp4 X: write: destination address required", syscall.EDESTADDRREQ)
	_, err = client.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	t.says(err, "write udp4 X->X: sendto: invalid argument", syscall.EINVAL)
	_, err = client.WriteTo([]byte("x"), &net.TCPAddr{})
	t.says(err, "write udp4 X->:0: invalid argument", syscall.EINVAL)
	_, err = client.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv6loopback, Port: 1})
	t.says(err, "write udp4 X->[::1]:1: address ::1: non-IPv4 address", nil)
	for _, address := range []string{"", "nowhere", "127.0.0.1", "127.0.0.1:nothing", "[::1]:1", "127.0.0.1:70000"} {
		if c, err := t.client.DialContext(t.Context(), "udp4", address); err == nil {
			t.Errorf("connected to %q", address)
			c.Close()
		}
	}
	_, err = t.client.DialContext(t.Context(), "udp7", "127.0.0.1:1")
	t.says(err, "dial udp7: unknown network udp7", nil)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = t.client.DialContext(cancelled, "udp4", "127.0.0.1:1")
	t.says(err, "dial udp4 X: operation was canceled", nil)
}

// address0 is an address of the client's.
func (t *udpTest) address0() string { return "127.0.0.1" }

func testUDPWildcard(t *udpTest) {
	server := t.listenOn(t.server, ":0")
	local := server.LocalAddr().(*net.UDPAddr)
	if !local.IP.IsUnspecified() || local.Port == 0 {
		t.Errorf("listens on %v", local)
	}
	client := t.dial(&net.UDPAddr{IP: net.ParseIP(t.address), Port: local.Port})
	client.Write([]byte("x"))
	buffer := make([]byte, 100)
	n, from, err := server.ReadFrom(buffer)
	if err != nil {
		t.Fatal(err)
	}
	server.WriteTo(buffer[:n], from)
	if n, err := client.Read(buffer); n != 1 || err != nil {
		t.Error(n, err)
	}
	// A socket with the very address goes before one with any.
	if exact, err := t.server.ListenPacket(t.Context(), "udp4", fmt.Sprint(t.address, ":", local.Port)); err == nil {
		t.Error("the port of a socket for all addresses is free for", exact.LocalAddr())
	}
}

func testUDPAtOnce(t *udpTest) {
	server := t.listen()
	client := t.dial(server.LocalAddr())
	go func() {
		buffer := make([]byte, 100)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			server.WriteTo(buffer[:n], from)
		}
	}()
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for range 200 {
				client.Write([]byte{byte(i)})
				client.Read(make([]byte, 1))
				client.SetDeadline(time.Now().Add(20 * time.Second))
			}
		})
	}
	group.Wait()
}
