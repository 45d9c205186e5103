package flow

import (
	"net/netip"
	"runtime"
	"testing"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// datagram builds a UDP packet.
func datagram(number, at int64, from, to string, length int) *capture.Packet {
	src, dst := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	return &capture.Packet{
		Record: &capture.Record{Number: number, Time: at}, Version: 4, Protocol: internet.UDP, HasUDP: true,
		Src: src.Addr(), SrcPort: src.Port(), Dst: dst.Addr(), DstPort: dst.Port(), Len: length,
	}
}

func TestDatagramsOfAnExchange(t *testing.T) {
	tracker := New(Config{})
	asked := tracker.Add(datagram(1, 0, "192.0.2.1:5000", "192.0.2.2:53", 30)).Talk
	e := tracker.Add(datagram(2, 7e6, "192.0.2.2:53", "192.0.2.1:5000", 100))
	if e.Talk != asked || e.From != 1 || e.RTT != 7e6 {
		t.Errorf("the answer is of conversation %d, from end %d, after %d", e.Talk.ID, e.From, e.RTT)
	}
	a, b := asked.Ends[0], asked.Ends[1]
	if a.Packets != 1 || a.Bytes != 30 || a.RTTMin != 7e6 || b.Packets != 1 || b.Bytes != 100 {
		t.Errorf("ends %+v and %+v", a, b)
	}
	if other := tracker.Add(datagram(3, 8e6, "192.0.2.2:54", "192.0.2.1:5000", 1)); other.Talk == asked {
		t.Error("another port is another exchange")
	}
}

func TestWhatHasNoPortsHasNoConversation(t *testing.T) {
	p := &capture.Packet{Record: &capture.Record{Number: 1}, Protocol: internet.IGMP}
	if e := New(Config{}).Add(p); e != nil {
		t.Errorf("%+v", e)
	}
}

// flood sends n SYNs of as many clients.
func flood(tracker *Tracker, n int) {
	r := capture.Record{}
	p := capture.Packet{
		Record: &r, Version: 4, Protocol: internet.TCP, HasTCP: true, DstPort: 80,
		Dst: netip.AddrFrom4([4]byte{192, 0, 2, 2}), TCP: tcp.Header{Flags: tcp.SYN, Window: 1024},
	}
	for i := range n {
		r.Number, r.Time = r.Number+1, r.Time+1000
		p.Src = netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		p.SrcPort = uint16(i%60000) + 1
		tracker.Add(&p)
	}
}

func TestMillionHalfOpenConversationsAreBounded(t *testing.T) {
	const most = 10_000
	tracker := New(Config{MaxConversations: most})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	flood(tracker, 1_000_000)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := tracker.Evicted(); got != 1_000_000-most {
		t.Errorf("%d given up", got)
	}
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > most*2500 {
		t.Errorf("%d bytes for %d conversations", used, most)
	}
	runtime.KeepAlive(tracker)
}

func TestHalfOpenAreGivenUpBeforeOpenOnes(t *testing.T) {
	s := newScript(t)
	s.tracker = New(Config{MaxConversations: 100})
	s.play(shake)
	flood(s.tracker, 1000)
	s.play("100ms > P. 1+10 ack=1 ->")
	if e := s.events[3]; e.Talk != s.events[0].Talk {
		t.Error("the open conversation was given up for a SYN")
	}
}

func TestClosedAreGivenUpFirst(t *testing.T) {
	s := newScript(t)
	s.tracker = New(Config{MaxConversations: 100})
	s.play(shake + "20ms > R 1 ->reset")
	flood(s.tracker, 100)
	s.play("100ms > P. 1+10 ack=1 -> ")
	if e := s.events[4]; e.Talk.ID == s.events[0].Talk.ID || s.tracker.Evicted() != 1 {
		t.Errorf("conversation %d, %d given up", e.Talk.ID, s.tracker.Evicted())
	}
}

func TestFewOfTheClosedAreKept(t *testing.T) {
	s := newScript(t)
	s.tracker = New(Config{MaxConversations: 320})
	for i := range 300 {
		s.addr[0] = netip.AddrPortFrom(s.addr[0].Addr(), uint16(1000+i))
		s.play("0ms > S 0 ->SYN\n 1ms < R. 0 ack=1 ->refused")
	}
	if n := s.tracker.table.used; n != 20 || s.tracker.Evicted() != 0 || len(s.tracker.table.conns) > 22 {
		t.Errorf("%d conversations, %d given up, %d places", n, s.tracker.Evicted(), len(s.tracker.table.conns))
	}
}

func TestForgottenSegmentsAreStillKnownAsSentAgain(t *testing.T) {
	s := newScript(t)
	s.tracker = New(Config{MaxSegments: 1})
	s.play(bulk + `
	251ms  > .  2001+1000 ack=1 ts=351/9020 id=109 -> retransmission, timeout retransmission
	`)
}

// steady is a connection that sends and acknowledges for ever.
type steady struct {
	tracker     *Tracker
	data, ack   capture.Packet
	number, now int64
	step        int
}

func newSteady() *steady {
	s := &steady{tracker: New(Config{})}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	s.data = capture.Packet{Version: 4, Protocol: internet.TCP, HasTCP: true, Src: a, Dst: b, SrcPort: 5000, DstPort: 80, Len: 1448}
	s.ack = capture.Packet{Version: 4, Protocol: internet.TCP, HasTCP: true, Src: b, Dst: a, SrcPort: 80, DstPort: 5000}
	for _, p := range []*capture.Packet{&s.data, &s.ack} {
		p.Record = &capture.Record{}
		p.TCP = tcp.Header{Flags: tcp.ACK, Window: 1000, Seq: 1, Ack: 1, Options: tcp.Options{}.AppendNop(2).AppendTimestamps(1, 1)}
	}
	return s
}

func (s *steady) add(p *capture.Packet) *Event {
	s.number++
	s.now += 12_000
	p.Number, p.Time = s.number, s.now
	p.ID++
	stamp := uint32(s.now / 1e6)
	o := p.TCP.Options
	o[4], o[5], o[6], o[7] = byte(stamp>>24), byte(stamp>>16), byte(stamp>>8), byte(stamp)
	o[8], o[9], o[10], o[11] = o[4], o[5], o[6], o[7]
	return s.tracker.Add(p)
}

// next adds two segments and the acknowledgement of both. Each hundredth is lost before
// the capture and sent again.
func (s *steady) next() {
	for range 2 {
		s.step++
		if s.step%100 != 0 {
			s.add(&s.data)
		}
		s.data.TCP.Seq += 1448
	}
	if s.step%100 == 0 {
		s.add(&s.ack)
		s.add(&s.data)
		at := s.data.TCP.Seq
		s.data.TCP.Seq = at.Add(-1448)
		s.add(&s.data)
		s.data.TCP.Seq = at.Add(1448)
	}
	s.ack.TCP.Ack = s.data.TCP.Seq
	s.add(&s.ack)
}

func TestAddAllocatesNothing(t *testing.T) {
	s := newSteady()
	for range 2000 {
		s.next()
	}
	if n := testing.AllocsPerRun(500, s.next); n != 0 {
		t.Errorf("%v allocations for three packets", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	s := newSteady()
	for b.Loop() {
		s.next()
	}
	b.ReportMetric(float64(s.number)/b.Elapsed().Seconds()/1e6, "Mpackets/s")
}

func TestEveryRuleAndLabelHasItsWords(t *testing.T) {
	for r := RuleNone + 1; r < rules; r++ {
		f := Finding{Rule: r, Frames: [2]int64{11, 12}, Values: [4]int64{1, 2, 3, 4}}
		if f.Why() == "" {
			t.Errorf("rule %d has no sentence", r)
		}
		verbs := map[byte]byte{}
		for i := range ruleText[r] {
			if ruleText[r][i] != '{' || ruleText[r][i+1] == 'f' {
				continue
			}
			verb, index := ruleText[r][i+1], ruleText[r][i+2]
			if old, ok := verbs[index]; ok && old != verb {
				t.Errorf("rule %d shows figure %c in two ways: %s", r, index, ruleText[r])
			}
			verbs[index] = verb
		}
	}
	for l := LabelNone + 1; l < labels; l++ {
		if got, ok := ParseLabel(l.String()); !ok || got != l {
			t.Errorf("%q is parsed as %v", l.String(), got)
		}
	}
	if l, ok := ParseLabel("Zero_Window-probe"); !ok || l != LabelZeroWindowProbe {
		t.Errorf("parsed as %v", l)
	}
	if _, ok := ParseLabel("nonsense"); ok || !LabelTailLossProbe.Is(LabelRetransmission) || LabelOutOfOrder.Is(LabelRetransmission) {
		t.Error("what is a retransmission?")
	}
}
