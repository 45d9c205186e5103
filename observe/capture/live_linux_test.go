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
	"slices"
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
				if f.hints&(capture.HintOut|capture.HintPartial) != capture.HintOut|capture.HintPartial {
					t.Fatalf("frame %d: hints %b, want out and partial", i, f.hints)
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
			expr, err := filter.Parse(fmt.Sprintf("udp dst port %d and greater 60", wanted))
			if err != nil {
				t.Fatal(err)
			}
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

// tagged is an Ethernet frame from v1 to v0 with 802.1Q and 802.1ad tags.
func tagged(tags ...uint32) []byte {
	b := append([]byte{2, 0, 0, 0, 0, 1}, 2, 0, 0, 0, 0, 2)
	for _, tag := range tags {
		b = binary.BigEndian.AppendUint32(b, tag)
	}
	b = binary.BigEndian.AppendUint16(b, 0x88b5) // for experiments
	return append(b, bytes.Repeat([]byte{0x55}, 46)...)
}

// transmit sends frames out of an interface.
func transmit(t testing.TB, name string, frames ...[]byte) {
	t.Helper()
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, f := range frames {
		if err := unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: ifi.Index, Halen: 6}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVLANTagsArePutBack(t *testing.T) {
	for _, c := range []struct {
		name, expr string
		want       []int // of the frames below
	}{
		{"v0", "", []int{0, 1, 2}},
		{"v1", "", []int{0, 1, 2}},
		{"v0", "vlan", []int{1, 2}},
		{"v0", "vlan 7", []int{1, 2}},
		{"v0", "vlan 9", []int{2}},
		{"v0", "not vlan", []int{0}},
		{"v0", "ether proto 0x88b5 and greater 64", []int{1, 2}},
		{"v0", "less 60", []int{0}},
		{"v0", "ether src host 02:00:00:00:00:02 and vlan 9", []int{2}},
	} {
		t.Run(c.name+" "+c.expr, func(t *testing.T) {
			t.Parallel()
			namespace(t, veths...)
			frames := [][]byte{tagged(), tagged(0x8100_6007), tagged(0x88a8_0007, 0x8100_0009)}
			only, err := filter.Parse("ether proto 0x88b5 and (" + cmpOr(c.expr, "greater 0") + ")")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			l := open(t, ctx, capture.LiveConfig{Interface: c.name, Filter: only.Kernel})
			transmit(t, "v1", frames...)
			got := rest(t, l, cancel)
			if len(got) != len(c.want) {
				t.Fatalf("captured %d frames, want %d", len(got), len(c.want))
			}
			for i, f := range got {
				if want := frames[c.want[i]]; !bytes.Equal(f.data, want) || f.wire != len(want) {
					t.Errorf("frame %d, %d bytes on the wire: % x\nwant % x", i, f.wire, f.data[:24], want[:24])
				}
				if out := f.hints&capture.HintOut != 0; out != (c.name == "v1") {
					t.Errorf("frame %d on %s: out is %v", i, c.name, out)
				}
			}
		})
	}
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func TestCookedFramesKeepTheirTag(t *testing.T) {
	t.Parallel()
	namespace(t, veths...)
	expr, err := filter.Parse("vlan 7")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := open(t, ctx, capture.LiveConfig{Filter: expr.Kernel})
	transmit(t, "v1", tagged(), tagged(0x8100_6007))
	v0, err := net.InterfaceByName("v0")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rest(t, l, cancel) {
		if binary.BigEndian.Uint32(f.data[4:]) != uint32(v0.Index) {
			continue // on its way out of v1
		}
		// SLL2: protocol, index, Ethernet, to this host, six bytes of sender; the tag behind it.
		want := append([]byte{0x81, 0, 0, 0, 0, 0, 0, byte(v0.Index), 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0}, 0x60, 7, 0x88, 0xb5, 0x55)
		if !bytes.HasPrefix(f.data, want) || f.wire != len(f.data) {
			t.Errorf("% x\nwant % x", f.data[:25], want)
		}
		return
	}
	t.Error("the tagged frame was not captured")
}

func TestSuperSegmentsAreNamed(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			namespace(t)
			ctx, cancel := context.WithCancel(context.Background())
			l := open(t, ctx, capture.LiveConfig{Interface: "lo"})
			if network == "tcp" {
				stream(t, 1<<20)
			} else {
				segmented(t, sink(t))
			}
			super, longest := 0, 0
			for _, f := range rest(t, l, cancel) {
				if f.hints&capture.HintSuper != 0 {
					super++
					longest = max(longest, f.wire)
				}
			}
			if super == 0 || longest < 3000 {
				t.Errorf("%d super-segments, the longest of %d bytes", super, longest)
			}
		})
	}
}

