package kernel

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dialtone/host"
	"dialtone/link"
	"dialtone/link/netns"
	"dialtone/link/tap"
	"dialtone/observe/flow"
)

// Where the two ends are.
const (
	kernelIP = "10.9.0.1"
	ourIP    = "10.9.0.2"
)

// long is whether tests take their time: a GiB, a minute.
var long = os.Getenv("DIALTONE_LONG") != ""

// setting is how a yard is.
type setting struct {
	mtu     int               // 0: 1500
	supers  bool              // the kernel hands over frames of up to 64 KiB
	sysctls map[string]string // of the kernel's TCP, by their last part
	lose    int               // each lose-th frame either way, of those with payload; 0: none
	snap    int               // bytes of a frame that are captured; 0: all
	may     []flow.Label      // what is caused, beside what every conversation may have
}

// yard is a host of ours and a kernel, joined by a TAP device.
type yard struct {
	*testing.T
	setting
	ns      string
	host    *host.Host
	device  *tap.Device
	watcher *watcher
}

var yards atomic.Int64

// newYard makes a yard. When the test ends, what passed is judged.
func newYard(t *testing.T, s setting, programs ...string) *yard {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a TAP device in a network namespace needs root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("no TAP devices here: ", err)
	}
	for _, p := range append(programs, "ip", "tc", "sysctl") {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed (.ci/prepare does)", p)
		}
	}
	y := &yard{T: t, setting: s, ns: fmt.Sprintf("tap-%d-%d", os.Getpid(), yards.Add(1))}
	y.run("ip", "netns", "add", y.ns)
	t.Cleanup(func() { y.run("ip", "netns", "delete", y.ns) })
	y.inside("ip", "link", "set", "lo", "up")
	for name, value := range s.sysctls {
		y.inside("sysctl", "-qw", "net.ipv4.tcp_"+name+"="+value)
	}
	d, err := tap.Open(tap.Config{
		Name: "tap0", Netns: "/run/netns/" + y.ns, MTU: s.mtu, SuperFrames: s.supers,
		Prefix: netip.PrefixFrom(netip.MustParseAddr(kernelIP), 24),
	})
	if err != nil {
		t.Fatal(err)
	}
	y.device = d
	y.watcher = newWatcher(t, s.snap)
	y.host = host.New("h", host.Attach(y.watcher.recorder.Port(0, &lossy{Port: d, each: s.lose}), ourIP+"/24"))
	t.Cleanup(y.close)
	return y
}

func (y *yard) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := y.host.Shutdown(ctx); err != nil {
		y.Errorf("%v; sockets %+v", err, y.host.Sockets())
	}
	y.judge()
	y.device.Close()
}

// run runs a program and returns its output.
func (y *yard) run(name string, args ...string) string {
	y.Helper()
	return y.feed(nil, name, args...)
}

// inside runs a program in the kernel's namespace.
func (y *yard) inside(args ...string) string {
	y.Helper()
	return y.feed(nil, "ip", append([]string{"netns", "exec", y.ns}, args...)...)
}

// feedInside is inside for a program that has an input.
func (y *yard) feedInside(in io.Reader, args ...string) string {
	y.Helper()
	return y.feed(in, "ip", append([]string{"netns", "exec", y.ns}, args...)...)
}

func (y *yard) feed(in io.Reader, name string, args ...string) string {
	y.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		y.Fatalf("%s %v: %v\n%s%s", name, args, err, out, &stderr)
	}
	return string(out)
}

// start starts a program in the namespace, which ends with the test.
func (y *yard) start(args ...string) *output {
	y.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", y.ns}, args...)...)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		y.Fatal(err)
	}
	y.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if y.Failed() {
			y.Logf("%v:\n%s", args, out)
		}
	})
	return out
}

// output is what a program has written until now.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// sockets are package net's calls, of a host or of a kernel.
type sockets interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	Listen(ctx context.Context, network, address string) (net.Listener, error)
}

func (y *yard) kernel() netns.Namespace { return netns.Named(y.ns) }

// bothRoles runs a test with the host as the server, and as the client, in one yard at
// the same time.
func bothRoles(t *testing.T, s setting, test func(y *yard, client, server sockets, address string)) {
	y := newYard(t, s)
	for name, role := range map[string]func(*yard){
		"kernel to us": func(y *yard) { test(y, y.kernel(), y.host, ourIP) },
		"us to kernel": func(y *yard) { test(y, y.host, y.kernel(), kernelIP) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role(&yard{T: t, setting: y.setting, ns: y.ns, host: y.host})
		})
	}
}

// serve answers each connection by f until the test ends.
func (y *yard) serve(s sockets, address string, f func(net.Conn)) (at string) {
	y.Helper()
	l, err := s.Listen(y.Context(), "tcp", address)
	if err != nil {
		y.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer c.Close()
				f(c)
			})
		}
	})
	y.Cleanup(func() {
		l.Close()
		group.Wait()
	})
	return l.Addr().String()
}

// dial connects, with patience that is never needed.
func (y *yard) dial(s sockets, address string) net.Conn {
	y.Helper()
	c, err := s.DialContext(y.Context(), "tcp", address)
	if err != nil {
		y.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Minute))
	y.Cleanup(func() { c.Close() })
	return c
}

// closer is what connections of both kinds have.
type closer interface {
	net.Conn
	CloseWrite() error
	SetLinger(int) error
}

// lossy loses each each-th frame with payload of a port, either way.
type lossy struct {
	link.Port
	each int
	out  atomic.Int64
	in   atomic.Int64
}

// withPayload is the length from which a frame is taken to have some.
const withPayload = 120

func (l *lossy) sift(count *atomic.Int64, frames []*link.Frame) []*link.Frame {
	if l.each == 0 {
		return frames
	}
	return slices.DeleteFunc(slices.Clone(frames), func(f *link.Frame) bool {
		lost := len(f.Data) > withPayload && count.Add(1)%int64(l.each) == 0
		if lost {
			f.Free()
		}
		return lost
	})
}

func (l *lossy) FillsChecksums() bool { return link.FillsChecksums(l.Port) }

func (l *lossy) Send(frames []*link.Frame) { l.Port.Send(l.sift(&l.out, frames)) }

func (l *lossy) Attach(input func([]*link.Frame)) {
	if input == nil || l.each == 0 {
		l.Port.Attach(input)
		return
	}
	l.Port.Attach(func(frames []*link.Frame) { input(l.sift(&l.in, frames)) })
}

// eventually waits until a text has come.
func (y *yard) eventually(what string, ok func() bool) {
	y.Helper()
	for begin := time.Now(); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			y.Fatalf("%s: not within a minute", what)
		}
	}
}
