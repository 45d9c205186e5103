package connect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/app/address"
)

// packets answers each datagram with answer's, until the test ends.
func packets(t *testing.T, answer func([]byte) [][]byte) address.Address {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, peer, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, a := range answer(buf[:n]) {
				pc.WriteTo(a, peer)
			}
		}
	}()
	t.Cleanup(func() { pc.Close(); <-done })
	return address.Address{Scheme: "udp"}.At(pc.LocalAddr())
}

func upper(p []byte) [][]byte { return [][]byte{bytes.ToUpper(p)} }

// messages records what each Write got.
type messages []string

func (m *messages) Write(p []byte) (int, error) {
	*m = append(*m, string(p))
	return len(p), nil
}

// script returns one of its strings a Read, empty ones too.
type script struct{ lines []string }

func (s *script) Read(p []byte) (int, error) {
	if len(s.lines) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.lines[0])
	s.lines = s.lines[1:]
	return n, nil
}

func TestEachReadIsADatagram(t *testing.T) {
	big := strings.Repeat("x", MaxDatagram)
	for name, c := range map[string]struct{ in, want []string }{
		"lines": {[]string{"a", "", "b\n"}, []string{"A", "", "B\n"}},
		"big":   {[]string{big}, []string{strings.ToUpper(big)}},
	} {
		t.Run(name, func(t *testing.T) {
			var got messages
			o := Options{In: &script{c.in}, Out: &got, Datagram: MaxDatagram, Wait: 300 * time.Millisecond}
			if _, err := Run(context.Background(), dial(t, new(Dialer), packets(t, upper)), o); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %.60q", got)
			}
		})
	}
}

func TestDatagramsHaveAtMostTheirSize(t *testing.T) {
	var got messages
	o := Options{In: strings.NewReader("abcde"), Out: &got, Datagram: 2, Wait: 300 * time.Millisecond}
	if _, err := Run(context.Background(), dial(t, new(Dialer), packets(t, upper)), o); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []string{"AB", "CD", "E"}) {
		t.Errorf("got %q", got)
	}
}

func TestPortUnreachableIsReported(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := address.Address{Scheme: "udp"}.At(pc.LocalAddr())
	pc.Close()
	for name, in := range map[string]io.Reader{
		"once":   strings.NewReader("x"),
		"ticker": &Ticker{Text: []byte("x"), Every: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Run(context.Background(), dial(t, new(Dialer), a), Options{In: in, Datagram: 1200, Wait: time.Minute})
			if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "port unreachable") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestContextEndsAWait(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	silent := packets(t, func([]byte) [][]byte { cancel(); return nil })
	_, err := Run(ctx, dial(t, new(Dialer), silent), Options{In: strings.NewReader("x"), Datagram: 1200, Wait: time.Hour})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
