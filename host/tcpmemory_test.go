package host

import (
	"flag"
	"io"
	"net/netip"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link/sim"
)

var manyConnections = flag.Int("connections", 2000, "of the tests that count bytes; the promise is 50000")

// TestIdleConnectionIsSmall: a connection that has nothing to do costs no more than
// 2500 bytes an end, with its place in every table.
func TestIdleConnectionIsSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := min(*manyConnections, 20_000) // as many as there are ports
		a, b, ln := quietPair(t)
		before := heap()
		conns := make([]*TCPConn, 0, 2*n)
		for range n {
			c, d := open(t, a, ln)
			conns = append(conns, c, d)
		}
		time.Sleep(10 * time.Second) // they are idle
		each := (heap() - before) / int64(2*n)
		if each > 2500 {
			t.Errorf("%d bytes for an idle end", each)
		}
		t.Logf("%d bytes for an idle end", each)
		for _, c := range conns {
			c.Abort()
		}
		runtime.KeepAlive(b)
	})
}

// TestHeapComesBack: of connections that are over nothing is left.
func TestHeapComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, ln := quietPair(t)
		transfer(t, a, ln, 100) // free lists and tables have their size
		time.Sleep(2 * time.Minute)
		before := heap()
		for left := *manyConnections; left > 0; left -= 1000 {
			transfer(t, a, ln, min(left, 1000))
		}
		time.Sleep(2 * time.Minute)
		if list := append(a.Sockets(), b.Sockets()...); len(list) != 1 {
			t.Errorf("there are still %v", list)
		}
		// What a map has grown to it keeps: of a thousand connections at a time that is
		// less than this.
		if more := heap() - before; more > 1<<20 {
			t.Errorf("%d bytes more than before %d connections", more, *manyConnections)
		}
	})
}

// quietPair are two hosts on a perfect cable, of which the second listens.
func quietPair(t *testing.T) (a, b *Host, ln *TCPListener) {
	t.Helper()
	cable := sim.NewCable(sim.Config{})
	t.Cleanup(func() { cable.Close() })
	a = newHost(t, "a", Attach(cable.A(), "10.0.0.1/24"))
	b = newHost(t, "b", Attach(cable.B(), "10.0.0.2/24"))
	ln, err := b.ListenTCP(netip.MustParseAddrPort("0.0.0.0:80"))
	if err != nil {
		t.Fatal(err)
	}
	return a, b, ln
}

func open(t *testing.T, a *Host, ln *TCPListener) (c, d *TCPConn) {
	t.Helper()
	c, err := a.DialTCP(t.Context(), netip.AddrPort{}, netip.MustParseAddrPort("10.0.0.2:80"))
	if err != nil {
		t.Fatal(err)
	}
	if d, err = ln.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	return c, d
}

// transfer uses n connections at a time, and lets TIME_WAIT pass.
func transfer(t *testing.T, a *Host, ln *TCPListener, n int) {
	t.Helper()
	for range n {
		c, d := open(t, a, ln)
		c.Write([]byte("a question"))
		c.CloseWrite()
		io.ReadAll(d)
		d.Write([]byte("an answer"))
		d.Close()
		if got, err := io.ReadAll(c); string(got) != "an answer" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		c.Close()
	}
	time.Sleep(time.Minute + time.Second)
}

// heap is how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	for range 3 { // pools give back what they have in the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
