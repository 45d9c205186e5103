package capture_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"dialtone/observe/capture"

	"golang.org/x/sys/unix"
)

func TestPromiscuousUntilClosed(t *testing.T) {
	t.Parallel()
	namespace(t, veths...)
	promiscuous := func() bool {
		out, err := exec.Command("ip", "-details", "link", "show", "v0").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return !bytes.Contains(out, []byte("promiscuity 0"))
	}
	l, err := capture.OpenLive(context.Background(), capture.LiveConfig{Interface: "v0", Promiscuous: true})
	if err != nil {
		t.Fatal(err)
	}
	if !promiscuous() {
		t.Error("v0 is not promiscuous")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if promiscuous() {
		t.Error("v0 is still promiscuous")
	}
}

func TestInterfaceGoingDownEndsTheCapture(t *testing.T) {
	for name, command := range map[string]string{"down": "link set v0 down", "gone": "link del v0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace(t, veths...)
			expr := expression(t, "ether proto 0x88b5")
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
	expr := expression(t, "udp dst port 9 and dst host 192.0.2.2")
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