// stream sends n bytes over a TCP connection on loopback whose segments are short.
func stream(t testing.TB, n int) {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		cerr := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 1000) })
		return errors.Join(cerr, err)
	}}
	ln, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	out, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	in, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	done := make(chan error)
	go func() {
		_, err := io.Copy(io.Discard, in)
		done <- err
	}()
	if _, err := out.Write(make([]byte, n)); err != nil {
		t.Error(err)
	}
	out.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// segmented hands the kernel several datagrams in one piece (UDP_SEGMENT).
func segmented(t testing.TB, port uint16) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 1000); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendto(fd, make([]byte, 5000), 0, &unix.SockaddrInet4{Port: int(port), Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
}

func TestInterfaceGoingDownEndsTheCapture(t *testing.T) {
	for name, command := range map[string]string{"down": "link set v0 down", "gone": "link del v0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace(t, veths...)
			expr, err := filter.Parse("ether proto 0x88b5")
			if err != nil {
				t.Fatal(err)
			}
			l := open(t, context.Background(), capture.LiveConfig{Interface: "v0", Filter: expr.Kernel})
			transmit(t, "v1", tagged(), tagged(), tagged())
			if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for range 3 { // captured before
				if _, err := l.Next(); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				_, err := l.Next()
				var down *capture.InterfaceError
				if !errors.As(err, &down) || down.Name != "v0" || !errors.Is(err, syscall.ENETDOWN) {
					t.Fatalf("Next: %v, want that v0 went down", err)
				}
			}
		})
	}
}

func TestRawInterfacesHaveNoFrame(t *testing.T) {
	t.Parallel()
	namespace(t, "tuntap add t0 mode tun", "addr add 192.0.2.1/24 dev t0", "link set t0 up")
	tun, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no TUN device here: %v", err)
	}
	defer unix.Close(tun)
	r, err := unix.NewIfreq("t0")
	if err != nil {
		t.Fatal(err)
	}
	r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(tun, unix.TUNSETIFF, r); err != nil {
		t.Fatal(err)
	}
	expr, err := filter.Parse("udp dst port 9 and dst host 192.0.2.2")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := open(t, ctx, capture.LiveConfig{Interface: "t0", Filter: expr.Kernel})
	c, err := net.Dial("udp", "192.0.2.2:9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	frames := rest(t, l, cancel)
	if l.Link() != capture.LinkRaw || len(frames) != 1 || !bytes.HasSuffix(frames[0].data, []byte("hello")) || frames[0].data[0] != 0x45 {
		t.Errorf("link type %d, frames %v", l.Link(), frames)
	}
}

func TestInterfaceErrorsSayWhich(t *testing.T) {
	t.Parallel()
	namespace(t, append(slices.Clone(veths), "link set v1 down")...)
	_, err := capture.OpenLive(context.Background(), capture.LiveConfig{Interface: "eth7"})
	var unknown *capture.InterfaceError
	if !errors.As(err, &unknown) || !slices.Contains(unknown.Known, "v0") || !slices.Contains(unknown.Known, "any") {
		t.Errorf("unknown interface: %v", err)
	}
	_, err = capture.OpenLive(context.Background(), capture.LiveConfig{Interface: "v1"})
	if !errors.Is(err, syscall.ENETDOWN) {
		t.Errorf("interface that is down: %v", err)
	}
}

// TestMissingRightIsNamed gives up CAP_NET_RAW on its thread alone.
func TestMissingRightIsNamed(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread() // for good: the thread ends with the test
	var head unix.CapUserHeader
	var data [2]unix.CapUserData
	head.Version = unix.LINUX_CAPABILITY_VERSION_3
	if err := unix.Capget(&head, &data[0]); err != nil {
		t.Fatal(err)
	}
	data[0].Effective &^= 1 << unix.CAP_NET_RAW
	if err := unix.Capset(&head, &data[0]); err != nil {
		t.Fatal(err)
	}
	_, err := capture.OpenLive(context.Background(), capture.LiveConfig{Interface: "lo"})
	var right *capture.RightError
	if !errors.As(err, &right) || !errors.Is(err, syscall.EPERM) {
		t.Fatalf("%v, want a RightError", err)
	}
	for _, part := range []string{"CAP_NET_RAW", "setcap cap_net_raw+ep"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
}
