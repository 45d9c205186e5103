package live

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"dialtone/link/cable"
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// openCable lays a cable between two namespaces, or skips where that is not allowed.
func openCable(t *testing.T) *cable.Cable {
	t.Helper()
	line, err := cable.Open(cable.Both(cable.Direction{Delay: 5 * time.Millisecond}))
	if err != nil {
		t.Skip("network namespaces need root and /dev/net/tun:", err)
	}
	t.Cleanup(func() { line.Close() })
	return line
}

// watch opens a view and runs it until the test is over.
func watch(t *testing.T, c Config) *View {
	t.Helper()
	v, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := v.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// await waits until some row of v is as wanted.
func await(t *testing.T, v *View, what string, wanted func(*Row) bool) (row *Row) {
	t.Helper()
	awaitView(t, v, what, func(s *Snapshot) bool {
		for _, r := range s.Rows {
			if wanted(r) {
				row = r
				return true
			}
		}
		return false
	})
	return row
}

// awaitView waits until v is as wanted.
func awaitView(t *testing.T, v *View, what string, wanted func(*Snapshot) bool) *Snapshot {
	t.Helper()
	changes := v.Subscribe(0)
	defer changes.Close()
	late := time.After(20 * time.Second)
	for {
		select {
		case <-changes.Ready():
			if s := v.Snapshot(); wanted(s) {
				return s
			}
		case <-late:
			t.Fatalf("never in view: %s; there is %s", what, rowTexts(v.Snapshot().Rows))
		}
	}
}

// TestAConnectionInView from its SYN to its end, by every source.
func TestAConnectionInView(t *testing.T) {
	for _, source := range []string{"", sockets.Destroyed, sockets.Looking} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			line := openCable(t)
			var l net.Listener
			err := line.B.Do(func() (err error) { l, err = net.Listen("tcp4", line.B.Addr.String()+":8000"); return err })
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			v := watch(t, Config{
				Netns: line.B.Netns(), Source: source, Every: 20 * time.Millisecond, Linger: time.Minute,
				Query: sockets.Query{Info: true, Owners: true},
			})
			await(t, v, "the listener", func(r *Row) bool { return r.State == sockets.State(tcp.Listen) && len(r.Processes) > 0 })
			var c net.Conn
			if err := line.A.Do(func() (err error) { c, err = net.Dial("tcp4", l.Addr().String()); return err }); err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			s, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			mine := func(r *Row) bool { return r.Remote.String() == c.LocalAddr().String() }
			row := await(t, v, "the connection", func(r *Row) bool { return mine(r) && r.State == sockets.State(tcp.Established) && r.Info != nil })
			exact := v.Snapshot().Source.Exact
			if _, known := row.Age(); known != exact {
				t.Errorf("its age is exact: %v, want %v as the source says", known, exact)
			}
			inspect(t, v, row, s, c)
			s.(*net.TCPConn).SetLinger(0)
			s.Close()
			row = await(t, v, "its end", func(r *Row) bool { return mine(r) && !r.Closed.IsZero() })
			d, ok := v.Connection(row.Watched.ID)
			if n := len(d.History); !ok || n == 0 || d.History[n-1].To != sockets.State(tcp.Closed) || exact && n != 3 {
				t.Errorf("its history is %v", d.History)
			}
			if row.Info == nil || len(row.Processes) == 0 {
				t.Errorf("its figures are gone: %+v", row)
			}
		})
	}
}

// inspect sends and looks at the window.
func inspect(t *testing.T, v *View, row *Row, from, to net.Conn) {
	i, err := v.Inspect(row.Watched.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	var running sync.WaitGroup
	defer running.Wait()
	defer from.SetWriteDeadline(time.Unix(1, 0))
	defer to.SetReadDeadline(time.Unix(1, 0))
	running.Go(func() { io.Copy(from, zeros{}) })
	running.Go(func() { io.Copy(io.Discard, to) })
	awaitView(t, v, "samples", func(*Snapshot) bool {
		d := i.Detail()
		if d.Err != nil {
			t.Fatal(d.Err)
		}
		return slices.ContainsFunc(d.Samples, func(s Sample) bool { return s.InFlight > 10*s.MSS && s.Peer > 0 && d.Sampled.Name != "" })
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
