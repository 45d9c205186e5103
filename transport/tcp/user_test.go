package tcp

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// TestReserveGoesOnWhileSegmentsDo: what is reserved stays, though all that was sent
// before is acknowledged meanwhile and rings are given back.
func TestReserveGoesOnWhileSegmentsDo(t *testing.T) {
	p := newCouple(nil)
	p.push(make([]byte, 1000), make([]byte, 1000))
	room := p.a.Reserve(3)
	copy(room, "abc")
	p.exchange()
	for range 3 {
		p.now += time.Minute
		p.expire()
		p.exchange()
	}
	p.a.Commit(p.now, 2)
	p.exchange()
	if got := p.b.Peek(); string(got) != "ab" {
		t.Errorf("%q arrived", got)
	}
	p.b.Discard(p.now, 1)
	if got := p.b.Peek(); string(got) != "b" {
		t.Errorf("then %q is left", got)
	}
	p.b.Discard(p.now, 100)
	if n, _ := p.b.Readable(); n != 0 || p.b.Peek() != nil {
		t.Errorf("at last %d bytes are left", n)
	}
	if p.a.Commit(p.now, 5); p.a.Info().SendQueue != 0 {
		t.Error("bytes that nobody reserved are sent")
	}
}

func TestWriteTellsWhenThereIsRoomAgain(t *testing.T) {
	p := newCouple(func(c *Config) { c.SendBuffer = 4096 })
	if n := p.a.Write(p.now, make([]byte, 9000)); n != 4096 || p.a.Writable() != 0 || len(p.a.Reserve(1)) != 0 {
		t.Fatalf("%d bytes were taken, and there is room for %d", n, p.a.Writable())
	}
	p.a.Output(p.now, p.ab)
	p.ab.flush(p.now, p.b)
	p.b.acks.now()
	p.b.Output(p.now, p.ba)
	var events Events
	for i := range p.ba.n {
		events |= p.a.Input(p.now, &p.ba.headers[i], nil)
	}
	if events&EventWritable == 0 || p.a.Writable() != 4096 {
		t.Errorf("events %b, room for %d", events, p.a.Writable())
	}
}

// TestICMPMustQuoteWhatIsUnderWay: RFC 5927 §4.1.
func TestICMPMustQuoteWhatIsUnderWay(t *testing.T) {
	b := flight(t, 2)
	for seq, want := range map[int]bool{0: false, 1: true, 1460: true, 2920: true, 2921: false} {
		if b.c.Sent(bareISS.Add(seq)) != want {
			t.Errorf("%d: sent and not acknowledged: %v", seq, !want)
		}
	}
}

func TestUserTimeoutThatIsSetLater(t *testing.T) {
	b := flight(t, 1)
	b.c.SetUserTimeout(2 * time.Second)
	begin := b.now
	for b.c.State() != Closed && b.now < begin+time.Minute {
		b.wait(100 * time.Millisecond)
	}
	if took := b.now - begin; took < 2*time.Second || took > 3*time.Second || b.c.Err() != errTimeout {
		t.Errorf("given up after %v: %v", took, b.c.Err())
	}
}

// TestTimestampsBeginAnywhere, and where they began for the same two hosts before.
func TestTimestampsBeginAnywhere(t *testing.T) {
	g := ISN{Secret: [16]byte{1}}
	a, b, c := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	first := g.TimestampOffset(a, b)
	if again := g.TimestampOffset(a, b); again != first || g.TimestampOffset(a, c) == first {
		t.Error("the offset is not that of two addresses")
	}
}

// TestHooks: each is called, with what has happened.
func TestHooks(t *testing.T) {
	var seen []string
	say := func(format string, args ...any) { seen = append(seen, fmt.Sprintf(format, args...)) }
	b := newBare(t, func(c *Config) {
		c.Hooks = &Hooks{
			State:   func(_ time.Duration, from, to State, why string) { say("%v to %v: %s", from, to, why) },
			Segment: func(_ time.Duration, out bool, h *Header, n int) { say("%v %v+%d", out, h.Flags, n) },
			Dropped: func(_ time.Duration, _ *Header, why string) { say("dropped: %s", why) },
			Timer:   func(_ time.Duration, what string, _ time.Duration) { say("timer: %s", what) },
			Window:  func(_ time.Duration, cwnd, _ int, cause string) { say("cwnd %d: %s", cwnd, cause) },
		}
	}).connect()
	b.write(1)
	b.wait(time.Second)
	b.input(ACK, -5, 1, 0, nil)
	for _, want := range []string{
		"CLOSED to SYN_SENT: connect", "true SYN+0", "false SYN ACK+0", "SYN_SENT to ESTABLISHED: SYN+ACK", "true PSH ACK+1",
		"timer: tail loss probe", "timer: retransmission", "cwnd 1460: timeout", "dropped: outside the window",
	} {
		if !slices.Contains(seen, want) {
			t.Errorf("no hook said %q: %q", want, seen)
		}
	}
}
