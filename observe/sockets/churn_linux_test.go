package sockets

import (
	"context"
	"errors"
	"flag"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"dialtone/link/cable"
	"dialtone/transport/tcp"

	"golang.org/x/sys/unix"
)

var churn = flag.Int("churn", 5000, "connections that TestEveryChangeIsTold makes, for each source")

// churnAddr is nobody else's: the tracepoint tells of other tests' connections, too.
var churnAddr = netip.AddrFrom4([4]byte{127, 77, 0, 1})

// TestEveryChangeIsTold makes connections as fast as it can and counts: sources that claim
// to be exact tell the exact number of changes, whatever the looks at the table find
// meanwhile.
func TestEveryChangeIsTold(t *testing.T) {
	for _, source := range []string{RawTracepoint, Tracepoint} {
		t.Run(source, func(t *testing.T) { countChanges(t, source) })
	}
}

func countChanges(t *testing.T, source string) {
	line := openCable(t, cable.Config{})
	up := exec.Command("ip", "link", "set", "lo", "up")
	if err := line.A.Start(up); err != nil {
		t.Skip("needs the program ip:", err)
	}
	if err := up.Wait(); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	ready, over := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w, err := Watch(WatchConfig{
		Config: Config{Netns: line.A.Netns()}, Source: source, Tracefs: tracefs(t), Every: 10 * time.Millisecond,
		Tell: func(c Transition) {
			if c.Local.Addr() == churnAddr || c.Remote.Addr() == churnAddr {
				counts[c.From.String()+" "+c.To.String()]++
				if c.From == State(tcp.Listen) && c.To == State(tcp.Closed) {
					close(over) // the last
				}
			}
		},
		Looked: func(time.Time, []*Socket) error { once.Do(func() { close(ready) }); return nil },
	})
	if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
		t.Skipf("%s: not available here: %v", source, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	<-ready
	began := time.Now()
	err = line.A.Do(func() error { return makeConnections(*churn) })
	t.Logf("%.0f connections/s", float64(*churn)/time.Since(began).Seconds())
	select {
	case <-over:
	case <-time.After(20 * time.Second):
		t.Error("the listener's end is never told")
	}
	stop()
	running.Wait()
	lost := w.Lost()
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"CLOSED LISTEN": 1, "LISTEN CLOSED": 1, "CLOSED SYN_SENT": *churn, "SYN_SENT ESTABLISHED": *churn,
		"LISTEN SYN_RCVD": *churn, "SYN_RCVD ESTABLISHED": *churn, "ESTABLISHED CLOSED": 2 * *churn,
	}
	if !maps.Equal(counts, want) || lost != 0 {
		t.Errorf("told %v, want %v; %d lost", counts, want, lost)
	}
	for _, c := range w.Model.Connections() {
		if c.Local.Addr() == churnAddr || c.Remote.Addr() == churnAddr {
			t.Errorf("left: %+v", c)
		}
	}
}

// makeConnections opens n connections on the loopback device and aborts each.
func makeConnections(n int) error {
	l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(l)
	if err := unix.Bind(l, &unix.SockaddrInet4{Addr: churnAddr.As4()}); err != nil {
		return err
	}
	if err := unix.Listen(l, 16); err != nil {
		return err
	}
	at, err := unix.Getsockname(l)
	if err != nil {
		return err
	}
	for range n {
		if err := makeConnection(l, at); err != nil {
			return err
		}
	}
	return nil
}

func makeConnection(l int, at unix.Sockaddr) error {
	c, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(c, at); err != nil {
		return err
	}
	s, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC)
	if err != nil {
		return err
	}
	err = unix.SetsockoptLinger(c, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	err = errors.Join(err, unix.Close(c))
	if _, reset := unix.Read(s, make([]byte, 1)); reset != unix.ECONNRESET {
		err = errors.Join(err, reset)
	}
	return errors.Join(err, unix.Close(s))
}
