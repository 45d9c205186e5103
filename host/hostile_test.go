package host

import (
	"errors"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/link/sim"
)

// TestFragmentBomb: beginnings of datagrams that never become whole cost 4 MiB and
// what tables hold, one who means it gets through meanwhile, and all of it is given
// back.
func TestFragmentBomb(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := sim.NewSwitch()
		defer lan.Close()
		a := newHost(t, "a", Attach(lan.Cable(sim.Config{}).A(), "10.0.0.1/24"))
		b := newHost(t, "b", Attach(lan.Cable(sim.Config{}).A(), "10.0.0.2/24"))
		bomber := lan.Cable(sim.Config{}).A()
		ask := func() {
			t.Helper()
			if _, err := a.Ping(t.Context(), "10.0.0.2", Ping{Size: 4000, MayBeCut: true}); err != nil {
				t.Error(err)
			}
		}
		ask()
		before := heap()
		const bombs = 20_000
		for i := range bombs {
			bomber.Send([]*link.Frame{beginning(b, uint16(i))})
			if i%1000 == 0 {
				ask()
			}
		}
		if more := heap() - before; more > 8<<20 {
			t.Errorf("%d bytes more", more)
		}
		if n := b.Counters().Fragments.Evicted; n < bombs/2 {
			t.Errorf("%d datagrams made room", n)
		}
		time.Sleep(time.Minute)
		ask()
		if more := heap() - before; more > 1<<20 {
			t.Errorf("%d bytes are left a minute later", more)
		}
	})
}

// beginning is the first fragment of a datagram to h.
func beginning(h *Host, id uint16) *link.Frame {
	f := link.NewFrame(1480)
	clear(f.Data)
	header := internet.IPv4{
		Protocol: internet.UDP, TTL: 64, ID: id, Flags: internet.MoreFragments,
		Src: [4]byte{10, 0, 0, 77}, Dst: [4]byte{10, 0, 0, 2},
	}
	header.Append(f.Prepend(header.Size())[:0])
	internet.FillIPv4(f.Data)
	f.Prepend(link.EthernetLen)
	writeEthernet(f, h.nics[1].mac, link.MAC{2}, link.TypeIPv4)
	return f
}

// TestNobodyReads: what is written to one who never reads is bounded by the buffers of
// both ends, in bytes and in memory.
func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, ln := quietPair(t)
		c, d := open(t, a, ln)
		before := heap()
		c.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := c.Write(make([]byte, 64<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n > 12<<20 {
			t.Errorf("%d bytes, %v", n, err)
		}
		// Rings are powers of two: 4 MiB, and 8 that 6 MiB are in.
		if more := heap() - before; more > 13<<20 {
			t.Errorf("%d bytes of memory", more)
		}
		c.Abort()
		d.Abort()
	})
}

// TestTCPAllocatesNothing: bytes there and back cost no garbage, few or many.
func TestTCPAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, and frames are poisoned")
	}
	a, _, ln := quietPair(t)
	c, d := open(t, a, ln)
	for _, size := range []int{1, 1400, 40_000} {
		buffer := make([]byte, size)
		carry := func(from, to *TCPConn) {
			from.Write(buffer)
			for n := 0; n < size; {
				k, err := to.Read(buffer)
				if err != nil {
					t.Fatal(err)
				}
				n += k
			}
		}
		trip := func() {
			carry(c, d)
			carry(d, c)
		}
		for range 20 {
			trip() // rings and free lists have their size
		}
		if n := testing.AllocsPerRun(200, trip); n > 0.1 {
			t.Errorf("%v allocations for %d bytes and their way back", n, size)
		}
	}
}

// TestFullQueue: of connections that nobody accepts there are so many as
// the queue holds; who comes then waits, and gets in when there is room.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, ln := quietPair(t)
		server := netip.MustParseAddrPort("10.0.0.2:80")
		for range maxQueue + 1 {
			if _, err := a.DialTCP(t.Context(), netip.AddrPort{}, server); err != nil {
				t.Fatal(err)
			}
		}
		late := make(chan error)
		go func() {
			_, err := a.DialTCP(t.Context(), netip.AddrPort{}, server)
			late <- err
		}()
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if n := len(b.Sockets()); n != 1+maxQueue+1 {
			t.Errorf("%d sockets", n)
		}
		if _, err := ln.Accept(); err != nil {
			t.Error(err)
		}
		if err := <-late; err != nil {
			t.Error(err)
		}
	})
}
