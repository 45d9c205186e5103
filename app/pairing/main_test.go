package pairing_test

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dialtone/app/pairing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long a test waits for what must come: a safety net, not a measure.
const soon = 20 * time.Second

const code = "7-copper-lantern"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	t.Cleanup(cancel)
	return ctx
}

// A desk is a listener under test, with what it noticed.
type desk struct {
	*pairing.Listener
	notices chan error
}

func listen(t testing.TB, c pairing.Config, o pairing.ListenOptions) *desk {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	d := &desk{notices: make(chan error, 1000)}
	if o.Timeout == 0 {
		o.Timeout = soon
	}
	o.Notice = func(_ net.Addr, err error) { d.notices <- err }
	d.Listener, err = pairing.NewListener(ln, c, o)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

// notice waits for the next notice, which must be want.
func (d *desk) notice(t testing.TB, want error) {
	t.Helper()
	select {
	case err := <-d.notices:
		if !errors.Is(err, want) {
			t.Fatalf("noticed %v, want %v", err, want)
		}
	case <-time.After(soon):
		t.Fatalf("noticed nothing, want %v", want)
	}
}

func dial(t testing.TB, addr net.Addr, c pairing.Config) (*pairing.Session, error) {
	t.Helper()
	d := pairing.Dialer{Config: c}
	s, err := d.Dial(within(t), "tcp", addr.String())
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func (d *desk) accept(t testing.TB) *pairing.Session {
	t.Helper()
	s, err := d.Accept(within(t))
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// meet returns both ends of a session.
func meet(t testing.TB, d *desk, c pairing.Config) (dialled, accepted *pairing.Session) {
	t.Helper()
	dialled, err := dial(t, d.Addr(), c)
	must(t, err)
	return dialled, d.accept(t)
}

// refused checks both ends' words for a dialler that does not get in.
func refused(t testing.TB, d *desk, c pairing.Config, want, noticed error) {
	t.Helper()
	if _, err := dial(t, d.Addr(), c); !errors.Is(err, want) {
		t.Fatalf("the dialler says %v, want %v", err, want)
	}
	d.notice(t, noticed)
}

// talks fails the test unless bytes cross both ways between a and b.
func talks(t testing.TB, a, b net.Conn) {
	t.Helper()
	deadline := time.Now().Add(soon)
	a.SetDeadline(deadline)
	b.SetDeadline(deadline)
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := io.WriteString(way[0], "some bytes"); err != nil {
				t.Error(err)
			}
		})
		p := make([]byte, len("some bytes"))
		_, err := io.ReadFull(way[1], p)
		wg.Wait()
		must(t, err)
		if string(p) != "some bytes" {
			t.Fatalf("%q came", p)
		}
	}
}

func identity(t testing.TB) *pairing.Identity {
	t.Helper()
	i, err := pairing.NewIdentity()
	must(t, err)
	return i
}

func knownIn(t testing.TB, dir string) *pairing.KnownPeers {
	t.Helper()
	k, err := pairing.OpenKnownPeers(filepath.Join(dir, "known_peers"))
	must(t, err)
	return k
}

func known(t testing.TB, peers ...pairing.KnownPeer) *pairing.KnownPeers {
	t.Helper()
	k := knownIn(t, t.TempDir())
	for _, p := range peers {
		must(t, k.Pin(p))
	}
	return k
}

func named(i *pairing.Identity, name string) pairing.KnownPeer {
	return pairing.KnownPeer{Fingerprint: i.Fingerprint(), Name: name, Since: time.Now(), Addr: "192.0.2.1"}
}
