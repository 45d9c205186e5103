package cable

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open lays a cable, or skips where that is not allowed.
func open(t *testing.T, c Config) *Cable {
	t.Helper()
	cable, err := Open(c)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOENT) {
		t.Skipf("needs root and /dev/net/tun: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cable.Close(); err != nil {
			t.Error(err)
		}
	})
	return cable
}

// packets opens a UDP socket at an end.
func packets(t *testing.T, e *End) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	err := e.Do(func() (err error) {
		c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: e.Addr.AsSlice()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// TestDelay has no answer come back before light could have made the trip.
func TestDelay(t *testing.T) {
	const there, back = 30 * time.Millisecond, 10 * time.Millisecond
	cable := open(t, Config{AtoB: Direction{Delay: there}, BtoA: Direction{Delay: back}})
	a, b := packets(t, cable.A), packets(t, cable.B)
	buf := make([]byte, 10)
	for range 5 {
		began := time.Now()
		if _, err := a.WriteTo([]byte("ping"), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Read(buf); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d < there {
			t.Errorf("there in %v, before %v", d, there)
		}
		if _, err := b.WriteTo([]byte("pong"), a.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Read(buf); err != nil {
			t.Fatal(err)
		}
		d := time.Since(began)
		if d < there+back {
			t.Errorf("there and back in %v, before %v", d, there+back)
		}
		t.Logf("round trip %v, %v late", d, d-there-back)
	}
}

// TestLossAndCounts sends datagrams one at a time and accounts for each: what
// is not lost arrives, and the seed alone says which are lost.
func TestLossAndCounts(t *testing.T) {
	const sent, seed = 2000, 42
	cable := open(t, Config{AtoB: Direction{Loss: 0.1}, Seed: seed})
	a, b := packets(t, cable.A), packets(t, cable.B)
	twin, missing := newLine(Direction{Loss: 0.1}, seed, 0), map[int]bool{}
	buf := make([]byte, 10)
	for i := range sent {
		text := fmt.Sprint(i)
		if _, err := a.WriteTo([]byte(text), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		if twin.enter(0, nil) == lost {
			missing[i] = true
			continue
		}
		n, err := b.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if string(buf[:n]) != text {
			t.Fatalf("datagram %s arrived, want %s", buf[:n], text)
		}
		twin.frames.pop()
	}
	if got := cable.AtoB.Lost.Load(); got != int64(len(missing)) {
		t.Errorf("%d lost, want %d", got, len(missing))
	}
}

// TestQueueOverflows sends a burst into a slow line: the queue's worth passes.
func TestQueueOverflows(t *testing.T) {
	const queue, size, sent = 20_000, 1000, 100
	cable := open(t, Config{AtoB: Direction{Rate: 8_000, Queue: queue}}) // a byte a millisecond
	a, b := packets(t, cable.A), packets(t, cable.B)
	for range sent {
		if _, err := a.WriteTo(make([]byte, size-42), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	const room = queue / size
	for deadline := time.Now().Add(20 * time.Second); cable.AtoB.Overflowed.Load() < sent-room-5; {
		if time.Now().After(deadline) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	// While the burst came in, the line itself took a frame or a few.
	if got := cable.AtoB.Overflowed.Load(); got > sent-room || got < sent-room-5 {
		t.Errorf("%d frames dropped, want %d", got, sent-room)
	}
}

// TestStream carries a TCP stream through loss, delay and a small queue whole.
func TestStream(t *testing.T) {
	cable := open(t, Both(Direction{Rate: 1e9, Delay: time.Millisecond, Loss: 0.002}))
	data := bytes.Repeat([]byte("through a cable "), 1<<18)
	var l net.Listener
	if err := cable.B.Do(func() (err error) {
		l, err = net.Listen("tcp4", cable.B.Addr.String()+":0")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var c net.Conn
	if err := cable.A.Do(func() (err error) {
		c, err = net.Dial("tcp4", l.Addr().String())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() {
		defer c.Close()
		_, err := c.Write(data)
		sent <- err
	}()
	in, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256(data); !bytes.Equal(h.Sum(nil), want[:]) {
		t.Error("other bytes arrived")
	}
}

// TestStart runs a command inside an end.
func TestStart(t *testing.T) {
	cable := open(t, Config{})
	for _, end := range []*End{cable.A, cable.B} {
		cmd := exec.Command("cat", "/proc/net/dev")
		var out strings.Builder
		cmd.Stdout = &out
		if err := end.Start(cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), device) {
			t.Errorf("at %v the devices are\n%s", end.Addr, out.String())
		}
		if _, err := os.Stat(end.Netns()); err != nil {
			t.Error(err)
		}
	}
}

// TestNothingIsLeft has neither descriptors, nor threads in a namespace that is
// not this process's, after Close; also where Open fails half-way.
func TestNothingIsLeft(t *testing.T) {
	open(t, Config{}).Close()
	home, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	for range 3 {
		cable := open(t, Both(Direction{Delay: time.Second}))
		cable.Close()
		cable.Close()
	}
	if _, err := Open(Config{MTU: 10}); err == nil {
		t.Error("a cable with an MTU of 10")
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	threads, _ := filepath.Glob("/proc/self/task/*/ns/net")
	for _, path := range threads {
		if ns, err := os.Readlink(path); err == nil && ns != home {
			t.Errorf("%s is %s, want %s", path, ns, home)
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestConfigsThatMakeNoSense(t *testing.T) {
	for _, d := range []Direction{
		{Delay: -1}, {Delay: time.Minute}, {Rate: -5}, {Rate: 1}, {Queue: 100}, {Queue: -1}, {Loss: 1.5}, {Loss: -1},
	} {
		if c, err := Open(Both(d)); err == nil {
			c.Close()
			t.Errorf("%+v: opened", d)
		}
	}
}

// BenchmarkCable is TCP through a perfect cable: how much it can carry.
func BenchmarkCable(b *testing.B) {
	cable, err := Open(Config{})
	if err != nil {
		b.Skip(err)
	}
	defer cable.Close()
	var l net.Listener
	var c net.Conn
	err = cable.B.Do(func() (err error) {
		l, err = net.Listen("tcp4", cable.B.Addr.String()+":0")
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	err = cable.A.Do(func() (err error) {
		c, err = net.Dial("tcp4", l.Addr().String())
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		defer c.Close()
		buf := make([]byte, 1<<20)
		for range b.N {
			if _, err := c.Write(buf); err != nil {
				return
			}
		}
	}()
	in, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	b.SetBytes(1 << 20)
	if n, err := io.Copy(io.Discard, in); err != nil || n != int64(b.N)<<20 {
		b.Fatal(n, err)
	}
}
