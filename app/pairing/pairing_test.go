package pairing_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"dialtone/app/pairing"
)

func both(t *testing.T, f func(t *testing.T, c pairing.Config)) {
	t.Run("tls", func(t *testing.T) { f(t, pairing.Config{Code: code}) })
	t.Run("plain", func(t *testing.T) { f(t, pairing.Config{Code: code, Plain: true}) })
}

func TestACodeMakesASession(t *testing.T) {
	both(t, func(t *testing.T, c pairing.Config) {
		c.Name = "desk"
		d := listen(t, c, pairing.ListenOptions{})
		c.Name, c.Code = "lap\ttop", "7 COPPER_lantern"
		a, b := meet(t, d, c)
		talks(t, a.Conn(), b.Conn())
		if !a.Dialed() || b.Dialed() {
			t.Error("who dialled?")
		}
		if p := a.Peer(); p.Name != "desk" || p.How != "code" || p.Encrypted == c.Plain || p.Addr.String() != d.Addr().String() || p.Fingerprint.IsZero() != c.Plain {
			t.Errorf("the dialler sees %+v", p)
		}
		if p := b.Peer(); p.Name != "laptop" || p.How != "code" || p.Encrypted == c.Plain || p.Classic {
			t.Errorf("the listener sees %+v", p)
		}
		if _, ok := a.Conn().(*net.TCPConn); ok != c.Plain {
			t.Error("a plain session must hand out the kernel's connection, and only that one")
		}
	})
}

func TestFurtherConnectionsJoin(t *testing.T) {
	both(t, func(t *testing.T, c pairing.Config) {
		d := listen(t, c, pairing.ListenOptions{})
		a, b := meet(t, d, c)
		for range 3 {
			x, err := a.Open(within(t))
			must(t, err)
			y, err := b.AcceptStream(within(t))
			must(t, err)
			talks(t, x, y)
		}
		if _, err := b.Open(within(t)); !errors.Is(err, pairing.ErrNoStreams) {
			t.Errorf("the listening end opens: %v", err)
		}
		if _, err := a.AcceptStream(within(t)); !errors.Is(err, pairing.ErrNoStreams) {
			t.Errorf("the dialling end accepts: %v", err)
		}
	})
}

func TestConnectionsFindTheirSession(t *testing.T) {
	c := pairing.Config{Code: code}
	d := listen(t, c, pairing.ListenOptions{})
	a1, b1 := meet(t, d, c)
	a2, b2 := meet(t, d, c)
	var wg sync.WaitGroup
	for _, s := range []struct{ a, b *pairing.Session }{{a1, b1}, {a2, b2}} {
		wg.Go(func() {
			for range 4 {
				x, err := s.a.Open(within(t))
				if err != nil {
					t.Error(err)
					return
				}
				y, err := s.b.AcceptStream(within(t))
				if err != nil {
					t.Error(err)
					return
				}
				talks(t, x, y)
			}
		})
	}
	wg.Wait()
}

func TestASessionHasAtMost64FurtherConnections(t *testing.T) {
	c := pairing.Config{Code: code, Plain: true}
	d := listen(t, c, pairing.ListenOptions{})
	a, _ := meet(t, d, c)
	for i := range 64 {
		if _, err := a.Open(within(t)); err != nil {
			t.Fatalf("connection %d: %v", i+1, err)
		}
	}
	if _, err := a.Open(within(t)); !errors.Is(err, pairing.ErrNoStreams) {
		t.Errorf("the 65th: %v", err)
	}
}

func TestNobodyJoinsAClosedSession(t *testing.T) {
	c := pairing.Config{Code: code}
	d := listen(t, c, pairing.ListenOptions{})
	a, b := meet(t, d, c)
	must(t, b.Close())
	if _, err := a.Open(within(t)); !errors.Is(err, pairing.ErrJoin) {
		t.Errorf("Open: %v", err)
	}
	d.notice(t, pairing.ErrJoin)
	if _, err := b.AcceptStream(within(t)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("AcceptStream: %v", err)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	c := pairing.Config{Code: code}
	d := listen(t, c, pairing.ListenOptions{})
	a, b := meet(t, d, c)
	x, err := a.Open(within(t))
	must(t, err)
	y, err := b.AcceptStream(within(t))
	must(t, err)
	must(t, a.Close())
	must(t, a.Close())
	for _, conn := range []net.Conn{b.Conn(), y} {
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the other end reads %v", err)
		}
	}
	if _, err := x.Write([]byte("x")); err == nil {
		t.Error("a further connection is still open")
	}
	if _, err := a.Open(within(t)); err == nil {
		t.Error("a closed session opens")
	}
}

