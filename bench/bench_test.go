package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// asLiar makes this test binary a server that answers wrongly, for the tests
// that start it as one.
const asLiar = "BENCH_TEST_LIAR"

func TestMain(m *testing.M) {
	if os.Getenv(asLiar) != "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Println("listening", l.Addr())
		serveStreams(l, func(_ int64, p []byte) []byte { return p }) // not upper case
		return
	}
	os.Exit(m.Run())
}

// newTestHall builds everything, once for each test that needs it.
func newTestHall(t *testing.T) *hall {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("the generator is C and gcc is not installed")
	}
	h, err := newHall(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// serveStreams answers with what reply makes of the n-th read, until l closes.
func serveStreams(l net.Listener, reply func(n int64, p []byte) []byte) {
	var reads atomic.Int64
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			buf := make([]byte, 64<<10)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				answer := reply(reads.Add(1), buf[:n])
				if answer == nil {
					return
				}
				c.Write(answer)
			}
		}()
	}
}

// TestGeneratorNotices has every kind of wrong answer noticed, after a hundred
// right ones.
func TestGeneratorNotices(t *testing.T) {
	h := newTestHall(t)
	late := func(bad func(p []byte) []byte) func(int64, []byte) []byte {
		return func(n int64, p []byte) []byte {
			p = bytes.ToUpper(p)
			if n > 100 {
				return bad(p)
			}
			return p
		}
	}
	stream := row{kind: flow, network: "tcp", conns: 3, size: 64, depth: 4}
	visit := row{kind: churn, network: "tcp", conns: 3, size: 64, depth: 1}
	for _, test := range []struct {
		name string
		row  row
		bad  func(p []byte) []byte
		want error
	}{
		{"one bit", stream, func(p []byte) []byte { p[len(p)-2] ^= 1; return p }, errWrongBytes},
		{"lower case", stream, bytes.ToLower, errWrongBytes},
		{"twice", stream, func(p []byte) []byte { return slices.Concat(p, p) }, errWrongBytes},
		{"a message missing", stream, func(p []byte) []byte { return append([]byte(" "), p[65%len(p):]...) }, errWrongBytes},
		{"another's message", stream, func(p []byte) []byte { return bytes.Repeat([]byte("A"), len(p)) }, errWrongBytes},
		{"closed", stream, func([]byte) []byte { return nil }, errClosedEarly},
		{"visit, one bit", visit, func(p []byte) []byte { p[0] ^= 1; return p }, errWrongBytes},
		{"visit, too much", visit, func(p []byte) []byte { return append(p, 'X') }, errWrongBytes},
		{"visit, closed", visit, func([]byte) []byte { return nil }, errClosedEarly},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go serveStreams(l, late(test.bad))
			_, err = offerOnce(t, h, test.row, l.Addr().(*net.TCPAddr).Port)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func offerOnce(t *testing.T, h *hall, r row, port int) (map[string]float64, error) {
	t.Helper()
	const short = 100 * time.Millisecond
	g, err := h.offer(t.Context(), r, port, short, short)
	if err != nil {
		return nil, err
	}
	f, err := g.measure()
	if err != nil {
		return nil, err
	}
	return f, g.end()
}

// TestGeneratorCountsLostDatagrams drops some answers, then spoils one, then
// cuts all.
func TestGeneratorCountsLostDatagrams(t *testing.T) {
	h := newTestHall(t)
	r := row{kind: flow, network: "udp", conns: 1, size: 64, depth: 16}
	for _, test := range []struct {
		name  string
		reply func(n int, p []byte) []byte
		want  error
	}{
		{"lost", func(n int, p []byte) []byte {
			if n%500 == 0 {
				return nil
			}
			return p
		}, nil},
		{"spoilt", func(n int, p []byte) []byte {
			if n == 500 {
				p[40] ^= 1
			}
			return p
		}, errWrongBytes},
		{"cut", func(_ int, p []byte) []byte { return p[:len(p)-1] }, errWrongBytes},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go serveDatagrams(c, test.reply)
			f, err := offerOnce(t, h, r, c.LocalAddr().(*net.UDPAddr).Port)
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if test.want == nil && (f["lost"] == 0 || f["requests"] == 0) {
				t.Errorf("got %v, want some lost and some answered", f)
			}
		})
	}
}

