package tcp

import (
	"testing"
	"time"
)

// TestUndoNeedsAllDuplicates: RFC 3708: the window comes back only when each byte that
// was sent again was reported as a duplicate, and then CUBIC's curve does, too.
func TestUndoNeedsAllDuplicates(t *testing.T) {
	b := flight(t, 10)
	cwnd, curve := b.c.cc.cwnd, b.c.cubic.now
	b.wait(bareRTT)
	b.ack(1, full(2, 10))
	b.wantSent("two losses", 0, 1)
	b.wait(bareRTT / 5)
	b.ack(1 + 10*1460)
	if b.c.cc.cwnd >= cwnd {
		t.Fatalf("the window is %d after a loss, and was %d", b.c.cc.cwnd, cwnd)
	}
	b.ack(1+10*1460, full(0, 1))
	if n := b.c.Info().Undone; n != 0 {
		t.Error("one duplicate of two takes it back")
	}
	b.ack(1+10*1460, full(1, 2))
	if n := b.c.Info().Undone; n != 1 || b.c.cc.cwnd < cwnd || b.c.cubic.now != curve {
		t.Errorf("both: undone %d times, window %d of %d, curve %+v", n, b.c.cc.cwnd, cwnd, b.c.cubic.now)
	}
}

// TestWindowOfAnIdleConnection: RFC 5681 §4.1: what was learnt of the path is old.
func TestWindowOfAnIdleConnection(t *testing.T) {
	b := flight(t, 10)
	for b.c.cc.cwnd < 60*1460 || b.c.snd.ring.n > 0 {
		b.wait(bareRTT)
		b.ack(b.c.snd.nxt.Sub(bareISS))
		if b.c.cc.cwnd < 60*1460 {
			b.write(30 * 1460)
		}
	}
	b.look()
	b.wait(10 * time.Second)
	b.write(40 * 1460)
	if n := len(b.look()); n != 10 {
		t.Errorf("after ten seconds of rest %d segments leave at once, want 10", n)
	}
}

// TestWindowThatIsNotInUseDoesNotGrow: RFC 7661 §4.
func TestWindowThatIsNotInUseDoesNotGrow(t *testing.T) {
	b := newBare(t, nil).connect()
	for range 100 {
		b.write(1460)
		b.wait(bareRTT)
		b.ack(b.c.snd.nxt.Sub(bareISS))
	}
	if got := b.c.cc.cwnd / 1460; got != 10 {
		t.Errorf("a segment in each round trip makes the window %d segments", got)
	}
}

// TestFINBeyondTheWindow is cut off with the data before it.
func TestFINBeyondTheWindow(t *testing.T) {
	b := reach(t, Established, func(c *Config) { c.RecvBuffer = 4096 })
	b.input(FIN|ACK, 1, 1, 6000, nil)
	if n, end := b.c.Readable(); n > 5000 || n < 2000 || end || b.c.State() != Established {
		t.Errorf("%d bytes, the end behind them: %v, %v", n, end, b.c.State())
	}
}

// TestPAWSForgets: RFC 7323 §5.5: after 24 days a peer's clock may have gone around.
func TestPAWSForgets(t *testing.T) {
	for _, tt := range []struct {
		after time.Duration
		taken int
	}{{time.Hour, 0}, {25 * 24 * time.Hour, 10}} {
		b := newBare(t, func(c *Config) { c.NoTimestamps = false })
		stamp := func(val uint32) Options {
			return Options(nil).AppendNop(2).AppendTimestamps(val, b.c.stamps.val(b.now))
		}
		b.wait(bareRTT)
		b.input(SYN|ACK, 0, 1, 0, stamp(1<<30).AppendMSS(1460))
		b.wait(tt.after)
		b.input(ACK, 1, 1, 10, stamp(1<<30-1000))
		if n, _ := b.c.Readable(); n != tt.taken {
			t.Errorf("after %v, %d bytes with an earlier timestamp are taken, want %d", tt.after, n, tt.taken)
		}
	}
}

// TestNoKeepAliveWhileDataIsUnderWay: RFC 9293 §3.8.4, MUST-26.
func TestNoKeepAliveWhileDataIsUnderWay(t *testing.T) {
	b := reach(t, Established, func(c *Config) { c.KeepAlive = KeepAlive{Idle: time.Second, Interval: time.Second} })
	b.write(1)
	b.wait(time.Minute)
	for _, s := range b.look() {
		if s.Len == 0 {
			t.Fatalf("%+v asks whether the peer is there", s)
		}
	}
}
