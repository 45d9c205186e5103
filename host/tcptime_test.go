package host

import (
	"errors"
	"io"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link/sim"
	"dialtone/transport/tcp"
)

// deaf is a cable that carries ARP only: hosts know of one another, and hear nothing.
var deaf = sim.Config{Delay: 10 * time.Millisecond, Judge: func(_ int, frame []byte) sim.Verdict {
	return sim.Verdict{Drop: frame[12] == 8 && frame[13] == 0}
}}

// joined are two hosts on a cable and a connection between them.
type joined struct {
	cable *sim.Cable
	a, b  *Host
	c, d  *TCPConn // dialed by a; accepted by b
}

// joinOver connects two hosts over a cable. It is for bubbles.
func joinOver(t *testing.T, config sim.Config, options ...Option) *joined {
	t.Helper()
	j := &joined{cable: sim.NewCable(config)}
	j.a = newHost(t, "a", append(options, Attach(j.cable.A(), "10.0.0.1/24"))...)
	j.b = newHost(t, "b", append(options, Attach(j.cable.B(), "10.0.0.2/24"))...)
	t.Cleanup(func() { j.cable.Close() })
	ln, err := j.b.ListenTCP(netip.MustParseAddrPort("0.0.0.0:80"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if j.c, err = j.a.DialTCP(t.Context(), netip.AddrPort{}, netip.MustParseAddrPort("10.0.0.2:80")); err != nil {
		t.Fatal(err)
	}
	if j.d, err = ln.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	return j
}

// TestAnHourOfSilence: the peer is asked every 15 seconds, and the connection lives;
// without a cable it does not.
func TestAnHourOfSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := joinOver(t, sim.Config{Delay: 10 * time.Millisecond})
		time.Sleep(time.Hour)
		if _, err := j.c.Write([]byte("still there?")); err != nil {
			t.Fatal(err)
		}
		if n, err := j.d.Read(make([]byte, 100)); n != 12 || err != nil {
			t.Fatalf("after an hour %d, %v", n, err)
		}
		if asked := j.c.Info().Probes; asked < 120 || asked > 240 {
			t.Errorf("asked %d times in an hour", asked)
		}
		j.cable.Set(deaf)
		start := time.Now()
		_, err := j.d.Read(make([]byte, 100))
		wantError(t, err, "read", syscall.ETIMEDOUT, "read: connection timed out")
		if d := time.Since(start); d < 2*time.Minute || d > 3*time.Minute {
			t.Errorf("a dead peer is noticed after %v, want 10 times 15s", d)
		}
	})
}

// TestFifteenRetransmissions: written bytes are sent again fifteen times, each time
// after twice as long, and after the next such time the connection is given up, as
// Linux does with tcp_retries2 of 15.
func TestFifteenRetransmissions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := joinOver(t, sim.Config{Delay: 10 * time.Millisecond})
		j.cable.Set(deaf)
		want := j.c.Info().RTO // first there is a tail loss probe, here in the RTO's place
		for i := range 16 {
			want += min(j.c.Info().RTO<<i, 2*time.Minute)
		}
		start := time.Now()
		if _, err := j.c.Write([]byte("anybody?")); err != nil {
			t.Fatal(err)
		}
		_, err := j.c.Read(make([]byte, 1))
		wantError(t, err, "read", syscall.ETIMEDOUT, "connection timed out")
		if d := time.Since(start).Round(time.Millisecond); d != want.Round(time.Millisecond) {
			t.Errorf("given up after %v, want %v", d, want)
		}
		if n := j.c.Info().Timeouts; n != 15 {
			t.Errorf("sent %d times again", n)
		}
	})
}

