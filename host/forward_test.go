package host

import (
	"bytes"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/link/sim"
)

// A path is two hosts with a router between them, and the cables.
//
//	a 10.0.1.1 ── left ── 10.0.1.254 r 10.0.2.254 ── right ── 10.0.2.1 b
type path struct {
	a, r, b     *Host
	left, right *sim.Cable
}

func newPath(t testing.TB, left, right sim.Config) *path {
	t.Helper()
	one := sim.NewNet()
	p := &path{left: one.NewCable(left), right: one.NewCable(right)}
	t.Cleanup(func() { p.left.Close(); p.right.Close() })
	p.a = newHost(t, "a", Attach(p.left.A(), "10.0.1.1/24"), Gateway("10.0.1.254"))
	p.r = newHost(t, "r", Attach(p.left.B(), "10.0.1.254/24"), Attach(p.right.A(), "10.0.2.254/24"), Forward())
	p.b = newHost(t, "b", Attach(p.right.B(), "10.0.2.1/24"), Gateway("10.0.2.254"))
	return p
}

func TestARouterForwards(t *testing.T) {
	p := newPath(t, sim.Config{}, sim.Config{})
	pong, err := p.a.Ping(t.Context(), "10.0.2.1", Ping{})
	if err != nil || pong.TTL != 63 {
		t.Errorf("%+v %v", pong, err)
	}
	// The router's own addresses, on either side.
	for _, address := range []string{"10.0.1.254", "10.0.2.254"} {
		if pong, err := p.a.Ping(t.Context(), address, Ping{}); err != nil || pong.TTL != 64 {
			t.Errorf("%s: %+v %v", address, pong, err)
		}
	}
	if c := p.r.Counters(); c.Forwarded != 2 || c.Interfaces[1].InFrames == 0 || c.Interfaces[2].OutBytes == 0 {
		t.Errorf("%+v", c)
	}
	// What the router sends itself goes the same way as what it forwards.
	if _, err := p.r.Ping(t.Context(), "10.0.2.1", Ping{}); err != nil {
		t.Error(err)
	}
	// A host that is no router does not.
	if _, err := p.b.Ping(t.Context(), "10.0.2.254", Ping{}); err != nil {
		t.Error(err)
	}
}

// By hops that run out a path is traced.
func TestHopsRunOut(t *testing.T) {
	p := newPath(t, sim.Config{}, sim.Config{})
	pong, err := p.a.Ping(t.Context(), "10.0.2.1", Ping{TTL: 1})
	if !errors.Is(err, syscall.EHOSTUNREACH) || pong.From.String() != "10.0.1.254" {
		t.Errorf("one hop: %+v %v", pong, err)
	}
	if pong, err := p.a.Ping(t.Context(), "10.0.2.1", Ping{TTL: 2}); err != nil || pong.From.String() != "10.0.2.1" {
		t.Errorf("two hops: %+v %v", pong, err)
	}
	if n := p.r.Counters().Dropped[DropTTL]; n != 1 {
		t.Errorf("%d dropped", n)
	}
}

func TestRoutersSayWhatIsUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, sim.Config{}, sim.Config{})
		for address, want := range map[string]error{"192.0.2.1": syscall.ENETUNREACH, "10.0.2.77": syscall.EHOSTUNREACH} {
			pong, err := p.a.Ping(t.Context(), address, Ping{})
			if !errors.Is(err, want) || pong.From.String() != "10.0.1.254" {
				t.Errorf("%s: %+v %v", address, pong, err)
			}
		}
	})
}

// A packet that may be cut is cut where it does not fit, and put together by its
// receiver.
func TestFragmentsAcrossMTUs(t *testing.T) {
	for _, mtu := range [][2]int{{1500, 576}, {576, 1500}, {9000, 1500}, {1500, 68}, {65535, 1280}} {
		p := newPath(t, sim.Config{MTU: mtu[0]}, sim.Config{MTU: mtu[1]})
		for _, size := range []int{1000, 3000, 65507} {
			if _, err := p.a.Ping(t.Context(), "10.0.2.1", Ping{Size: size, MayBeCut: true}); err != nil {
				t.Errorf("%d bytes, MTU %v: %v", size, mtu, err)
			}
		}
		p.a.Close()
		p.r.Close()
		p.b.Close()
	}
}

