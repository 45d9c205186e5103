package host

import (
	"context"
	"flag"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/net/nettest"
)

var conformanceRuns = flag.Int("conformance", 2, "how often TestConformance runs; the promise is 100")

// TestConformance is the suite that net.Conn's implementations are to pass. In TLS, and
// over a bad cable, it is in host/interop.
func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name string
		pipe func(t *testing.T) nettest.MakePipe
	}{
		{"cable", func(t *testing.T) nettest.MakePipe {
			a, b := newPair(t)
			return func() (net.Conn, net.Conn, func(), error) { return makePipe(a, b, "10.0.0.2") }
		}},
		{"one host", func(t *testing.T) nettest.MakePipe {
			h := newHost(t, "alone")
			return func() (net.Conn, net.Conn, func(), error) { return makePipe(h, h, "127.0.0.1") }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pipe := c.pipe(t)
			for range *conformanceRuns {
				nettest.TestConn(t, pipe)
			}
		})
	}
}

// makePipe connects two hosts.
func makePipe(a, b *Host, address string) (dialed, accepted net.Conn, stop func(), err error) {
	ln, err := b.ListenTCP(netip.AddrPortFrom(netip.MustParseAddr(address), 0))
	if err != nil {
		return nil, nil, nil, err
	}
	defer ln.Close()
	dialed, err = a.DialContext(context.Background(), "tcp", ln.Addr().String())
	if err != nil {
		return nil, nil, nil, err
	}
	accepted, err = ln.Accept()
	return dialed, accepted, func() {
		dialed.Close()
		accepted.Close()
	}, err
}
