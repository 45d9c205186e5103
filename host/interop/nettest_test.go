package interop

import (
	"flag"
	"net"
	"testing"
	"testing/synctest"
	"time"
	_ "unsafe" // for go:linkname

	"dialtone/host"
	"dialtone/link/sim"

	"golang.org/x/net/nettest"
)

var conformanceRuns = flag.Int("conformance", 1, "how often the conformance suite runs; the promise is 100")

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

// parts are those, and whether one also passes right on a [crypto/tls.Conn]: that is
// given up for good when a Write times out, over the kernel's TCP as over ours. There
// PastTimeout says "roundtrip Write error: write tcp 127.0.0.1:33516->127.0.0.1:39619:
// i/o timeout" when it writes again after the timeout, and the two others likewise.
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

// TestConformanceInTLS runs the whole suite with TLS between the ends.
func TestConformanceInTLS(t *testing.T) {
	onEach(t, func(t *testing.T, n network) {
		for range *conformanceRuns {
			nettest.TestConn(t, n.tunnel)
		}
	})
}

// TestConformanceOfTLS runs on TLS itself what of the suite can pass there.
func TestConformanceOfTLS(t *testing.T) {
	onEach(t, func(t *testing.T, n network) {
		for _, part := range parts {
			t.Run(part.name, func(t *testing.T) {
				if !part.inTLS {
					t.Skip("crypto/tls does not write any more after a timeout, whatever is below it")
				}
				c1, c2, stop, err := n.secure()
				if err != nil {
					t.Fatal(err)
				}
				defer stop()
				part.test(t, c1, c2)
			})
		}
	})
}

// TestConformanceOverABadCable runs the suite where packets are lost, late and doubled,
// plain and with TLS between the ends. It does not run on TLS itself: who waits for a
// lock, as a second Read of the same tls.Conn does, keeps a bubble's time from going on.
func TestConformanceOverABadCable(t *testing.T) {
	pipes := map[string]func(network) nettest.MakePipe{
		"plain":  func(n network) nettest.MakePipe { return n.pipe },
		"in TLS": func(n network) nettest.MakePipe { return n.tunnel },
	}
	for name, pipe := range pipes {
		t.Run(name, func(t *testing.T) {
			for run := range *conformanceRuns {
				for _, part := range parts {
					t.Run(part.name, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { onBadCable(t, uint64(run), pipe, part.test) })
					})
				}
			}
		})
	}
}

func onBadCable(t *testing.T, seed uint64, pipe func(network) nettest.MakePipe, test func(t *testing.T, c1, c2 net.Conn)) {
	cable := sim.NewCable(sim.Config{
		Delay: time.Millisecond, Rate: 1e9, Loss: 0.05, Reorder: 0.05, Duplicate: 0.05, Seed: seed,
	})
	defer cable.Close()
	a := host.New("a", host.Seed(seed), host.Attach(cable.A(), "10.0.0.1/24"))
	defer a.Close()
	b := host.New("b", host.Seed(seed), host.Attach(cable.B(), "10.0.0.2/24"))
	defer b.Close()
	c1, c2, stop, err := pipe(network{server: b, client: a, address: "10.0.0.2"})()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	test(t, c1, c2)
}
