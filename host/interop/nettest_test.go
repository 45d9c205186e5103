package interop

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"testing/synctest"
	"time"
	_ "unsafe" // for go:linkname

	"dialtone/host"
	"dialtone/link/sim"

	_ "golang.org/x/net/nettest"
)

// The parts of nettest.TestConn. It runs each as a subtest, which a bubble does not
// allow: here each is called in a bubble of its own.
//
//go:linkname testBasicIO golang.org/x/net/nettest.testBasicIO
func testBasicIO(t *testing.T, c1, c2 net.Conn)

//go:linkname testPingPong golang.org/x/net/nettest.testPingPong
func testPingPong(t *testing.T, c1, c2 net.Conn)

//go:linkname testRacyRead golang.org/x/net/nettest.testRacyRead
func testRacyRead(t *testing.T, c1, c2 net.Conn)

//go:linkname testRacyWrite golang.org/x/net/nettest.testRacyWrite
func testRacyWrite(t *testing.T, c1, c2 net.Conn)

//go:linkname testReadTimeout golang.org/x/net/nettest.testReadTimeout
func testReadTimeout(t *testing.T, c1, c2 net.Conn)

//go:linkname testWriteTimeout golang.org/x/net/nettest.testWriteTimeout
func testWriteTimeout(t *testing.T, c1, c2 net.Conn)

//go:linkname testPastTimeout golang.org/x/net/nettest.testPastTimeout
func testPastTimeout(t *testing.T, c1, c2 net.Conn)

//go:linkname testPresentTimeout golang.org/x/net/nettest.testPresentTimeout
func testPresentTimeout(t *testing.T, c1, c2 net.Conn)

//go:linkname testFutureTimeout golang.org/x/net/nettest.testFutureTimeout
func testFutureTimeout(t *testing.T, c1, c2 net.Conn)

//go:linkname testCloseTimeout golang.org/x/net/nettest.testCloseTimeout
func testCloseTimeout(t *testing.T, c1, c2 net.Conn)

//go:linkname testConcurrentMethods golang.org/x/net/nettest.testConcurrentMethods
func testConcurrentMethods(t *testing.T, c1, c2 net.Conn)

// parts are those, and whether one also passes inside TLS: crypto/tls gives a
// connection up for good when a Write times out, over the kernel's TCP as over ours.
var parts = []struct {
	name  string
	test  func(t *testing.T, c1, c2 net.Conn)
	inTLS bool
}{
	{"BasicIO", testBasicIO, true},
	{"PingPong", testPingPong, true},
	{"RacyRead", testRacyRead, true},
	{"RacyWrite", testRacyWrite, true},
	{"ReadTimeout", testReadTimeout, true},
	{"WriteTimeout", testWriteTimeout, true},
	{"PastTimeout", testPastTimeout, false},
	{"PresentTimeout", testPresentTimeout, true},
	{"FutureTimeout", testFutureTimeout, false},
	{"CloseTimeout", testCloseTimeout, true},
	{"ConcurrentMethods", testConcurrentMethods, false},
}

// TestConformanceOverABadCable runs the suite of net.Conn's implementations where
// packets are lost, late and doubled.
func TestConformanceOverABadCable(t *testing.T) {
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { onBadCable(t, nil, nil, part.test) })
		})
	}
}

// TestConformanceInTLS does so with TLS above, as far as TLS can.
func TestConformanceInTLS(t *testing.T) {
	server, client := certificate(t)
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			if !part.inTLS {
				t.Skip("crypto/tls does not write any more after a timeout, whatever is below it")
			}
			synctest.Test(t, func(t *testing.T) {
				// In a bubble it is the year 2000.
				certain := func() time.Time { return server.Certificates[0].Leaf.NotBefore.Add(time.Minute) }
				client := client.Clone()
				client.Time = certain
				onBadCable(t, server, client, part.test)
			})
		})
	}
}

func onBadCable(t *testing.T, own, peer *tls.Config, test func(t *testing.T, c1, c2 net.Conn)) {
	cable := sim.NewCable(sim.Config{
		Delay: time.Millisecond, Rate: 1e9, Loss: 0.05, Reorder: 0.05, Duplicate: 0.05, Seed: 1,
	})
	defer cable.Close()
	a := host.New("a", host.Seed(1), host.Attach(cable.A(), "10.0.0.1/24"))
	defer a.Close()
	b := host.New("b", host.Seed(1), host.Attach(cable.B(), "10.0.0.2/24"))
	defer b.Close()
	ln, err := b.Listen(context.Background(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	c1, err := a.DialContext(context.Background(), "tcp", "10.0.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	c2, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if own != nil {
		c1, c2 = tls.Client(c1, peer), tls.Server(c2, own)
		shaken := make(chan error, 1)
		go func() { shaken <- c2.(*tls.Conn).Handshake() }()
		if err := c1.(*tls.Conn).Handshake(); err != nil {
			t.Error(err)
		}
		if err := <-shaken; err != nil {
			t.Fatal(err)
		}
	}
	test(t, c1, c2)
	c1.Close()
	c2.Close()
}
