package serve_test

import (
	"context"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"dialtone/app/serve"
)

// parkAll opens n conversations, says first in each, and waits until the server
// has no goroutine for any of them.
func parkAll(t *testing.T, s *serve.Server, n int, first, answer string) (conns []*net.TCPConn) {
	t.Helper()
	addr := start(t, s)
	before := runtime.NumGoroutine()
	for range n {
		c := dial(t, addr)
		say(t, c, first)
		hear(t, c, answer)
		conns = append(conns, c)
	}
	eventually(t, "accepted", func() bool { return s.Open() == n })
	eventually(t, "parked", func() bool { return runtime.NumGoroutine() < before+n/2 })
	if s.Open() != n {
		t.Fatalf("%d conversations open, want %d", s.Open(), n)
	}
	return conns
}

func TestParkedConversationGoesOnWhereItStopped(t *testing.T) {
	conns := parkAll(t, &serve.Server{Service: serve.Upper()}, 100, "first\nexi", "FIRST\n")
	for i, c := range conns {
		switch i % 4 {
		case 0: // what was held back is still known
			say(t, c, "t\n")
			hearEnd(t, c)
		case 1:
			say(t, c, "le\n")
			hear(t, c, "EXILE\n")
		case 2: // a FIN wakes it
			c.CloseWrite()
			hear(t, c, "EXI")
			hearEnd(t, c)
		case 3:
			abort(c)
		}
	}
}

func TestParkedConversationsCanParkAgain(t *testing.T) {
	s := &serve.Server{Service: serve.Echo()}
	conns := parkAll(t, s, 50, "a", "a")
	for _, c := range conns {
		say(t, c, "b")
		hear(t, c, "b")
	}
	time.Sleep(1500 * time.Millisecond) // they may be parked again by now, or be about to
	for _, c := range conns {
		say(t, c, "c")
		hear(t, c, "c")
	}
}

func TestParkedConversationSeesEveryEnd(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		j := newJournal()
		s := &serve.Server{Service: serve.Echo(), Log: j.log(), Limits: serve.Limits{Idle: 2 * time.Second}}
		c := parkAll(t, s, 50, "a", "a")[0]
		hearEnd(t, c)
		c.Close()
		j.wait(t, event{"msg": "closed", "how": "idle timeout"})
	})
	t.Run("peer reset", func(t *testing.T) {
		j := newJournal()
		c := parkAll(t, &serve.Server{Service: serve.Discard(), Log: j.log()}, 50, "a", "")[0]
		abort(c)
		j.wait(t, event{"msg": "closed", "by": "peer", "how": "RST"})
	})
	t.Run("close", func(t *testing.T) {
		s := &serve.Server{Service: serve.Echo()}
		conns := parkAll(t, s, 50, "a", "a")
		s.Close()
		for _, c := range conns {
			hearReset(t, c)
		}
	})
	t.Run("shutdown", func(t *testing.T) {
		s := &serve.Server{Service: serve.Echo()}
		conns := parkAll(t, s, 50, "a", "a")
		over, cancel := context.WithCancel(context.Background())
		cancel()
		ended := make(chan int)
		go func() { ended <- s.Shutdown(over) }()
		for _, c := range conns {
			hearEnd(t, c)
			c.Close()
		}
		if n := <-ended; n != len(conns) {
			t.Errorf("%d ended, want %d", n, len(conns))
		}
	})
}

// Bytes arrive while the sweep asks to park and while the lot wakes: none may be
// lost or answered twice.
func TestParkingRacesLoseNothing(t *testing.T) {
	addr := start(t, &serve.Server{Service: serve.Echo()})
	var all sync.WaitGroup
	for i := range 200 {
		c := dial(t, addr)
		all.Go(func() {
			time.Sleep(time.Duration(i) * 3 * time.Millisecond)
			for range 4 {
				say(t, c, "around the time of parking")
				hear(t, c, "around the time of parking")
				time.Sleep(time.Second + time.Duration(i)*2500*time.Microsecond)
			}
		})
	}
	all.Wait()
}
