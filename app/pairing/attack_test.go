package pairing_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"dialtone/app/pairing"
)

const wrong = "8-copper-lantern"

func TestThreeWrongTriesBurnTheCode(t *testing.T) {
	both(t, func(t *testing.T, c pairing.Config) {
		d := listen(t, c, pairing.ListenOptions{})
		guess := c
		guess.Code = wrong
		for range 3 {
			refused(t, d, guess, pairing.ErrWrongCode, pairing.ErrWrongCode)
		}
		refused(t, d, guess, pairing.ErrBurned, pairing.ErrBurned)
		refused(t, d, c, pairing.ErrBurned, pairing.ErrBurned) // the right one comes too late
		if _, err := d.Accept(within(t)); !errors.Is(err, pairing.ErrBurned) {
			t.Fatalf("Accept says %v", err)
		}

		must(t, d.SetCode("9-copper-lantern"))
		refused(t, d, c, pairing.ErrWrongCode, pairing.ErrWrongCode)
		c.Code = "9-copper-lantern"
		meet(t, d, c)
	})
}

func TestAWrongCodeLeavesTheRightOne(t *testing.T) {
	c := pairing.Config{Code: code}
	d := listen(t, c, pairing.ListenOptions{})
	for range 2 {
		refused(t, d, pairing.Config{Code: wrong}, pairing.ErrWrongCode, pairing.ErrWrongCode)
	}
	meet(t, d, c)
	refused(t, d, pairing.Config{Code: wrong}, pairing.ErrWrongCode, pairing.ErrWrongCode)
	refused(t, d, c, pairing.ErrBurned, pairing.ErrBurned) // a success forgives nothing
}

func TestParallelGuessesGetNoMoreTries(t *testing.T) {
	both(t, func(t *testing.T, c pairing.Config) {
		d := listen(t, c, pairing.ListenOptions{})
		guess := c
		guess.Code = wrong
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				if _, err := dial(t, d.Addr(), guess); err == nil {
					t.Error("a wrong code got in")
				}
			})
		}
		wg.Wait()
		count := map[error]int{}
		for range 30 {
			err := <-d.notices
			for _, e := range []error{pairing.ErrWrongCode, pairing.ErrBurned} {
				if errors.Is(err, e) {
					count[e]++
				}
			}
		}
		if count[pairing.ErrWrongCode] != 3 || count[pairing.ErrBurned] != 27 {
			t.Errorf("%v", count)
		}
	})
}

func TestNoCodeIsNotNoAuth(t *testing.T) {
	c := pairing.Config{Code: code, NoAuth: true}
	d := listen(t, c, pairing.ListenOptions{Classic: true})
	must(t, d.SetCode(""))
	refused(t, d, pairing.Config{NoAuth: true}, pairing.ErrCodeWanted, pairing.ErrNotWanted)
}

func TestAnAbandonedHandshakeIsNoTry(t *testing.T) {
	c := pairing.Config{Code: code, Plain: true}
	d := listen(t, c, pairing.ListenOptions{})
	for range 5 { // the dialler goes away after the welcome: it has learnt nothing
		between(t, d.Addr(), c, func(fromDialler bool, n int, p []byte) []byte {
			if fromDialler && n == 2 {
				return nil
			}
			return p
		})
		d.notice(t, io.ErrUnexpectedEOF)
	}
	meet(t, d, c)
}

// between dials through somebody who gets each message, counted from 1 for each
// direction, and may change it; nil hangs up. It returns the dialler's error.
func between(t *testing.T, addr net.Addr, c pairing.Config, change func(fromDialler bool, n int, p []byte) []byte) error {
	t.Helper()
	front, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer front.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		a, err := front.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp", addr.String())
		if err != nil {
			a.Close()
			return
		}
		relay(a, b, change)
	})
	s, err := dial(t, front.Addr(), c)
	if err == nil {
		s.Close()
	}
	wg.Wait()
	return err
}