// TestTimeWaitLastsAMinute: a record of it stays, answers a FIN that comes again, and
// goes.
func TestTimeWaitLastsAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := joinOver(t, sim.Config{Delay: 10 * time.Millisecond})
		j.c.CloseWrite()
		io.ReadAll(j.d)
		j.d.Close()
		io.ReadAll(j.c)
		j.c.Close()
		time.Sleep(time.Second)
		if list := j.b.Sockets(); len(list) != 0 {
			t.Errorf("the passive end still has %v", list)
		}
		waiting := func() bool {
			list := j.a.Sockets()
			return len(list) == 1 && list[0].State == tcp.TimeWait
		}
		if !waiting() {
			t.Errorf("after closing: %v", j.a.Sockets())
		}
		time.Sleep(58 * time.Second)
		if !waiting() {
			t.Errorf("after 59 seconds: %v", j.a.Sockets())
		}
		time.Sleep(2 * time.Second)
		if list := j.a.Sockets(); len(list) != 0 {
			t.Errorf("after 61 seconds: %v", list)
		}
	})
}

// TestDialTimesOut: a SYN is sent again for four minutes, where RFC 9293 §3.8.3 asks
// for three at least (MUST-23): five times after a second, as Linux does, then after
// twice as long each time, up to two minutes.
func TestDialTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := joinOver(t, sim.Config{Delay: 10 * time.Millisecond})
		j.cable.Set(deaf)
		start := time.Now()
		_, err := j.a.DialContext(t.Context(), "tcp", "10.0.0.2:81")
		wantError(t, err, "dial", syscall.ETIMEDOUT, "dial tcp 10.0.0.2:81: connect: connection timed out")
		const want = (5*1 + 2 + 4 + 8 + 16 + 32 + 64 + 120) * time.Second
		if d := time.Since(start).Round(time.Millisecond); d != want {
			t.Errorf("given up after %v, want %v", d, want)
		}
		if errors.Is(err, syscall.EHOSTUNREACH) {
			t.Error("the host was there")
		}
	})
}

// TestAcknowledgmentsSpareARP: while a connection is in use its ends do not ask one
// another's link address again.
func TestAcknowledgmentsSpareARP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		tap := func(_ time.Time, _ bool, frame []byte) {
			if frame[12] == 8 && frame[13] == 6 {
				asked++
			}
		}
		j := joinOver(t, sim.Config{Delay: time.Millisecond, TapA: tap})
		synctest.Wait()
		atFirst := asked
		buffer := make([]byte, 1)
		for range 3600 {
			j.c.Write(buffer)
			j.d.Read(buffer)
			j.d.Write(buffer)
			j.c.Read(buffer)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if asked != atFirst {
			t.Errorf("%d frames of ARP in an hour", asked-atFirst)
		}
	})
}

// TestSilentNeighborIsAsked: who is not heard of by what sends to it is asked by ARP
// whether it is still there.
func TestSilentNeighborIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := newCable(t, sim.Config{Delay: time.Millisecond})
		a, b := newPairOn(t, cable)
		c, err := a.DialContext(t.Context(), "udp", "10.0.0.2:5000")
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.ListenPacket(t.Context(), "udp", ":5000")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		c.Write(nil)
		time.Sleep(40 * time.Second)
		before := cable.AtoB().Counts().Frames
		c.Write(nil)
		time.Sleep(20 * time.Second)
		if n := cable.AtoB().Counts().Frames - before; n != 2 {
			t.Errorf("%d frames, want a datagram and a question", n)
		}
	})
}

// TestDialOfNobody: a machine of our own network that does not answer ARP is known to be
// unreachable long before the SYN times out.
func TestDialOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{})
		defer cable.Close()
		h := newHost(t, "alone", Attach(cable.A(), "10.0.0.1/24"))
		begin := time.Now()
		_, err := h.DialContext(t.Context(), "tcp", "10.0.0.2:80")
		wantError(t, err, "dial", syscall.EHOSTUNREACH, "dial tcp 10.0.0.2:80: connect: no route to host")
		if took := time.Since(begin); took > 4*time.Second {
			t.Errorf("known after %v", took)
		}
	})
}