func serveDatagrams(c net.PacketConn, reply func(n int, p []byte) []byte) {
	buf := make([]byte, 64<<10)
	for i := 0; ; i++ {
		n, peer, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		if p := reply(i, bytes.ToUpper(buf[:n])); p != nil {
			c.WriteTo(p, peer)
		}
	}
}

// TestPeersAnswer runs every peer that is installed through the rows' kinds.
func TestPeersAnswer(t *testing.T) {
	h := newTestHall(t)
	known := allPeers(h.dir)
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if name == "dialtone" { // the table is its test
			continue
		}
		p := known[name]
		for _, r := range []row{
			{kind: flow, network: "tcp", conns: 1, size: 2, depth: 1},
			{kind: flow, network: "tcp", conns: 20, size: 4096, depth: 16},
			{kind: churn, network: "tcp", conns: 4, size: 64, depth: 1},
			{kind: flow, network: "udp", conns: 1, size: 64, depth: 16},
		} {
			why := p.missing(r)
			if why == "–" { // it does not speak that
				continue
			}
			t.Run(fmt.Sprintf("%s/%s-%d", name, r.network, r.size), func(t *testing.T) {
				if why != "" {
					t.Skipf("%s is %s", name, why)
				}
				s, err := h.start(t.Context(), p, r.network)
				if err != nil {
					t.Fatal(err)
				}
				defer s.stop()
				if f, err := offerOnce(t, h, r, s.port); err != nil || f["requests"] == 0 {
					t.Errorf("got %v, %v", f, err)
				}
			})
		}
	}
}

// TestEpollUpperKernel puts every byte value at every place of a word and of
// the tail, beside neighbours that a carry would spoil.
func TestEpollUpperKernel(t *testing.T) {
	c := dialPeer(t, newTestHall(t), "epoll")
	const words, tail = 2, 4
	for _, around := range []byte{0, 'a', 'z', 0x7f, 0x80, 0xff} {
		for place := range words*8 + tail {
			for value := range 256 {
				message := bytes.Repeat([]byte{around}, words*8+tail)
				message[place] = byte(value)
				if got := exchange(t, c, message); !bytes.Equal(got, asciiUpper(message)) {
					t.Fatalf("%x became %x, want %x", message, got, asciiUpper(message))
				}
			}
		}
	}
}

// TestEpollKeepsUpWithSlowReader offers 8 MiB to a client that reads late: the
// server has to keep what its socket does not take.
func TestEpollKeepsUpWithSlowReader(t *testing.T) {
	c := dialPeer(t, newTestHall(t), "epoll")
	sent := bytes.Repeat([]byte("a slow reader loses nothing\n"), 300_000)
	go c.Write(sent)
	time.Sleep(100 * time.Millisecond) // the buffers fill meanwhile
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, bytes.ToUpper(sent)) {
		t.Error("the answer differs")
	}
}

func dialPeer(t *testing.T, h *hall, name string) net.Conn {
	t.Helper()
	s, err := h.start(t.Context(), allPeers(h.dir)[name], "tcp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

func exchange(t *testing.T, c net.Conn, message []byte) []byte {
	t.Helper()
	if _, err := c.Write(message); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(message))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	return got
}

func asciiUpper(p []byte) []byte {
	out := bytes.Clone(p)
	for i, c := range p {
		if strings.IndexByte("abcdefghijklmnopqrstuvwxyz", c) >= 0 {
			out[i] = c - 32
		}
	}
	return out
}

// TestWrongServerGetsNoFigure puts a server that echoes into a row.
func TestWrongServerGetsNoFigure(t *testing.T) {
	h := newTestHall(t)
	t.Setenv(asLiar, "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	liar := peer{"dialtone", "liar", []string{"tcp"}, func(string) []string { return []string{self} }, 1000}
	p := plan{
		peers: []peer{liar}, time: 50 * time.Millisecond, rounds: 2, scale: 1,
		say: func(string, ...any) {},
	}
	r := serveRows()[1]
	cells := h.measure(context.Background(), p, r)
	if got := r.cell(cells["dialtone"]); got != "wrong bytes" {
		t.Errorf("cell %q, want wrong bytes", got)
	}
}
