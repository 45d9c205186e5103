package tcp

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

// injected sends a connection what somebody off its path may guess, n times in a
// second: flags, with any sequence numbers; and says how many answers it has drawn.
func injected(b *bare, rng *rand.Rand, n int, flags Flags, data int) (answers int) {
	for range n {
		h := Header{SrcPort: 2, DstPort: 1, Seq: Seq(rng.Uint32()), Ack: Seq(rng.Uint32()), Flags: flags, Window: uint16(rng.Uint32())}
		for h.Seq.In(b.c.rcv.nxt-1, b.c.rcv.edge) { // the guess in a thousand has tests of its own
			h.Seq = Seq(rng.Uint32())
		}
		b.now += time.Second / time.Duration(n)
		b.c.Input(b.now, &h, make([]byte, data))
		b.output()
	}
	return len(b.look())
}

// TestBlindInjection: in no state does a guessed segment end the connection, move its
// numbers, or draw more answers than two a second (RFC 5961 §7).
func TestBlindInjection(t *testing.T) {
	for _, state := range allStates() {
		if state == SynSent || state == Closed {
			continue // in SYN_SENT a RST needs the number of the ACK: TestBlindRSTToSYN
		}
		for name, flags := range map[string]Flags{"RST": RST, "RST+ACK": RST | ACK, "SYN": SYN, "SYN+ACK": SYN | ACK, "ACK": ACK, "none": 0, "URG": URG | ACK} {
			t.Run(fmt.Sprint(state, " ", name), func(t *testing.T) {
				b := reach(t, state, nil)
				una, nxt, rcv := b.c.snd.una, b.c.snd.nxt, b.c.rcv.nxt
				answers := injected(b, rand.New(rand.NewPCG(1, uint64(flags))), 1000, flags, 0)
				if b.c.State() != state || b.c.snd.una != una || b.c.snd.nxt != nxt || b.c.rcv.nxt != rcv {
					t.Errorf("it is in %v, at %d %d %d, was at %d %d %d", b.c.State(), b.c.snd.una, b.c.snd.nxt, b.c.rcv.nxt, una, nxt, rcv)
				}
				// One of its own may be among them: what it sends again after a timeout.
				if answers > 2+3 {
					t.Errorf("%d answers", answers)
				}
			})
		}
	}
}

// TestBlindRSTInTheWindow: only the very number that is expected resets (RFC 5961 §3);
// any other in the window is answered.
func TestBlindRSTInTheWindow(t *testing.T) {
	b := reach(t, Established, nil)
	for _, off := range []int{-1, 1, 2, 1000, 60000} {
		b.wait(time.Second)
		b.input(RST, 1+off, 1, 0, nil)
		sent := b.look()
		if b.c.State() != Established {
			t.Fatalf("a RST %d beside the number that is expected resets", off)
		}
		if challenged := len(sent) == 1 && sent[0].Flags == ACK; challenged != (off > 0) {
			t.Errorf("a RST at %d is answered by %v", off, sent)
		}
	}
	if b.input(RST, 1, 1, 0, nil); b.c.State() != Closed || b.c.Err() != errReset {
		t.Errorf("a RST at the very number: %v, %v", b.c.State(), b.c.Err())
	}
}

// TestBlindRSTToSYN: a connection being opened is refused only by who knows its ISS.
func TestBlindRSTToSYN(t *testing.T) {
	b := reach(t, SynSent, nil)
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		ack := 2 + rng.IntN(1<<31-2)
		b.input(RST|ACK, rng.IntN(1<<31), ack, 0, nil)
		b.input(RST, rng.IntN(1<<31), 1, 0, nil)
	}
	if b.c.State() != SynSent {
		t.Errorf("in %v, %v", b.c.State(), b.c.Err())
	}
	if sent := b.look(); len(sent) != 0 {
		t.Errorf("RSTs are answered by %v", sent)
	}
}

// TestBlindData: data that lies in the window is taken only with an ACK that its peer
// could send (RFC 5961 §5): a guesser has to hit both numbers.
func TestBlindData(t *testing.T) {
	b := reach(t, Established, nil)
	rng := rand.New(rand.NewPCG(1, 1))
	took := 0
	for range 10_000 {
		b.now += 10 * time.Millisecond
		b.input(ACK, 1, rng.IntN(1<<32), 10, nil)
		n, _ := b.c.Readable()
		took = max(took, n)
	}
	if took > 0 {
		t.Errorf("%d bytes of a guesser are taken", took)
	}
	if n := len(b.look()); n > 201 {
		t.Errorf("%d answers in 100 s", n)
	}
	if b.input(ACK, 1, 1, 10, nil); b.c.State() != Established {
		t.Errorf("in %v", b.c.State())
	}
	if n, _ := b.c.Readable(); n != 10 {
		t.Errorf("and %d of the peer's", n)
	}
}

