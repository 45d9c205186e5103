package tcp

import (
	"net/netip"
	"testing"
	"time"
)

func TestResetOfNoConnection(t *testing.T) {
	for _, tt := range []struct {
		in     Header
		length int
		want   Header
		ok     bool
	}{
		{Header{SrcPort: 1, DstPort: 2, Seq: 10, Ack: 20, Flags: ACK}, 5, Header{SrcPort: 2, DstPort: 1, Seq: 20, Flags: RST}, true},
		{Header{SrcPort: 1, DstPort: 2, Seq: 10, Flags: SYN}, 0, Header{SrcPort: 2, DstPort: 1, Ack: 11, Flags: RST | ACK}, true},
		{Header{SrcPort: 1, DstPort: 2, Seq: 10, Flags: FIN}, 5, Header{SrcPort: 2, DstPort: 1, Ack: 16, Flags: RST | ACK}, true},
		{Header{Flags: RST}, 0, Header{}, false},
	} {
		got, ok := Reset(&tt.in, tt.length)
		if ok != tt.ok || got.SrcPort != tt.want.SrcPort || got.DstPort != tt.want.DstPort || got.Seq != tt.want.Seq || got.Ack != tt.want.Ack || got.Flags != tt.want.Flags {
			t.Errorf("%+v is answered with %+v, %v, want %+v", tt.in, got, ok, tt.want)
		}
	}
}

func TestListening(t *testing.T) {
	for flags, want := range map[Flags][2]bool{SYN: {true, false}, SYN | ACK: {false, true}, ACK: {false, true}, RST: {}, RST | ACK: {}, FIN: {}, 0: {}, SYN | FIN: {}} {
		accept, _, answer := Listening(&Header{Flags: flags}, 0)
		if accept != want[0] || answer != want[1] {
			t.Errorf("%v: accepted %v, answered %v", flags, accept, answer)
		}
	}
}

