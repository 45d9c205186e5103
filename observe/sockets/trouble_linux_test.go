package sockets

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"dialtone/link/cable"
)

// TestRealTroubleIsFound makes trouble between two machines and waits until the kernel's
// figures say so.
func TestRealTroubleIsFound(t *testing.T) {
	t.Parallel()
	line := openCable(t, cable.Config{})
	l := inside(t, line.B, func() (net.Listener, error) { return net.Listen("tcp4", line.B.Addr.String()+":8000") })
	c := inside(t, line.A, func() (net.Conn, error) { return net.Dial("tcp4", l.Addr().String()) })
	c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	for chunk := make([]byte, 1<<20); ; { // nobody reads
		if _, err := c.Write(chunk); err != nil {
			break
		}
	}
	awaitFinding(t, line.A, "zero-window")

	deaf := openCable(t, cable.Config{AtoB: cable.Direction{Loss: 1}})
	ctx, stop := context.WithCancel(t.Context())
	dialed := make(chan error)
	go func() {
		dialed <- deaf.A.Do(func() error {
			_, err := new(net.Dialer).DialContext(ctx, "tcp4", deaf.B.Addr.String()+":80")
			return err
		})
	}()
	awaitFinding(t, deaf.A, "syn-unanswered")
	stop()
	if err := <-dialed; err == nil {
		t.Error("a deaf machine answered")
	}
}

func awaitFinding(t *testing.T, e *cable.End, name string) {
	t.Helper()
	table := openTable(t, Config{Netns: e.Netns()})
	var found []Finding
	for range 3000 {
		for _, s := range readTable(t, table, Query{Info: true}) {
			age, _ := s.Age()
			found = Diagnose(s, age)
			if slices.ContainsFunc(found, func(f Finding) bool { return f.Name == name }) {
				t.Log(found)
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s is never found: %+v", name, found)
}