func TestNoAuth(t *testing.T) {
	for _, plain := range []bool{false, true} {
		c := pairing.Config{NoAuth: true, Plain: plain}
		d := listen(t, c, pairing.ListenOptions{})
		a, b := meet(t, d, c)
		talks(t, a.Conn(), b.Conn())
		x, err := a.Open(within(t))
		must(t, err)
		y, err := b.AcceptStream(within(t))
		must(t, err)
		talks(t, x, y)
		if p := a.Peer(); p.How != "none" || p.Encrypted == plain {
			t.Errorf("%+v", p)
		}
	}
}

func TestConfigsThatAuthenticateNobodyAreRefused(t *testing.T) {
	for name, c := range map[string]pairing.Config{
		"zero":       {},
		"plain":      {Plain: true},
		"plain keys": {Plain: true, Known: known(t)},
		"short code": {Code: "seven"},
	} {
		d := pairing.Dialer{Config: c}
		if _, err := d.Dial(within(t), "tcp", "127.0.0.1:1"); err == nil || errors.Is(err, errors.ErrUnsupported) || isDial(err) {
			t.Errorf("%s: dialling gives %v", name, err)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		if _, err := pairing.NewListener(ln, c, pairing.ListenOptions{}); err == nil {
			t.Errorf("%s: listening works", name)
		}
		ln.Close()
	}
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op)
}

func TestMismatchedEndsSayWhatIsWrong(t *testing.T) {
	for name, v := range map[string]struct {
		listen, dial  pairing.Config
		want, noticed error
	}{
		"no code given":     {pairing.Config{Code: code}, pairing.Config{NoAuth: true}, pairing.ErrCodeWanted, pairing.ErrNotWanted},
		"no code wanted":    {pairing.Config{NoAuth: true}, pairing.Config{Code: code}, pairing.ErrNotWanted, pairing.ErrNotWanted},
		"plain to TLS":      {pairing.Config{Code: code}, pairing.Config{Code: code, Plain: true}, pairing.ErrNeedsTLS, pairing.ErrNeedsTLS},
		"TLS to plain":      {pairing.Config{Code: code, Plain: true}, pairing.Config{Code: code}, pairing.ErrPlain, nil},
		"no code after all": {pairing.Config{NoAuth: true}, pairing.Config{Code: code, NoAuth: true}, pairing.ErrNotWanted, pairing.ErrNotWanted},
		"neither is known":  {pairing.Config{Known: known(t)}, pairing.Config{Known: known(t)}, pairing.ErrUnknownPeer, pairing.ErrUnknownPeer},
		"known to code":     {pairing.Config{Code: code}, pairing.Config{Known: known(t)}, pairing.ErrCodeWanted, pairing.ErrNotWanted},
		"code to known":     {pairing.Config{Known: known(t)}, pairing.Config{Code: code}, pairing.ErrNotWanted, pairing.ErrNotWanted},
	} {
		t.Run(name, func(t *testing.T) {
			d := listen(t, v.listen, pairing.ListenOptions{})
			if v.noticed == nil {
				if _, err := dial(t, d.Addr(), v.dial); !errors.Is(err, v.want) {
					t.Fatalf("the dialler says %v, want %v", err, v.want)
				}
				<-d.notices
				return
			}
			refused(t, d, v.dial, v.want, v.noticed)
		})
	}
}

func TestSessionsBeyondTheBoundAreRefusedAndJoinsAreNot(t *testing.T) {
	c := pairing.Config{Code: code}
	d := listen(t, c, pairing.ListenOptions{Sessions: 1})
	a, b := meet(t, d, c)
	refused(t, d, c, pairing.ErrBusy, pairing.ErrBusy)
	_, err := a.Open(within(t))
	must(t, err)
	_, err = b.AcceptStream(within(t))
	must(t, err)
}

