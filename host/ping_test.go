package host

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestPing(t *testing.T) {
	a, b := newPair(t)
	for _, test := range []struct {
		from *Host
		to   string
		size int
	}{
		{a, "10.0.0.2", 0},
		{b, "10.0.0.1", 1472},
		{a, "10.0.0.1", 56},
		{a, "127.0.0.1", 56},
		{a, "127.9.9.9", 56},
		{a, "localhost", 65000},
		{a, "10.0.0.2", 0},
	} {
		pong, err := test.from.Ping(t.Context(), test.to, Ping{Size: test.size})
		if err != nil {
			t.Errorf("%s: %v", test.to, err)
			continue
		}
		if pong.TTL != 64 || test.to[0] == '1' && pong.From.String() != test.to {
			t.Errorf("%s: %+v", test.to, pong)
		}
	}
}

// A ping that does not fit is refused, or cut and put together again.
func TestPingInFragments(t *testing.T) {
	a, b := newPair(t)
	if _, err := a.Ping(t.Context(), "10.0.0.2", Ping{Size: 1473}); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("a ping too large for the link: %v", err)
	}
	for _, size := range []int{1473, 4000, 65507} {
		if _, err := a.Ping(t.Context(), "10.0.0.2", Ping{Size: size, MayBeCut: true}); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if c := b.Counters(); c.Fragments.Whole != 3 || c.Fragmented != 3 {
		t.Errorf("%+v", c)
	}
}

func TestPingOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newPair(t)
		begin := time.Now()
		_, err := a.Ping(t.Context(), "10.0.0.9", Ping{})
		if !errors.Is(err, syscall.EHOSTUNREACH) || time.Since(begin).Round(time.Millisecond) != 3*time.Second {
			t.Errorf("%v after %v, want EHOSTUNREACH after three questions by ARP", err, time.Since(begin))
		}
		if _, err := a.Ping(t.Context(), "192.0.2.1", Ping{}); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("no route: %v", err)
		}
	})
}

func TestPingGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPair(t)
		b.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.Ping(ctx, "10.0.0.2", Ping{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		a.Close()
		if _, err := a.Ping(t.Context(), "127.0.0.1", Ping{}); err == nil {
			t.Error("a closed host answered itself")
		}
	})
}