// relay passes messages both ways until one end is gone. The plain preface counts
// as part of the first message.
func relay(a, b net.Conn, change func(fromDialler bool, n int, p []byte) []byte) {
	var wg sync.WaitGroup
	for fromDialler, way := range map[bool][2]net.Conn{true: {a, b}, false: {b, a}} {
		wg.Go(func() {
			defer a.Close()
			defer b.Close()
			for n := 1; ; n++ {
				p, err := oneMessage(way[0])
				if err != nil {
					return
				}
				if p = change(fromDialler, n, p); p == nil {
					return
				}
				if _, err := way[1].Write(p); err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
}

func oneMessage(r io.Reader) ([]byte, error) {
	p := make([]byte, 3)
	if _, err := io.ReadFull(r, p); err != nil {
		return nil, err
	}
	if p[0] == 0 {
		p = append(p, make([]byte, 9+3)...)
		if _, err := io.ReadFull(r, p[3:]); err != nil {
			return nil, err
		}
	}
	body := make([]byte, int(p[len(p)-2])<<8|int(p[len(p)-1]))
	_, err := io.ReadFull(r, body)
	return append(p, body...), err
}

// TestEditedHellosFail lets somebody in between change what either end says before
// the code is confirmed: names, offers, versions, nonces, shares, unknown fields.
func TestEditedHellosFail(t *testing.T) {
	type edit struct {
		name        string
		fromDialler bool
		change      func(p []byte) []byte
	}
	replace := func(old, new string) func([]byte) []byte {
		return func(p []byte) []byte {
			if !bytes.Contains(p, []byte(old)) {
				t.Errorf("%q is not in %q", old, p)
			}
			return bytes.Replace(p, []byte(old), []byte(new), 1)
		}
	}
	grow := func(extra string) func([]byte) []byte {
		return func(p []byte) []byte {
			at := 0
			if p[0] == 0 {
				at = 12
			}
			p = append(p, extra...)
			n := len(p) - at - 3
			p[at+1], p[at+2] = byte(n>>8), byte(n)
			return p
		}
	}
	for _, e := range []edit{
		{"dialler's name", true, replace("laptop", "leptop")},
		{"listener's name", false, replace("desk", "disk")},
		{"an offer more", true, func(p []byte) []byte { return grow("\x09\x00\x01\x09")(p) }},
		{"methods", true, replace("\x04\x00\x01\x01", "\x04\x00\x01\x01\x7f\x00\x00")},
		{"an unknown field", true, grow("\x55\x00\x02hi")},
		{"an unknown field back", false, grow("\x55\x00\x00")},
		{"dialler's last byte", true, func(p []byte) []byte { p[len(p)-1] ^= 1; return p }},
		{"session", false, func(p []byte) []byte { p[len(p)-1] ^= 1; return p }},
	} {
		t.Run(e.name, func(t *testing.T) {
			d := listen(t, pairing.Config{Code: code, Plain: true, Name: "desk"}, pairing.ListenOptions{})
			c := pairing.Config{Code: code, Plain: true, Name: "laptop"}
			err := between(t, d.Addr(), c, func(fromDialler bool, n int, p []byte) []byte {
				if n == 1 && fromDialler == e.fromDialler {
					return e.change(p)
				}
				return p
			})
			if err == nil {
				t.Fatal("nobody saw it")
			}
			if err := <-d.notices; err == nil {
				t.Fatal("the listener saw nothing")
			}
		})
	}
}

func TestAnUntouchedRelayWorks(t *testing.T) { // so that the tests above fail for their reason
	c := pairing.Config{Code: code, Plain: true}
	d := listen(t, c, pairing.ListenOptions{})
	if err := between(t, d.Addr(), c, func(_ bool, _ int, p []byte) []byte { return p }); err != nil {
		t.Fatal(err)
	}
	d.accept(t)
}

// TestAManInTheMiddleOfTLSFails ends TLS on both sides and passes on what is inside.
func TestAManInTheMiddleOfTLSFails(t *testing.T) {
	c := pairing.Config{Code: code}
	d := listen(t, c, pairing.ListenOptions{})
	certificate := selfSigned(t)
	config := &tls.Config{
		Certificates: []tls.Certificate{certificate}, NextProtos: []string{"dialtone/1"},
		InsecureSkipVerify: true, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13,
	}
	front, err := tls.Listen("tcp", "127.0.0.1:0", config)
	must(t, err)
	defer front.Close()
	for range 3 {
		var wg sync.WaitGroup
		wg.Go(func() {
			a, err := front.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			b, err := tls.Dial("tcp", d.Addr().String(), config)
			if err != nil {
				t.Error(err)
				return
			}
			relay(a, b, func(_ bool, _ int, p []byte) []byte { return p })
		})
		if _, err := dial(t, front.Addr(), c); !errors.Is(err, pairing.ErrWrongCode) {
			t.Fatalf("the dialler says %v", err)
		}
		d.notice(t, pairing.ErrWrongCode) // it cost one try
		wg.Wait()
	}
	refused(t, d, c, pairing.ErrBurned, pairing.ErrBurned)
}

func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestReplay says again, to the same listener, what a dialler has said on the wire.
func TestReplay(t *testing.T) {
	c := pairing.Config{Code: code, Plain: true}
	d := listen(t, c, pairing.ListenOptions{})
	front, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer front.Close()
	var mu sync.Mutex
	var said [][]byte // by the dialler, over two connections
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			a, err := front.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", d.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			relay(a, b, func(fromDialler bool, _ int, p []byte) []byte {
				mu.Lock()
				defer mu.Unlock()
				if fromDialler {
					said = append(said, bytes.Clone(p))
				}
				return p
			})
		})
	}
	a, err := dial(t, front.Addr(), c)
	must(t, err)
	b := d.accept(t)
	a2, err := (&pairing.Dialer{Config: c}).Dial(within(t), "tcp", d.Addr().String()) // another, to join nothing
	must(t, err)
	defer a2.Close()
	d.accept(t)
	x, err := a.Open(within(t)) // goes where the first connection went: through the front
	must(t, err)
	_, err = b.AcceptStream(within(t))
	must(t, err)
	_ = x

	mu.Lock()
	hello, confirm, join := said[0], said[1], said[2]
	mu.Unlock()
	for _, replay := range []struct {
		messages [][]byte
		want     error
	}{
		{[][]byte{hello, confirm}, pairing.ErrWrongCode},
		{[][]byte{join}, pairing.ErrJoin},
	} {
		conn, err := net.Dial("tcp", d.Addr().String())
		must(t, err)
		for _, m := range replay.messages {
			_, err = conn.Write(m)
			must(t, err)
		}
		d.notice(t, replay.want)
		conn.Close()
	}
	must(t, a.Close())
	must(t, b.Close())
	front.Close()
	wg.Wait()
}