// udpAcross returns a socket of b, and one of a that is connected to it.
func udpAcross(t *testing.T, p *path) (server net.PacketConn, client *UDPConn) {
	t.Helper()
	server, err := p.b.ListenPacket(t.Context(), "udp", ":5000")
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.a.DialContext(t.Context(), "udp", "10.0.2.1:5000")
	if err != nil {
		t.Fatal(err)
	}
	return server, c.(*UDPConn)
}

// RFC 1191: what fits the path is found out by what does not.
func TestPathMTUIsDiscovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, sim.Config{}, sim.Config{MTU: 1000})
		server, client := udpAcross(t, p)
		data := bytes.Repeat([]byte("x"), 1400)
		if _, err := client.Write(data); err != nil {
			t.Fatal(err)
		}
		// As on Linux, the next call says that the datagram was too large.
		if _, err := client.Write(data); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("after the router's report: %v", err)
		}
		if r, err := p.a.routeTo(client.remote.Addr()); err != nil || r.mtu != 1000 {
			t.Errorf("%+v %v", r, err)
		}
		// From now on it is cut where it starts.
		if _, err := client.Write(data); err != nil {
			t.Error(err)
		}
		buffer := make([]byte, 2000)
		if n, _, err := server.ReadFrom(buffer); n != len(data) || err != nil {
			t.Error(n, err)
		}
		if n := p.a.Counters().Fragmented; n != 1 {
			t.Errorf("%d packets cut", n)
		}
		time.Sleep(10*time.Minute + time.Second)
		if r, _ := p.a.routeTo(client.remote.Addr()); r.mtu != 1500 {
			t.Errorf("ten minutes later: %d", r.mtu)
		}
	})
}

// What the path can carry is believed for a packet that was sent, and never below 552.
func TestForgedReports(t *testing.T) {
	p := newPath(t, sim.Config{}, sim.Config{})
	_, client := udpAcross(t, p)
	report := func(mtu uint32, srcPort uint16) {
		quoted := internet.IPv4{Protocol: internet.UDP, Src: p.a.nics[1].prefixes[0].Addr().As4(), Dst: client.remote.Addr().As4()}
		packet := append(quoted.Append(nil), byte(srcPort>>8), byte(srcPort), 5000>>8, 5000&0xff, 0, 8, 0, 0)
		internet.FillIPv4(packet)
		out := p.r.outbox()
		p.r.reportFrom(p.r.nics[1].prefixes[0].Addr(), p.a.nics[1].prefixes[0].Addr(), internet.ICMPv4Unreachable, internet.ICMPv4FragmentationNeeded, mtu, packet, out)
		out.release()
	}
	mtu := func() int {
		r, err := p.a.routeTo(client.remote.Addr())
		if err != nil {
			t.Fatal(err)
		}
		return r.mtu
	}
	if report(600, client.local.Port()+1); mtu() != 1500 {
		t.Error("believed about another's datagram")
	}
	if report(20, client.local.Port()); mtu() != 552 {
		t.Errorf("%d after a report of 20 bytes", mtu())
	}
	if report(1400, client.local.Port()); mtu() != 552 {
		t.Errorf("a report widened the path to %d", mtu())
	}
}

// A router whose reports are lost is a black hole: what does not fit vanishes, and
// nobody is told. What fits goes on.
func TestBlackHole(t *testing.T) {
	isICMP := func(_ int, frame []byte) sim.Verdict {
		h, _, err := internet.ParseIPv4(frame[link.EthernetLen:])
		return sim.Verdict{Drop: err == nil && h.Protocol == internet.ICMP}
	}
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, sim.Config{}, sim.Config{MTU: 1000})
		p.left.BtoA().Set(sim.Config{Judge: isICMP})
		server, client := udpAcross(t, p)
		for _, size := range []int{1400, 900} {
			if _, err := client.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
		}
		if n, _, err := server.ReadFrom(make([]byte, 2000)); n != 900 || err != nil {
			t.Errorf("%d bytes came: %v", n, err)
		}
		if n := p.r.Counters().Dropped[DropTooBig]; n != 1 {
			t.Errorf("%d dropped", n)
		}
	})
}

// RFC 1812 §4.3.2.8: a flood of bad packets is not answered by one of errors.
func TestErrorsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, sim.Config{}, sim.Config{})
		c, err := p.a.ListenPacket(t.Context(), "udp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			c.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(10, 0, 2, 1), Port: 9})
		}
		time.Sleep(10 * time.Millisecond)
		if n := p.b.Counters(); n.ErrorsOut != 6 || n.ErrorsNot != 94 || n.Dropped[DropNoSocket] != 100 {
			t.Errorf("%+v", n)
		}
	})
}