// TestNoACKStorm: two ends that take each other's segments for another connection's do
// not answer one another for ever.
func TestNoACKStorm(t *testing.T) {
	for name, spoil := range map[string]func(a, b *Conn){
		"both beyond the window": func(a, b *Conn) { a.rcv.nxt += 1e6; a.rcv.edge += 1e6; b.rcv.nxt += 1e6; b.rcv.edge += 1e6 },
		"one has forgotten":      func(a, b *Conn) { b.snd.una -= 1e6; b.snd.nxt -= 1e6; b.snd.ring.base -= 1e6 },
		"ACKs of what was never sent": func(a, b *Conn) {
			for _, c := range []*Conn{a, b} {
				c.rcv.nxt, c.rcv.ring.base, c.rcv.acked = c.rcv.nxt+1000, c.rcv.ring.base+1000, c.rcv.acked+1000
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newCouple(nil)
			spoil(p.a, p.b)
			p.a.acks.now()
			p.b.acks.now()
			segments := 0
			for begin := p.now; p.now < begin+10*time.Second; {
				segments += p.exchange()
				p.now += time.Millisecond
			}
			if segments > 50 {
				t.Errorf("%d segments in ten seconds", segments)
			}
		})
	}
}

// TestSYNFlood: a half-open connection is small, asks a few times, and ends without a
// word to anybody.
func TestSYNFlood(t *testing.T) {
	cfg := Config{LocalPort: 2, RemotePort: 1, MaxSegment: 1460}
	syn := Header{SrcPort: 1, DstPort: 2, Seq: 7, Flags: SYN, Window: 65535, Options: Options(nil).AppendMSS(1460).AppendSACKPermitted()}
	var c *Conn
	b := newBatch()
	if n := testing.AllocsPerRun(100, func() {
		c = Accept(&cfg, 0, &syn, make([]byte, 1460))
		c.Output(0, b)
		b.n = 0
	}); n > 2 {
		t.Errorf("%v allocations for a SYN, want the connection and its segment's record", n)
	}
	if size := unsafe.Sizeof(*c) + uintptr(cap(c.runs.ring))*unsafe.Sizeof(sentRun{}); size > 1500 || c.snd.ring.buf != nil || c.rcv.ring.buf != nil {
		t.Errorf("a half-open connection takes %d bytes and rings of %d and %d", size, len(c.snd.ring.buf), len(c.rcv.ring.buf))
	}
	answers, now := 1, time.Duration(0)
	for c.State() != Closed {
		now = c.Deadline()
		if e := c.Expire(now); e&EventConnected != 0 {
			t.Error("it is connected")
		}
		c.Output(now, b)
		answers, b.n = answers+b.n, 0
	}
	if answers != 1+maxSynAcks || c.Err() != nil || now != 63*time.Second {
		t.Errorf("%d answers, %v after %v; want 6, nothing after 63 s, as Linux", answers, c.Err(), now)
	}
}

// TestMemoryIsBounded: what a peer makes a connection keep has bounds.
func TestMemoryIsBounded(t *testing.T) {
	b := reach(t, Established, nil)
	for i := range 30_000 { // islands of a byte
		b.input(ACK, 3+2*i, 1, 1, nil)
	}
	if n := cap(b.c.rcv.islands); n > 2048 {
		t.Errorf("room for %d islands, want 2,048 at most", n)
	}
	if n := len(b.c.rcv.ring.buf); n > 1<<17 {
		t.Errorf("a ring of %d bytes for a window of 64 KiB", n)
	}
	b = flight(t, 10)
	for i := range 10 * 730 { // blocks of a byte
		b.ack(1, [2]int{2 + 2*i, 3 + 2*i})
	}
	if n := b.c.runs.n; n > 10+1+3 {
		t.Errorf("ten segments are %d runs", n)
	}
	b = newBare(t, func(c *Config) { c.SendBuffer = 64 << 20 }) // segments of a few bytes
	b.wait(bareRTT)
	b.input(SYN|ACK, 0, 1, 0, Options(nil).AppendMSS(1).AppendWindowScale(14).AppendSACKPermitted())
	b.ack(1) // the window is scaled now
	b.c.cc.cwnd, b.c.snd.limit = maxWindow, b.c.snd.max
	b.write(2 * maxRuns * minSegment)
	if n := b.c.runs.n; n != 16384 || len(b.c.runs.ring) > 16384 {
		t.Errorf("%d segments are under way, in room for %d; want 16,384", n, len(b.c.runs.ring))
	}
}