// TestISNsGrow is RFC 6528: for two ports a clock, for any others somewhere else.
func TestISNsGrow(t *testing.T) {
	g := ISN{Secret: [16]byte{1, 2, 3}}
	a, b := netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:2")
	first, second := g.Next(0, a, b), g.Next(time.Second, a, b)
	if d := second.Sub(first); d != 250_000 {
		t.Errorf("a second is worth %d numbers, want 250,000", d)
	}
	if g.Next(0, b, a) == first || (&ISN{}).Next(0, a, b) == first {
		t.Error("another connection, or another secret, has the same number")
	}
	if n := testing.AllocsPerRun(100, func() { g.Next(0, a, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func closedCouple(t *testing.T) *couple {
	p := newCouple(nil)
	p.a.CloseWrite(p.now)
	p.exchange()
	p.b.CloseWrite(p.now)
	p.exchange()
	p.exchange()
	if p.a.State() != TimeWait || p.b.State() != Closed {
		t.Fatal(p.a.State(), p.b.State())
	}
	return p
}

func TestTimeWaitRecord(t *testing.T) {
	p := closedCouple(t)
	w, ok := p.a.TimeWait()
	if !ok {
		t.Fatal("no record")
	}
	if w.Deadline() != p.a.Deadline() {
		t.Errorf("the record ends at %v, the connection at %v", w.Deadline(), p.a.Deadline())
	}
	later := p.now + time.Second
	stamps := func(val uint32) Options { return Options(nil).AppendNop(2).AppendTimestamps(val, 0) }
	// The peer's FIN again: acknowledged, and 2 MSL begin anew.
	fin := Header{SrcPort: 2, DstPort: 1, Seq: p.a.rcv.nxt - 1, Ack: p.a.snd.nxt, Flags: FIN | ACK, Options: stamps(w.recent)}
	reply, answer, reopen := w.Input(later, &fin, 0, true)
	if !answer || reopen || reply.Flags != ACK || reply.Ack != p.a.rcv.nxt || reply.Seq != p.a.snd.nxt || reply.SrcPort != 1 {
		t.Errorf("a FIN is answered with %+v, %v, %v", reply, answer, reopen)
	}
	if w.Deadline() != later+timeWaitLength {
		t.Errorf("after the FIN again it ends at %v", w.Deadline())
	}
	// A new SYN: with a greater number, or with a later timestamp.
	for name, syn := range map[string]Header{
		"number":    {Seq: p.a.rcv.nxt + 1, Flags: SYN},
		"timestamp": {Seq: p.a.rcv.nxt - 1000, Flags: SYN, Options: stamps(w.recent + 1)},
	} {
		if _, answer, reopen := w.Input(later, &syn, 0, true); answer || !reopen {
			t.Errorf("a SYN with a greater %s: answered %v, opens again %v", name, answer, reopen)
		}
	}
	if iss := w.ISS(p.a.snd.nxt - 5); !p.a.snd.nxt.Less(iss) {
		t.Errorf("the next connection begins at %d, the old one has come to %d", iss, p.a.snd.nxt)
	}
	// An old SYN is only answered, with an ACK.
	old := Header{Seq: p.a.rcv.nxt - 1000, Flags: SYN, Options: stamps(w.recent - 1)}
	if _, _, reopen := w.Input(later+time.Second, &old, 0, true); reopen {
		t.Error("an old SYN opens it again")
	}
	// A RST ends it, at the number that is expected.
	w.Input(later, &Header{Seq: p.a.rcv.nxt + 1, Flags: RST}, 0, true)
	if w.Deadline() <= later {
		t.Error("a RST elsewhere ends it")
	}
	w.Input(later, &Header{Seq: p.a.rcv.nxt, Flags: RST}, 0, true)
	if w.Deadline() > later {
		t.Error("a RST does not end it")
	}
}

// TestZeroWindowIsKeptOpen: the reader sleeps for an hour; the writer asks, and goes on
// when the window opens (RFC 9293 §3.8.6.1).
func TestZeroWindowIsKeptOpen(t *testing.T) {
	p := newCouple(func(c *Config) { c.RecvBuffer = 16 << 10 })
	data := make([]byte, 60<<10)
	for i := range data {
		data[i] = byteAt(i)
	}
	sent := p.a.Write(p.now, data)
	for p.exchange() > 0 {
	}
	if n, _ := p.b.Readable(); n < 15<<10 || n > 17<<10 {
		t.Fatalf("%d bytes wait", n)
	}
	for p.now < time.Hour {
		at := min(p.a.Deadline(), p.b.Deadline())
		if at == Never {
			t.Fatalf("nobody asks: %s", p.a.dump())
		}
		p.now = max(p.now, at)
		p.a.Expire(p.now)
		p.b.Expire(p.now)
		p.exchange()
	}
	if p.a.Err() != nil {
		t.Fatal(p.a.Err())
	}
	read, in := 0, make([]byte, 8<<10)
	for range 100 {
		n := p.b.Read(p.now, in)
		for i, b := range in[:n] {
			if b != byteAt(read+i) {
				t.Fatalf("byte %d is wrong", read+i)
			}
		}
		read += n
		p.exchange()
	}
	if read != sent {
		t.Errorf("%d bytes arrived of %d; %s", read, sent, p.a.dump())
	}
}

// TestSilentPeerIsGivenUp counts 15 retransmissions, about 15 minutes.
func TestSilentPeerIsGivenUp(t *testing.T) {
	p := newCouple(nil)
	p.a.Write(p.now, []byte("hello"))
	begin := p.now
	for p.a.Err() == nil {
		p.a.Output(p.now, p.ab)
		p.ab.n = 0
		if p.now = p.a.Deadline(); p.now == Never {
			t.Fatal("waits forever")
		}
		p.a.Expire(p.now)
	}
	if p.a.Err() != errTimeout || p.a.State() != Closed {
		t.Errorf("%v in %v", p.a.Err(), p.a.State())
	}
	if took := p.now - begin; took < 900*time.Second || took > 950*time.Second {
		t.Errorf("given up after %v, want 15 minutes", took)
	}
}

func TestUserTimeout(t *testing.T) {
	p := newCouple(func(c *Config) { c.UserTimeout = 5 * time.Second })
	p.a.Write(p.now, []byte("hello"))
	begin := p.now
	for p.a.Err() == nil {
		p.a.Output(p.now, p.ab)
		p.ab.n = 0
		p.now = p.a.Deadline()
		p.a.Expire(p.now)
	}
	if took := p.now - begin; took != 5*time.Second {
		t.Errorf("given up after %v, want 5 s", took)
	}
}

func TestKeepAlive(t *testing.T) {
	p := newCouple(func(c *Config) { c.KeepAlive = KeepAlive{Idle: time.Minute, Interval: 10 * time.Second, Count: 3} })
	for p.now < time.Hour { // the peer answers
		p.now = min(p.a.Deadline(), p.b.Deadline())
		p.a.Expire(p.now)
		p.b.Expire(p.now)
		p.exchange()
	}
	if p.a.State() != Established || p.b.State() != Established {
		t.Fatal(p.a.State(), p.b.State())
	}
	begin := p.a.acks.heard
	for p.a.Err() == nil { // and is gone
		p.now = p.a.Deadline()
		p.a.Expire(p.now)
		p.ab.n = 0
		p.a.Output(p.now, p.ab)
	}
	if took := p.now - begin; took != time.Minute+30*time.Second {
		t.Errorf("given up after %v of silence, want 1m30s", took)
	}
	if p.ab.n != 1 || !p.ab.headers[0].Flags.Has(RST) {
		t.Error("no RST at the end")
	}
}
