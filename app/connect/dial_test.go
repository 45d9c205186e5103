package connect

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/app/address"
)

func TestDialErrorsSayWhat(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := address.Address{Scheme: "tcp"}.At(l.Addr())
	l.Close()
	_, err = new(Dialer).Dial(context.Background(), nobody)
	if want := "connect to " + nobody.String() + ": connection refused"; !errors.Is(err, syscall.ECONNREFUSED) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// silent accepts and says nothing: every handshake needs its deadline.
func TestDialTimesOutInEveryHandshake(t *testing.T) {
	silent := listen(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	for _, scheme := range []string{"tls", "ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			a := silent
			a.Scheme = scheme
			_, err := (&Dialer{Timeout: 50 * time.Millisecond}).Dial(context.Background(), a)
			if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.HasSuffix(err.Error(), ": no answer within 50ms") {
				t.Errorf("error %v", err)
			}
		})
		t.Run(scheme+" interrupted", func(t *testing.T) {
			a := silent
			a.Scheme = scheme
			ctx, cancel := context.WithCancelCause(context.Background())
			why := errors.New("enough")
			time.AfterFunc(50*time.Millisecond, func() { cancel(why) })
			if _, err := (&Dialer{Timeout: -1}).Dial(ctx, a); err != why {
				t.Errorf("error %v", err)
			}
		})
	}
}

// memory is another stack: it has only pipes.
type memory struct{ asked string }

func (m *memory) DialContext(_ context.Context, network, target string) (net.Conn, error) {
	m.asked = network + " " + target
	ours, theirs := net.Pipe()
	go func() { defer theirs.Close(); io.WriteString(theirs, "hello") }()
	return ours, nil
}

func TestDialOverAnotherStack(t *testing.T) {
	var m memory
	a, err := address.Parse("10.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	conn := dial(t, &Dialer{Net: &m}, a)
	result, err := Run(context.Background(), conn, Options{In: stuck(t), Out: &out})
	if err != nil || out.String() != "hello" || m.asked != "tcp 10.0.0.1:80" || !result.ServerFirst {
		t.Errorf("%q %q %+v %v", m.asked, &out, result, err)
	}
}

func TestDialIPv6(t *testing.T) {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 on this machine: ", err)
	}
	serveAll(t, l, afterEOF)
	var out strings.Builder
	a := address.Address{Scheme: "tcp6"}.At(l.Addr())
	if _, err := Run(context.Background(), dial(t, new(Dialer), a), Options{In: strings.NewReader("six"), Out: &out}); err != nil || out.String() != "six" {
		t.Errorf("%q, %v", &out, err)
	}
}