func TestManyDialAtOnce(t *testing.T) {
	c := pairing.Config{Code: code}
	d := listen(t, c, pairing.ListenOptions{})
	const many = 100
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			if _, err := dial(t, d.Addr(), c); err != nil {
				t.Error(err)
			}
		})
	}
	for range many {
		d.accept(t)
	}
	wg.Wait()
}

func TestASessionOfTheCallersConnection(t *testing.T) {
	p, q := net.Pipe()
	a, b := pairing.New(p), pairing.New(q)
	talks(t, a.Conn(), b.Conn())
	if _, err := a.Open(within(t)); !errors.Is(err, pairing.ErrNoStreams) {
		t.Error(err)
	}
	if _, err := b.AcceptStream(within(t)); !errors.Is(err, pairing.ErrNoStreams) {
		t.Error(err)
	}
	must(t, a.Close())
	must(t, b.Close())

	p, q = net.Pipe()
	s := pairing.NewDialed(p, func(context.Context) (net.Conn, error) { return q, nil })
	defer s.Close()
	if c, err := s.Open(within(t)); err != nil || c != q || !s.Dialed() {
		t.Errorf("Open gives %v, %v", c, err)
	}
}

func TestCancelledDial(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel and says nothing
	must(t, err)
	defer ln.Close()
	for _, plain := range []bool{false, true} {
		ctx, cancel := context.WithCancel(within(t))
		result := make(chan error)
		go func() {
			d := pairing.Dialer{Config: pairing.Config{Code: code, Plain: plain}}
			_, err := d.Dial(ctx, "tcp", ln.Addr().String())
			result <- err
		}()
		c, err := ln.Accept()
		must(t, err)
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("plain %v: %v", plain, err)
		}
		c.Close()
	}
}

func TestAcceptEndsWithContextAndClose(t *testing.T) {
	d := listen(t, pairing.Config{Code: code}, pairing.ListenOptions{})
	ctx, cancel := context.WithCancel(within(t))
	cancel()
	if _, err := d.Accept(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	must(t, d.Close())
	must(t, d.Close())
	if _, err := d.Accept(within(t)); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestASessionOutlivesItsListener(t *testing.T) {
	c := pairing.Config{Code: code}
	d := listen(t, c, pairing.ListenOptions{})
	a, b := meet(t, d, c)
	must(t, d.Close())
	talks(t, a.Conn(), b.Conn())
}

func TestClassicConnectionsAreHandedOutWithWhatTheySaid(t *testing.T) {
	d := listen(t, pairing.Config{NoAuth: true}, pairing.ListenOptions{Classic: true})
	c, err := net.Dial("tcp", d.Addr().String())
	must(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "notes.txt")
	must(t, err)
	s := d.accept(t)
	if p := s.Peer(); !p.Classic || p.Encrypted || p.How != "none" {
		t.Errorf("%+v", p)
	}
	p := make([]byte, len("notes.txt"))
	_, err = io.ReadFull(s.Conn(), p)
	must(t, err)
	if string(p) != "notes.txt" {
		t.Errorf("%q", p)
	}
	talks(t, c, s.Conn())
	bare := s.Conn().(interface{ Bare() net.Conn }).Bare()
	if _, ok := bare.(*net.TCPConn); !ok {
		t.Errorf("below is %T", bare)
	}
}

func TestClassicNeedsNoAuth(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	if _, err := pairing.NewListener(ln, pairing.Config{Code: code}, pairing.ListenOptions{Classic: true}); err == nil {
		t.Error("classic beside a code, without NoAuth")
	}
}

func BenchmarkSession(b *testing.B) {
	for name, c := range map[string]pairing.Config{
		"code":       {Code: code, Identity: identity(b)},
		"code plain": {Code: code, Plain: true},
		"no auth":    {NoAuth: true, Identity: identity(b)},
	} {
		b.Run(name, func(b *testing.B) {
			d := listen(b, c, pairing.ListenOptions{})
			dialer := pairing.Dialer{Config: c}
			for b.Loop() {
				s, err := dialer.Dial(b.Context(), "tcp", d.Addr().String())
				must(b, err)
				accepted, err := d.Accept(b.Context())
				must(b, err)
				s.Close()
				accepted.Close()
			}
		})
	}
}