// TestAnEchoIsNoPeer sends the dialler's own messages back.
func TestAnEchoIsNoPeer(t *testing.T) {
	front, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer front.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		c, err := front.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		io.ReadFull(c, make([]byte, len("\x00dialtone/1\n")))
		io.Copy(c, c)
	})
	if _, err := dial(t, front.Addr(), pairing.Config{Code: code, Plain: true}); !errors.Is(err, pairing.ErrProtocol) {
		t.Error(err)
	}
	wg.Wait()
}

func TestForeignersAreRefused(t *testing.T) {
	tlsOnly, plainOnly := pairing.Config{Code: code}, pairing.Config{Code: code, Plain: true}
	for name, v := range map[string]struct {
		config pairing.Config
		says   string
		want   error
	}{
		"a web browser":      {tlsOnly, "GET / HTTP/1.1\r\n\r\n", pairing.ErrForeign},
		"a classic sender":   {plainOnly, "notes.txt", pairing.ErrForeign},
		"half a preface":     {plainOnly, "\x00dial", io.ErrUnexpectedEOF},
		"another preface":    {plainOnly, "\x00dialtone/2\n", pairing.ErrForeign},
		"an unknown message": {plainOnly, "\x00dialtone/1\n\x63\x00\x00", pairing.ErrForeign},
		"a huge message":     {plainOnly, "\x00dialtone/1\n\x01\xff\xff", pairing.ErrForeign},
		"a broken message":   {plainOnly, "\x00dialtone/1\n\x01\x00\x04\x01\x00\x02x", pairing.ErrProtocol},
		"an empty message":   {plainOnly, "\x00dialtone/1\n\x01\x00\x00", pairing.ErrProtocol},
		"a wrong message":    {plainOnly, "\x00dialtone/1\n\x04\x00\x00", pairing.ErrProtocol},
		"another version":    {plainOnly, "\x00dialtone/1\n\x01\x00\x2a\x01\x00\x01\x02\x02\x00\x20" + string(make([]byte, 32)) + "\x04\x00\x00", pairing.ErrVersion},
		"nothing":            {tlsOnly, "", io.ErrUnexpectedEOF},
		"half a ClientHello": {tlsOnly, "\x16\x03\x01\x02\x00\x01", io.ErrUnexpectedEOF},
		"garbage after 0x16": {tlsOnly, "\x16garbage, and a lot of it", nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := listen(t, v.config, pairing.ListenOptions{})
			c, err := net.Dial("tcp", d.Addr().String())
			must(t, err)
			defer c.Close()
			_, err = io.WriteString(c, v.says)
			must(t, err)
			c.(*net.TCPConn).CloseWrite() // it may be closed already
			if v.want != nil {
				d.notice(t, v.want)
			} else if err := <-d.notices; err == nil {
				t.Error("no notice")
			}
			c.SetReadDeadline(time.Now().Add(soon))
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stays open")
			}
		})
	}
}

