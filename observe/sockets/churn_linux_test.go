package sockets

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dialtone/link/cable"
)

var churn = flag.Int("churn", 2000, "connections that TestEveryEventIsCounted makes")

// TestEveryEventIsCounted makes connections as fast as it can and counts: the source that
// claims to be exact reports the exact number of changes.
func TestEveryEventIsCounted(t *testing.T) {
	line := openCable(t, cable.Config{})
	up := exec.Command("ip", "link", "set", "lo", "up")
	if err := line.A.Start(up); err != nil {
		t.Skip("needs the program ip:", err)
	}
	if err := up.Wait(); err != nil {
		t.Fatal(err)
	}
	inode, err := netnsInode(line.A.Netns())
	if err != nil {
		t.Fatal(err)
	}
	s, err := openBPF(inode)
	if errors.Is(err, os.ErrPermission) {
		t.Skip("needs CAP_BPF and CAP_PERFMON:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	began := time.Now()
	var over atomic.Bool
	var made sync.WaitGroup
	made.Go(func() {
		defer over.Store(true)
		makeConnections(t, line.A, *churn)
	})
	counts := map[string]int{}
	for last := false; !last; {
		last = over.Load()
		if err := s.read(time.Now().Add(50*time.Millisecond), func(e *event) {
			counts[fmt.Sprint(e.From, " ", e.To)]++
		}); err != nil {
			t.Fatal(err)
		}
	}
	made.Wait()
	t.Logf("%.0f connections/s", float64(*churn)/time.Since(began).Seconds())
	for change, want := range map[string]int{
		"CLOSED LISTEN": 1, "LISTEN CLOSED": 1, "CLOSED SYN_SENT": *churn, "SYN_SENT ESTABLISHED": *churn,
		"LISTEN SYN_RCVD": *churn, "SYN_RCVD ESTABLISHED": *churn, "ESTABLISHED CLOSED": 2 * *churn,
	} {
		if counts[change] != want {
			t.Errorf("%s: %d, want %d", change, counts[change], want)
		}
		delete(counts, change)
	}
	if len(counts) > 0 || s.lost() != 0 {
		t.Errorf("also %v; %d lost", counts, s.lost())
	}
}

// makeConnections opens n connections on the loopback device and aborts each.
func makeConnections(t *testing.T, e *cable.End, n int) {
	err := e.Do(func() error {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		for range n {
			c, err := net.Dial("tcp4", l.Addr().String())
			if err != nil {
				return err
			}
			s, err := l.Accept()
			if err != nil {
				return err
			}
			c.(*net.TCPConn).SetLinger(0) // an RST: neither end waits
			c.Close()
			s.Read(make([]byte, 1))
			s.Close()
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
