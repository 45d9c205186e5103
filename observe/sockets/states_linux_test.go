package sockets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/link/cable"

	"golang.org/x/sys/unix"
)

// tracefs is where tracefs is: mounted for the test where nobody has.
func tracefs(t *testing.T) string {
	t.Helper()
	for _, place := range tracefsPlaces {
		if _, err := os.Stat(place + "/events"); err == nil {
			return place
		}
	}
	dir := t.TempDir()
	if err := unix.Mount("tracefs", dir, "tracefs", unix.MS_RDONLY, ""); err == nil {
		t.Cleanup(func() {
			if err := unix.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
	}
	return dir
}

// watched is what a watcher of one end of a cable told, by the far address of what it
// was about: "" for listeners.
type watched struct {
	mu    sync.Mutex
	paths map[string][]string
}

// follow watches an end until the test is over, from when it returns.
func follow(t *testing.T, e *cable.End, source string) *watched {
	t.Helper()
	saw := &watched{paths: map[string][]string{}}
	ready := make(chan struct{})
	var once sync.Once
	w, err := Watch(WatchConfig{
		Config: Config{Netns: e.Netns()}, Source: source, Every: 20 * time.Millisecond, Tell: saw.tell, Tracefs: tracefs(t),
		Looked: func(time.Time, []*Socket) error { once.Do(func() { close(ready) }); return nil },
	})
	if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
		t.Skipf("%s: not available here: %v", source, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := w.Lost(); n > 0 {
			t.Errorf("%d transitions lost", n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	<-ready
	return saw
}

func (w *watched) tell(t Transition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	about := ""
	switch {
	case t.Remote.IsValid():
		about = t.Remote.String()
	case t.Local.Port() != 8731 || t.Local.Addr().IsLoopback():
		return // another test's listener, which the source Tracepoint shows in any namespace
	}
	path := w.paths[about]
	if len(path) == 0 {
		path = append(path, t.From.String())
	} else if last := path[len(path)-1]; last != t.From.String() {
		path = append(path, "("+t.From.String()+"!)") // a step is missing
	}
	w.paths[about] = append(path, t.To.String())
}

func (w *watched) path(about string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.paths[about], " ")
}

// await waits until the path about a far address ends in a state.
func (w *watched) await(t *testing.T, about, last string) string {
	t.Helper()
	for range 3000 {
		if path := w.path(about); strings.HasSuffix(path, last) {
			return path
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s never came into %s: %s", about, last, w.path(about))
	return ""
}

// delay of a cable, in which both ends do something at the same time.
const delay = 100 * time.Millisecond

// dialAt dials from an address of an end to one of the other.
func dialAt(e *cable.End, port int, to string) (c net.Conn, err error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: e.Addr.AsSlice(), Port: port}, Timeout: 10 * time.Second}
	err = e.Do(func() (err error) { c, err = d.Dial("tcp4", to); return err })
	return c, err
}

// meet opens a connection from both ends at once: none listens.
func meet(t *testing.T, line *cable.Cable) (a, b net.Conn) {
	t.Helper()
	for port := 7731; port < 7750; port++ {
		var errA, errB error
		var both sync.WaitGroup
		both.Go(func() { a, errA = dialAt(line.A, port, fmt.Sprint(line.B.Addr, ":", port)) })
		both.Go(func() { b, errB = dialAt(line.B, port, fmt.Sprint(line.A.Addr, ":", port)) })
		both.Wait()
		if errA == nil && errB == nil {
			return a, b
		}
		for _, c := range []net.Conn{a, b} { // one SYN was there before the other end dialled
			if c != nil {
				c.Close()
			}
		}
	}
	t.Fatal("the ends never meet")
	return nil, nil
}

// TestEveryStateOfBothEnds drives connections through all eleven states. With a source
// that claims to be exact no step is missing.
func TestEveryStateOfBothEnds(t *testing.T) {
	for _, source := range []string{RawTracepoint, Tracepoint} {
		t.Run(source, func(t *testing.T) {
			if source != Tracepoint { // which sees other tests' namespaces
				t.Parallel()
			}
			line := openCable(t, cable.Both(cable.Direction{Delay: delay}))
			a, b := follow(t, line.A, source), follow(t, line.B, source)
			clientAndServer(t, line, a, b)
			atOnce(t, line, a, b)
		})
	}
}

// clientAndServer goes through a connection as most are, twice: the client waits for the
// server's FIN with its socket open, and without.
func clientAndServer(t *testing.T, line *cable.Cable, a, b *watched) {
	var l net.Listener
	if err := line.B.Do(func() (err error) { l, err = net.Listen("tcp4", line.B.Addr.String()+":8731"); return err }); err != nil {
		t.Fatal(err)
	}
	for _, early := range []bool{false, true} {
		server := l.Addr().String()
		client := netip.AddrPortFrom(line.A.Addr, map[bool]uint16{false: 6731, true: 6732}[early])
		c, err := dialAt(line.A, int(client.Port()), server)
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if early {
			c.Close()
		} else {
			c.(*net.TCPConn).CloseWrite()
		}
		if _, err := io.Copy(io.Discard, s); err != nil {
			t.Fatal(err)
		}
		b.await(t, client.String(), "CLOSE_WAIT")
		a.await(t, server, "FIN_WAIT_2")
		s.Close()
		const want = "CLOSED SYN_SENT ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT"
		if got := a.await(t, server, "TIME_WAIT"); got != want {
			t.Errorf("client, early %v:\n%s\nwant\n%s", early, got, want)
		}
		const wantServer = "LISTEN SYN_RCVD ESTABLISHED CLOSE_WAIT LAST_ACK CLOSED"
		if got := b.await(t, client.String(), "LAST_ACK CLOSED"); got != wantServer {
			t.Errorf("server, early %v:\n%s\nwant\n%s", early, got, wantServer)
		}
		c.Close()
		endTimeWait(t, line.A)
		if got := a.await(t, server, "TIME_WAIT CLOSED"); got != want+" CLOSED" {
			t.Errorf("client, early %v, at the end:\n%s", early, got)
		}
		a.clear(server)
	}
	l.Close()
	if got := b.await(t, "", "LISTEN CLOSED"); got != "CLOSED LISTEN CLOSED" {
		t.Errorf("listener:\n%s", got)
	}
}

func (w *watched) clear(about string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.paths, about)
}

// endTimeWait ends what would take a minute.
func endTimeWait(t *testing.T, e *cable.End) {
	t.Helper()
	cmd := exec.Command("ss", "-K", "state", "time-wait")
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := e.Start(cmd); err != nil {
		t.Skip("needs the program ss:", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Skip("ending TIME_WAIT:", err)
	}
}

// atOnce opens and closes a connection from both ends at the same time.
func atOnce(t *testing.T, line *cable.Cable, a, b *watched) {
	for range 20 {
		here, there := meet(t, line)
		began := time.Now()
		here.Close()
		there.Close()
		took := time.Since(began)
		const want = "CLOSED SYN_SENT SYN_RCVD ESTABLISHED FIN_WAIT_1 CLOSING TIME_WAIT"
		gotA := a.await(t, here.RemoteAddr().String(), "TIME_WAIT")
		gotB := b.await(t, there.RemoteAddr().String(), "TIME_WAIT")
		if took > delay/2 {
			a.clear(here.RemoteAddr().String())
			b.clear(there.RemoteAddr().String())
			endTimeWait(t, line.A)
			endTimeWait(t, line.B)
			continue // this machine was too slow to close both at once
		}
		if gotA != want || gotB != want {
			t.Errorf("at once:\n%s\n%s\nwant\n%s", gotA, gotB, want)
		}
		return
	}
	t.Skip("this machine never closes two connections within", delay/2)
}

// TestLookingIsNeverWrong: a source that is not exact may miss steps, but makes none up,
// and says where a connection is in the end.
func TestLookingIsNeverWrong(t *testing.T) {
	for _, source := range []string{Destroyed, Looking} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			line := openCable(t, cable.Both(cable.Direction{Delay: delay}))
			a, b := follow(t, line.A, source), follow(t, line.B, source)
			here, there := meet(t, line)
			here.Close()
			there.Close()
			for _, got := range []string{a.await(t, here.RemoteAddr().String(), "TIME_WAIT"), b.await(t, there.RemoteAddr().String(), "TIME_WAIT")} {
				if !inOrder(got, "unknown CLOSED SYN_SENT SYN_RCVD ESTABLISHED FIN_WAIT_1 CLOSING TIME_WAIT") && !inOrder(got, "unknown CLOSED SYN_SENT SYN_RCVD ESTABLISHED CLOSE_WAIT LAST_ACK FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT") {
					t.Error(got)
				}
			}
		})
	}
}

// inOrder reports whether the words of path come in the order of whole.
func inOrder(path, whole string) bool {
	rest := strings.Fields(whole)
	for _, word := range strings.Fields(path) {
		i := slices.Index(rest, word)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}
