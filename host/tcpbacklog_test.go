package host

import (
	"io"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link"
	"dialtone/link/sim"
	"dialtone/transport/tcp"

	"pgregory.net/rapid"
)

// TestBacklogKeepsOrder: whatever comes and goes, connections leave the queue in the
// order in which they came, and handshakes are found from the oldest on.
func TestBacklogKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b backlog
		var handshakes []*handshake
		var queue []*TCPConn
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) {
				h := &handshake{conn: new(TCPConn)}
				b.begin(h)
				handshakes = append(handshakes, h)
			},
			"end": func(t *rapid.T) {
				if len(handshakes) == 0 {
					t.Skip("no handshake")
				}
				i := rapid.IntRange(0, len(handshakes)-1).Draw(t, "handshake")
				h := handshakes[i]
				b.end(h)
				b.end(h) // does nothing
				b.push(h.conn)
				queue = append(queue, h.conn)
				handshakes = append(handshakes[:i:i], handshakes[i+1:]...)
			},
			"pop": func(t *rapid.T) {
				c := b.pop()
				if len(queue) == 0 {
					if c != nil {
						t.Fatal("something came out of nothing")
					}
					return
				}
				if c != queue[0] {
					t.Fatal("another was first")
				}
				queue = queue[1:]
			},
			"": func(t *rapid.T) {
				if b.handshakes != len(handshakes) || b.queued != len(queue) {
					t.Fatalf("%d and %d, want %d and %d", b.handshakes, b.queued, len(handshakes), len(queue))
				}
				at := b.oldest
				for _, h := range handshakes {
					if at != h {
						t.Fatal("another handshake is older")
					}
					at = at.next
				}
				if at != nil {
					t.Fatal("one too many")
				}
			},
		})
	})
}

// TestFloodOfSYNs: many times more SYNs of nobody than there is room for cost bounded
// memory, and one who means it gets in meanwhile.
func TestFloodOfSYNs(t *testing.T) {
	syns := 30_000
	if raceEnabled {
		syns = 12_000
	}
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{Delay: time.Millisecond})
		defer cable.Close()
		server := newHost(t, "server", Attach(cable.A(), "10.0.0.1/16"))
		client := newHost(t, "client", Attach(cable.B(), "10.0.0.2/16"))
		ln, err := server.Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		before := heap()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range syns {
				flood(server, i)
				if i%100 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		}()
		time.Sleep(100 * time.Millisecond) // the table is full by now
		c, err := client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		d, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		<-done
		if n := len(server.Sockets()); n > maxHandshakes+10 {
			t.Errorf("%d sockets", n)
		}
		if more := heap() - before; more > 16<<20 {
			t.Errorf("%d bytes more", more)
		}
		go d.Close()
		if _, err := io.ReadAll(c); err != nil {
			t.Error(err)
		}
		c.Close()
	})
}

// TestEstablishedIsNotForgotten: a handshake that has to make room for another, and is
// over before it is told so, is a connection.
func TestEstablishedIsNotForgotten(t *testing.T) {
	a, _, ln := quietPair(t)
	c, d := open(t, a, ln)
	d.forget()
	c.Write([]byte("hello"))
	d.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := d.Read(make([]byte, 10)); n != 5 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	c.Close()
	d.Close()
}

// flood gives a host the SYN of somebody who is not there.
func flood(h *Host, i int) {
	src := netip.AddrFrom4([4]byte{10, 0, byte(1 + i>>8&0x7f), byte(i)})
	header := tcp.Header{SrcPort: uint16(1024 + i), DstPort: 80, Seq: tcp.Seq(i), Flags: tcp.SYN, Window: 1000}
	out := h.outbox()
	defer out.release()
	h.inputTCP([]packet{{
		src: src, dst: netip.AddrFrom4([4]byte{10, 0, 0, 1}),
		data: header.Append(nil), checksum: link.ChecksumGood, nic: h.nics[1],
	}}, out)
}
