package tcp

import (
	"testing"
	"time"
)

// A bare is a connection alone: its peer is the test, which counts from bareISS and
// peerISS as conversations do, so that a SYN is 0 and the first byte 1.
type bare struct {
	t    testing.TB
	now  time.Duration
	c    *Conn
	sent []bareSegment // since the last look
}

const (
	bareISS = Seq(0xffffff00) // numbers go around
	peerISS = Seq(0x7fffff00)
)

type bareSegment struct {
	Flags    Flags
	Seq, Ack int
	Len      int
}

// Segment implements Sink.
func (b *bare) Segment(h *Header, head, tail []byte) {
	b.sent = append(b.sent, bareSegment{h.Flags &^ PSH, h.Seq.Sub(bareISS), h.Ack.Sub(peerISS), len(head) + len(tail)})
}

// look is what was sent since the last one.
func (b *bare) look() []bareSegment {
	sent := b.sent
	b.sent = nil
	return sent
}

func (b *bare) output() {
	b.c.Output(b.now, b)
	if err := b.c.check(); err != nil {
		b.t.Fatalf("at %v: %v", b.now, err)
	}
}

// input lets a segment of the peer's arrive.
func (b *bare) input(flags Flags, seq, ack, n int, o Options) Events {
	h := Header{SrcPort: 2, DstPort: 1, Seq: peerISS.Add(seq), Ack: bareISS.Add(ack), Flags: flags, Window: 65535, Options: o}
	e := b.c.Input(b.now, &h, make([]byte, n))
	b.output()
	return e
}

// ack lets an acknowledgment arrive, with SACK blocks in our numbers.
func (b *bare) ack(ack int, blocks ...[2]int) {
	o, seqs := Options(nil), [][2]Seq(nil)
	for _, k := range blocks {
		seqs = append(seqs, [2]Seq{bareISS.Add(k[0]), bareISS.Add(k[1])})
	}
	if len(seqs) > 0 {
		o = o.AppendNop(2).AppendSACK(seqs...)
	}
	b.input(ACK, 1, ack, 0, o)
}

func (b *bare) write(n int) {
	if took := b.c.Write(b.now, make([]byte, n)); took != n {
		b.t.Fatalf("%d bytes were taken of %d", took, n)
	}
	b.output()
}

// wait lets time pass.
func (b *bare) wait(d time.Duration) {
	until, timers := b.now+d, 0
	for at := b.c.Deadline(); at <= until; at = b.c.Deadline() {
		b.now = max(b.now, at)
		b.c.Expire(b.now)
		b.output()
		if timers++; timers > 100_000 {
			b.t.Fatalf("timers without end: %s", b.c.dump())
		}
	}
	b.now = until
}

// newBare is a connection that has sent its SYN at one second.
func newBare(t testing.TB, change func(*Config)) *bare {
	cfg := Config{LocalPort: 1, RemotePort: 2, ISS: bareISS, MaxSegment: 1460, NoDelay: true, NoTimestamps: true}
	if change != nil {
		change(&cfg)
	}
	b := &bare{t: t, now: time.Second}
	b.c = Connect(&cfg, b.now)
	b.output()
	return b
}

// rtt is that of every bare connection.
const bareRTT = 50 * time.Millisecond

func (b *bare) connect() *bare {
	b.wait(bareRTT)
	b.input(SYN|ACK, 0, 1, 0, Options(nil).AppendMSS(1460).AppendSACKPermitted())
	b.look()
	if b.c.State() != Established {
		b.t.Fatalf("in %v", b.c.State())
	}
	return b
}

// reach is a connection in a state; in SYN_RCVD by a simultaneous open.
func reach(t testing.TB, state State, change func(*Config)) *bare {
	b := newBare(t, change)
	switch state {
	case SynSent:
	case SynReceived:
		b.input(SYN, 0, 0, 0, Options(nil).AppendMSS(1460).AppendSACKPermitted())
	default:
		b.connect()
		b.close(state)
	}
	b.look()
	if b.c.State() != state {
		t.Fatalf("in %v, not %v", b.c.State(), state)
	}
	return b
}

// close goes on from ESTABLISHED.
func (b *bare) close(state State) {
	fin := func(ack int) { b.input(FIN|ACK, 1, ack, 0, nil) }
	closeWrite := func() {
		b.c.CloseWrite(b.now)
		b.output()
	}
	switch state {
	case FinWait1:
		closeWrite()
	case FinWait2:
		closeWrite()
		b.ack(2)
	case CloseWait:
		fin(1)
	case Closing:
		closeWrite()
		fin(1)
	case LastAck:
		fin(1)
		closeWrite()
	case TimeWait:
		closeWrite()
		fin(2)
	case Closed:
		b.c.Abort(b.now)
		b.output()
	}
}

// allStates are those that a Conn can be in.
func allStates() []State {
	return []State{SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait, Closed}
}

func TestEveryStateIsReached(t *testing.T) {
	for _, state := range allStates() {
		reach(t, state, nil)
	}
}
