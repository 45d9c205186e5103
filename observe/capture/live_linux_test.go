package capture_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/observe/capture"
	"dialtone/observe/filter"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// namespace puts the test into a network namespace of its own, whose loopback
// interface is up, and runs the given ip commands in it. The test's thread ends with it.
func namespace(t testing.TB, commands ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		t.Skipf("no network namespaces here: %v", err)
	}
	for _, c := range append([]string{"link set lo up"}, commands...) {
		if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", c, err, out)
		}
	}
}

// veths are two interfaces, v0 and v1, with a cable between.
var veths = []string{
	"link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02",
	"addr add 192.0.2.1/24 dev v0", "link set v0 up", "link set v1 up",
}

func open(t testing.TB, ctx context.Context, c capture.LiveConfig) *capture.Live {
	t.Helper()
	l, err := capture.OpenLive(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return l
}

func expression(t testing.TB, text string) *filter.Expr {
	t.Helper()
	e, err := filter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// frame is what tests keep of a record.
type frame struct {
	data  []byte
	wire  int
	time  int64
	hints capture.Hints
}

// rest ends the capture and returns every frame of it.
func rest(t testing.TB, l *capture.Live, cancel func()) (list []frame) {
	t.Helper()
	cancel()
	for {
		r, err := l.Next()
		if errors.Is(err, io.EOF) {
			if s := l.Stats(); s.Captured != int64(len(list)) || s.Dropped != 0 {
				t.Errorf("%d frames were handed out; stats %+v", len(list), s)
			}
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.Number != int64(len(list)+1) || r.Link != l.Link() || r.Offset != -1 {
			t.Errorf("frame %d: number %d, link %d, offset %d", len(list)+1, r.Number, r.Link, r.Offset)
		}
		list = append(list, frame{bytes.Clone(r.Data), r.Wire, r.Time, r.Hints})
	}
}

// datagrams sends n numbered datagrams of size bytes to port, from another one.
func datagrams(t testing.TB, n, size int, port uint16) {
	t.Helper()
	c, err := net.Dial("udp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range n {
		b := make([]byte, size)
		binary.BigEndian.PutUint32(b, uint32(i))
		if _, err := c.Write(b); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
	}
}

// sink takes what is sent to it, so that no ICMP answers.
func sink(t testing.TB) (port uint16) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

func TestLoopbackFramesOnceAndInOrder(t *testing.T) {
	for _, name := range []string{"lo", "any"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace(t)
			port := sink(t)
			ctx, cancel := context.WithCancel(context.Background())
			l := open(t, ctx, capture.LiveConfig{Interface: name})
			header := map[string]int{"lo": 14, "any": 20}[name]
			before := time.Now().UnixNano()
			const n = 5000
			datagrams(t, n, 100, port)
			frames := rest(t, l, cancel)
			if len(frames) != n {
				t.Fatalf("captured %d frames of %d", len(frames), n)
			}
			for i, f := range frames {
				if got := binary.BigEndian.Uint32(f.data[header+28:]); got != uint32(i) {
					t.Fatalf("frame %d holds datagram %d", i, got)
				}
				if f.wire != header+128 || len(f.data) != f.wire {
					t.Fatalf("frame %d: %d of %d bytes, want %d", i, len(f.data), f.wire, header+128)
				}
				if f.time < before || f.time > time.Now().UnixNano() {
					t.Fatalf("frame %d at %v, sent after %v", i, f.time, before)
				}
				if f.hints != capture.HintOut|capture.HintPartial {
					t.Fatalf("frame %d: hints %b, want out and partial alone", i, f.hints)
				}
			}
		})
	}
}

func TestOneFrameComesAtOnce(t *testing.T) {
	t.Parallel()
	namespace(t)
	port := sink(t)
	l := open(t, context.Background(), capture.LiveConfig{Interface: "lo"})
	for range 3 { // each alone, with no end of the capture behind it
		datagrams(t, 1, 8, port)
		if _, err := l.Next(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	t.Parallel()
	namespace(t)
	ctx, cancel := context.WithCancel(context.Background())
	l := open(t, ctx, capture.LiveConfig{Interface: "lo"})
	ended := make(chan error)
	go func() {
		_, err := l.Next()
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("Next: %v, want EOF", err)
	}
	if _, err := l.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("Next again: %v, want EOF", err)
	}
}

func TestFilterRunsInTheKernel(t *testing.T) {
	for _, name := range []string{"lo", "any"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace(t)
			wanted, other := sink(t), sink(t)
			expr := expression(t, fmt.Sprintf("udp dst port %d and greater 60", wanted))
			ctx, cancel := context.WithCancel(context.Background())
			l := open(t, ctx, capture.LiveConfig{Interface: name, Filter: expr.Kernel, Snaplen: 50})
			datagrams(t, 20, 200, other)
			datagrams(t, 10, 200, wanted)
			datagrams(t, 10, 4, wanted)
			frames := rest(t, l, cancel)
			if len(frames) != 10 {
				t.Fatalf("captured %d frames, want 10", len(frames))
			}
			header := len(frames[0].data) - 50
			if header != map[string]int{"lo": 0, "any": 20}[name] || frames[0].wire < 228 {
				t.Errorf("a frame of %d bytes has %d, want it cut to 50", frames[0].wire, len(frames[0].data))
			}
		})
	}
}

func TestBrokenFilterIsRefused(t *testing.T) {
	t.Parallel()
	namespace(t)
	for name, f := range map[string]func(capture.LinkType) ([]bpf.RawInstruction, error){
		"by its compiler": func(capture.LinkType) ([]bpf.RawInstruction, error) { return nil, io.ErrNoProgress },
		"by the kernel":   func(capture.LinkType) ([]bpf.RawInstruction, error) { return []bpf.RawInstruction{{Op: 0xffff}}, nil },
		"without an end":  func(capture.LinkType) ([]bpf.RawInstruction, error) { return nil, nil },
	} {
		for _, ifi := range []string{"lo", "any"} {
			if l, err := capture.OpenLive(context.Background(), capture.LiveConfig{Interface: ifi, Filter: f}); err == nil {
				l.Close()
				t.Errorf("a filter refused %s was taken on %s", name, ifi)
			}
		}
	}
}

func TestFullRingCountsDrops(t *testing.T) {
	t.Parallel()
	namespace(t)
	port := sink(t)
	ctx, cancel := context.WithCancel(context.Background())
	l := open(t, ctx, capture.LiveConfig{Interface: "lo", Buffer: 1})
	const n = 4000
	datagrams(t, n, 1000, port) // four times the smallest ring, and nobody reads
	cancel()
	count := int64(0)
	for {
		if _, err := l.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		count++
	}
	s := l.Stats()
	if s.Dropped == 0 || s.Captured != count || s.Captured+s.Dropped != n {
		t.Errorf("sent %d, handed out %d, stats %+v", n, count, s)
	}
}
