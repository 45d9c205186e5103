package host

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"dialtone/link"

	"pgregory.net/rapid"
)

// What nobody reads is lost once the queue is full, is counted, and what is read is in
// order; memory is bounded whatever the size of the datagrams.
func TestReceiveQueueIsBounded(t *testing.T) {
	for _, size := range []int{0, 1, 1400, 60000} {
		sent := min(3000, 20_000_000/(size+1)) // more than there is room for
		a, b := newPair(t)
		server, err := b.ListenPacket(t.Context(), "udp", ":5000")
		if err != nil {
			t.Fatal(err)
		}
		client, err := a.DialContext(t.Context(), "udp", "10.0.0.2:5000")
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, size)
		for i := range sent {
			if size > 0 {
				data[0] = byte(i)
			}
			if _, err := client.Write(data); err != nil {
				t.Fatal(err)
			}
		}
		q := &server.(*UDPConn).queue
		count, drops := q.count, b.Counters().Dropped[DropReceiveFull]
		if count == 0 || q.held > q.limit || uint64(count)+drops != uint64(sent) {
			t.Errorf("%d bytes: %d wait, %d bytes of memory, %d dropped", size, count, q.held, drops)
		}
		buffer := make([]byte, 1<<16)
		for i := range count {
			if n, _, err := server.ReadFrom(buffer); n != size || err != nil || n > 0 && buffer[0] != byte(i) {
				t.Fatalf("datagram %d: %d bytes, %v", i, n, err)
			}
		}
		server.SetReadDeadline(time.Now())
		if _, _, err := server.ReadFrom(buffer); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		if q.held != 0 || q.bytes != 0 {
			t.Errorf("%d bytes of memory are left", q.held)
		}
		a.Close()
		b.Close()
	}
}

// A queue is a queue.
func TestUDPQueueProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := udpQueue{limit: rapid.IntRange(0, 5000).Draw(t, "limit")}
		var model []int
		next, held := 0, 0
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "push") {
				f := link.NewFrame(rapid.IntRange(0, 300).Draw(t, "size"))
				d := datagram{data: f.Data, frame: f}
				if q.push(d) != (len(model) == 0 || held+d.cost() <= q.limit) {
					t.Fatalf("limit %d, %d held, %d more", q.limit, held, d.cost())
				}
				if q.count > len(model) {
					d.frame.Data[:cap(f.Data)][0] = byte(next)
					model, held, next = append(model, next), held+d.cost(), next+1
				}
			} else if len(model) > 0 {
				d := q.pop()
				if d.data[:1][0] != byte(model[0]) {
					t.Fatalf("got %d, want %d", d.data[:1][0], model[0])
				}
				model, held = model[1:], held-d.cost()
			}
			if q.count != len(model) || q.held != held {
				t.Fatalf("%d of %d bytes, want %d of %d", q.count, q.held, len(model), held)
			}
		}
	})
}

// A datagram to another host and its answer cost no garbage.
func TestUDPAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, and frames are poisoned")
	}
	a, b := newPair(t)
	s, err := b.ListenPacket(t.Context(), "udp", ":5000")
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.DialContext(t.Context(), "udp", "10.0.0.2:5000")
	if err != nil {
		t.Fatal(err)
	}
	server, client := s.(*UDPConn), c.(*UDPConn)
	buffer := make([]byte, 1400)
	trip := func() {
		client.Write(buffer)
		n, from, err := server.ReadFromUDPAddrPort(buffer)
		if err != nil {
			t.Fatal(err)
		}
		server.WriteToUDPAddrPort(buffer[:n], from)
		client.Read(buffer)
	}
	trip() // ARP, routes, rings
	if n := testing.AllocsPerRun(200, trip); n > 0.1 {
		t.Errorf("%v allocations for a datagram and its answer", n)
	}
}

// A host that is closed in the middle of traffic takes all sockets along.
func TestCloseInTraffic(t *testing.T) {
	a, b := newPair(t)
	var group sync.WaitGroup
	for range 4 {
		server, err := b.ListenPacket(t.Context(), "udp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		port := server.LocalAddr().(*net.UDPAddr).Port
		client, err := a.ListenPacket(t.Context(), "udp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			for buffer := make([]byte, 100); ; {
				if _, _, err := server.ReadFrom(buffer); err != nil {
					if !errors.Is(err, net.ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		})
		group.Go(func() {
			for {
				if _, err := client.WriteTo(make([]byte, 100), &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: port}); err != nil {
					if !errors.Is(err, net.ErrClosed) && !errors.Is(err, syscall.ECONNREFUSED) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	time.Sleep(10 * time.Millisecond)
	b.Close()
	a.Close()
	group.Wait()
	if len(a.Sockets()) != 0 || len(b.Sockets()) != 0 {
		t.Errorf("%v %v", a.Sockets(), b.Sockets())
	}
	if _, err := a.ListenPacket(t.Context(), "udp", ":0"); err == nil {
		t.Error("a closed host opens sockets")
	}
}

func BenchmarkUDP(b *testing.B) {
	x, y := newPair(b)
	s, err := y.ListenPacket(b.Context(), "udp", ":5000")
	if err != nil {
		b.Fatal(err)
	}
	c, err := x.DialContext(b.Context(), "udp", "10.0.0.2:5000")
	if err != nil {
		b.Fatal(err)
	}
	buffer := make([]byte, 1400)
	b.ReportAllocs()
	for b.Loop() {
		c.Write(buffer)
		if _, _, err := s.(*UDPConn).ReadFromUDPAddrPort(buffer); err != nil {
			b.Fatal(err)
		}
	}
}
