package netns

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newNamespace is one of its own, that goes with the test.
func newNamespace(t *testing.T) Namespace {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	name := fmt.Sprintf("netns-test-%d-%s", os.Getpid(), t.Name())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("network namespaces need the program ip: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	if out, err := exec.Command("ip", "-n", name, "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return Named(name)
}

func TestSocketsAreThere(t *testing.T) {
	there := newNamespace(t)
	l, err := there.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Errorf("%v, which is in the namespace, is reached from outside as %v", l.Addr(), c.LocalAddr())
		c.Close()
	}
	c, err := there.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	d.Close()
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
	p, err := there.ListenPacket(t.Context(), "udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
}

// TestTheThreadGoesHome: whatever runs later on a thread that was away is in the
// process's own namespace.
func TestTheThreadGoesHome(t *testing.T) {
	there := newNamespace(t)
	network := func() uint64 {
		var s unix.Stat_t
		if err := unix.Stat("/proc/thread-self/ns/net", &s); err != nil {
			t.Error(err)
		}
		return s.Ino
	}
	home := network()
	for range 100 {
		away := home
		if err := there.Do(func() error { away = network(); return nil }); err != nil {
			t.Fatal(err)
		}
		if away == home {
			t.Fatal("Do did not enter the namespace")
		}
		if now := network(); now != home {
			t.Fatal("a thread stayed in the namespace")
		}
	}
}

func TestErrorsAreTold(t *testing.T) {
	if err := Named("there is none").Do(func() error { return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a namespace that is not there: %v", err)
	}
	if err := Namespace("").Do(func() error { return io.EOF }); err != io.EOF {
		t.Errorf("this process's own namespace: %v", err)
	}
	mine := Namespace("/proc/self/ns/net")
	if os.Getuid() == 0 {
		if err := mine.Do(func() error { return io.ErrUnexpectedEOF }); err != io.ErrUnexpectedEOF {
			t.Errorf("f's error: %v", err)
		}
	}
	if err := Namespace("/proc/self/ns/uts").Do(func() error { return nil }); err == nil {
		t.Error("a namespace of another kind was entered")
	}
}
