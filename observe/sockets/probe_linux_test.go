package sockets

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/link/cable"
)

// probeOf opens a probe of the connection of c, which is at an end.
func probeOf(t *testing.T, e *cable.End, c net.Conn, name string) Probe {
	t.Helper()
	config := Config{Netns: e.Netns()}
	for _, s := range readTable(t, openTable(t, config), Query{Info: true}) {
		if s.Local.String() != c.LocalAddr().String() || s.Remote.String() != c.RemoteAddr().String() {
			continue
		}
		p, err := openProbed(s)
		if name == AskedProbe {
			p, err = openAsked(config, s, os.ErrPermission)
		}
		if errors.Is(err, os.ErrPermission) {
			t.Skip("needs CAP_BPF and CAP_PERFMON:", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		return p
	}
	t.Fatal("the connection is not in the table")
	return nil
}

// TestAProbeSeesTheWindow of a connection that sends, at last until the peer has no room,
// and of no other.
func TestAProbeSeesTheWindow(t *testing.T) {
	for _, name := range []string{TracedProbe, AskedProbe} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const way = 5 * time.Millisecond
			line := openCable(t, cable.Both(cable.Direction{Delay: way}))
			l := inside(t, line.B, func() (net.Listener, error) { return net.Listen("tcp4", line.B.Addr.String()+":8000") })
			dial := func() (here, there net.Conn) {
				here = inside(t, line.A, func() (net.Conn, error) { return net.Dial("tcp4", l.Addr().String()) })
				there, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { there.Close() })
				return here, there
			}
			busy, peer := dial()
			idle, _ := dial()
			of, still := probeOf(t, line.A, busy, name), probeOf(t, line.A, idle, name)
			if s := of.Sampled(); s.Name != name || s.About == "" {
				t.Errorf("sampled by %+v, want %s", s, name)
			}
			var running sync.WaitGroup
			running.Go(func() { io.Copy(busy, zeros{}) })
			running.Go(func() { io.Copy(io.Discard, peer) })
			all := sample(t, of, func(s Sample) bool { return s.InFlight > 10*s.MSS && s.Congestion > 10 && s.Peer > 0 })
			peer.SetReadDeadline(time.Unix(1, 0)) // from now on nobody reads
			all = append(all, sample(t, of, func(s Sample) bool { return s.Peer == 0 })...)
			peer.Close()
			busy.Close()
			running.Wait()
			for i, s := range all {
				if s.MSS != 1448 || s.Threshold == 0 || s.RTT < way || i > 0 && s.At.Before(all[i-1].At) {
					t.Fatalf("sample %d is %+v", i, s)
				}
			}
			err := still.Read(time.Now(), func(s Sample) {
				if s.InFlight != 0 {
					t.Errorf("the idle connection has %+v", s)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// sample samples until what is expected comes.
func sample(t *testing.T, p Probe, expected func(Sample) bool) (all []Sample) {
	t.Helper()
	found := false
	for tries := 0; !found; tries++ {
		if tries == 400 {
			t.Fatalf("%d samples, and never what is expected; the last %+v", len(all), all[max(0, len(all)-3):])
		}
		err := p.Read(time.Now().Add(50*time.Millisecond), func(s Sample) {
			all = append(all, s)
			found = found || expected(s)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// TestTheNextBestProbeSaysWhy it is not the best.
func TestTheNextBestProbeSaysWhy(t *testing.T) {
	for denied, want := range map[error]string{os.ErrPermission: "root would see", os.ErrNotExist: os.ErrNotExist.Error(), nil: "every 100ms"} {
		p, err := openAsked(Config{}, &Socket{}, denied)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if s := p.Sampled(); !strings.Contains(s.About, want) {
			t.Errorf("%v: %q, want %q", denied, s.About, want)
		}
	}
}

// TestWithoutRightsThereAreStillSamples.
func TestWithoutRightsThereAreStillSamples(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var p Probe
	asNobody(t, func() {
		for _, s := range readTable(t, openTable(t, Config{}), Query{}) {
			if s.Local.String() == c.LocalAddr().String() {
				p, err = OpenProbe(Config{}, s)
			}
		}
	})
	if err != nil || p == nil {
		t.Fatal("no probe:", err)
	}
	defer p.Close()
	n := 0
	if err := p.Read(time.Now(), func(s Sample) { n++ }); err != nil || n != 1 {
		t.Errorf("%d samples, %v; want the first", n, err)
	}
	if s := p.Sampled(); s.Name != AskedProbe || !strings.Contains(s.About, "root") {
		t.Errorf("sampled by %+v", s)
	}
}
