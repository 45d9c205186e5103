package live

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dialtone/link/cable"
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// soakEnv is set in the process that makes connections: how many, and how many a second.
const soakEnv = "DIALTONE_TEST_CHURN"

// TestNothingStaysOfWhatIsGone lets connections come and go while faces look, and counts
// what is left when all are gone: nothing, in the view and in its model. With
// DIALTONE_LONG=1 it goes on for ten minutes and prints how much memory the process has.
func TestNothingStaysOfWhatIsGone(t *testing.T) {
	if plan := os.Getenv(soakEnv); plan != "" {
		var n, rate int
		fmt.Sscan(plan, &n, &rate)
		if err := makeConnections(n, rate); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Parallel()
	n, rate, every := 10_000, 5000, 100*time.Millisecond
	if os.Getenv("DIALTONE_LONG") != "" {
		n, rate, every = 600*2000, 2000, 500*time.Millisecond
	}
	line := openCable(t)
	up := exec.Command("ip", "link", "set", "lo", "up")
	if err := line.A.Start(up); err != nil {
		t.Skip("needs the program ip:", err)
	}
	if err := up.Wait(); err != nil {
		t.Fatal(err)
	}
	var v *View
	t.Cleanup(func() { // when it is closed
		if left := v.watcher.Model.Connections(); len(left) > 0 {
			t.Errorf("the model still has %d connections, such as %+v", len(left), left[0])
		}
	})
	v = watch(t, Config{
		Netns: line.A.Netns(), Every: every, Linger: 300 * time.Millisecond,
		Query: sockets.Query{Info: true, Memory: true, Owners: true},
	})
	awaitView(t, v, "a look", func(s *Snapshot) bool { return !s.At.IsZero() })
	asleep := v.Subscribe(100) // never takes anything
	defer asleep.Close()
	stop := look(t, v)
	churn(t, line.A, n, rate)
	stop()
	s := awaitView(t, v, "nothing", func(s *Snapshot) bool { return len(s.Rows) == 0 })
	if s.Source.Exact {
		if came := s.Moves[tcp.SynSent][tcp.Established]; came != uint64(n) || s.Closed != 2*uint64(n)+1 || s.Source.Lost > 0 {
			t.Errorf("%d connections came and %d ends closed, want %d; %d lost", came, s.Closed, n, s.Source.Lost)
		}
	}
	if _, missed := asleep.Take(); s.Source.Exact && missed != 6*uint64(n)+2-100 {
		t.Errorf("who slept missed %d", missed)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := len(v.store.entries) + len(v.store.order) + len(v.store.closing) + len(v.inspections); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	if n := len(v.subscribers); n != 1 {
		t.Errorf("%d subscribers, want the one that sleeps", n)
	}
}

// look is what faces do: it takes snapshots and changes, and opens one connection after
// the other. It ends with stop.
func look(t *testing.T, v *View) (stop func()) {
	var over atomic.Bool
	var running sync.WaitGroup
	running.Go(func() {
		sub := v.Subscribe(1024)
		defer sub.Close()
		for !over.Load() {
			select {
			case <-sub.Ready():
			case <-time.After(100 * time.Millisecond):
			}
			sub.Take()
			for _, r := range v.Snapshot().Rows {
				if i, err := v.Inspect(r.Watched.ID); err == nil {
					time.Sleep(10 * time.Millisecond)
					i.Detail()
					i.Close()
				}
				break
			}
		}
	})
	return func() { over.Store(true); running.Wait() }
}

// churn makes connections in another process, and says how much memory this one has
// meanwhile.
func churn(t *testing.T, e *cable.End, n, rate int) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingStaysOfWhatIsGone$", "-test.timeout=15m")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", soakEnv, n, rate))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := e.Start(cmd); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	half := time.Duration(n/rate) * time.Second / 2
	report := time.After(half / 10) // once everything has its size
	for i, when := range []string{"at the start", "in the middle", "at the end"} {
		select {
		case <-report:
			t.Logf("%s: RSS %d KiB, heap %d KiB", when, residentKiB(), heapKiB())
			report = time.After(half * time.Duration(9+i) / 10)
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			t.Logf("%s: RSS %d KiB, heap %d KiB", when, residentKiB(), heapKiB())
			return
		}
	}
	if err := <-ended; err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
}

func heapKiB() uint64 {
	var m runtime.MemStats
	debug.FreeOSMemory()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc / 1024
}

func residentKiB() int {
	debug.FreeOSMemory()
	text, _ := os.ReadFile("/proc/self/statm")
	var size, resident int
	fmt.Sscan(string(text), &size, &resident)
	return resident * os.Getpagesize() / 1024
}

// makeConnections opens n connections on the loopback device, so many a second, and aborts
// each.
func makeConnections(n, rate int) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	began := time.Now()
	for i := range n {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		c, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			return err
		}
		s, err := l.Accept()
		if err != nil {
			return err
		}
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
		s.Read(make([]byte, 1)) // the RST
		s.Close()
	}
	return nil
}