// TestSilenceHoldsOnlyItsOwnPlaces fills all that one address may have, then comes
// from another.
func TestSilenceHoldsOnlyItsOwnPlaces(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("127.0.0.2 is ours on Linux only")
	}
	c := pairing.Config{Code: code}
	d := listen(t, c, pairing.ListenOptions{Timeout: time.Hour})
	for range 100 {
		idle, err := net.Dial("tcp", d.Addr().String())
		must(t, err)
		defer idle.Close()
	}
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	dialer := pairing.Dialer{Net: from, Config: c}
	s, err := dialer.Dial(within(t), "tcp", d.Addr().String())
	must(t, err)
	defer s.Close()
	d.accept(t)
}

func TestTheSlowAreCutOff(t *testing.T) {
	c := pairing.Config{Code: code}
	d := listen(t, c, pairing.ListenOptions{Timeout: 100 * time.Millisecond})
	for _, says := range []string{"", "\x16", "\x16\x03\x01\x02\x00", "\x00dialtone/1\n\x01\x00"} {
		slow, err := net.Dial("tcp", d.Addr().String())
		must(t, err)
		defer slow.Close()
		_, err = io.WriteString(slow, says)
		must(t, err)
		d.notice(t, os.ErrDeadlineExceeded)
	}
}

func TestAListenerThatSaysNothingIsGivenUp(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	for _, plain := range []bool{false, true} {
		d := pairing.Dialer{Config: pairing.Config{Code: code, Plain: plain}, Timeout: 50 * time.Millisecond}
		if _, err := d.Dial(context.Background(), "tcp", ln.Addr().String()); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("plain %v: %v", plain, err)
		}
	}
}

func TestAServerOfAnotherKindIsNamedSo(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n")
			io.Copy(io.Discard, c)
			c.Close()
		}
	})
	for _, plain := range []bool{false, true} {
		if _, err := dial(t, ln.Addr(), pairing.Config{Code: code, Plain: plain}); !errors.Is(err, pairing.ErrForeign) {
			t.Errorf("plain %v: %v", plain, err)
		}
	}
	ln.Close()
	wg.Wait()
}
