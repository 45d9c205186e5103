package ladder

import (
	"net/netip"
	"strings"
	"testing"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// script makes the events of a conversation by hand, as a tracker would.
type script struct {
	t      testing.TB
	talk   flow.Conversation
	packet capture.Packet
	record capture.Record
	event  flow.Event
	frame  int64
	now    int64
	feed   func(*flow.Event)
}

// began is the first packet's time: 2026-11-21 14:00:00 UTC.
const began = 1795269600e9

func newScript(t testing.TB, feed func(*flow.Event)) *script {
	s := &script{t: t, feed: feed, now: began}
	s.talk = flow.Conversation{ID: 1, Protocol: internet.TCP, First: began, Closer: -1, Opened: flow.HowHandshake}
	s.talk.Ends[0] = flow.End{Addr: netip.MustParseAddrPort("192.0.2.10:48712"), Scale: -1}
	s.talk.Ends[1] = flow.End{Addr: netip.MustParseAddrPort("192.0.2.20:8000"), Scale: -1}
	return s
}

// at moves the clock to so many microseconds after the beginning.
func (s *script) at(us int64) *script { s.now = began + us*1000; return s }

// states are those after the next packet.
func (s *script) states(a, b tcp.State) *script {
	s.event.Before = [2]tcp.State{s.talk.Ends[0].State, s.talk.Ends[1].State}
	s.talk.Ends[0].State, s.talk.Ends[1].State = a, b
	return s
}

func (s *script) find(l flow.Label, rule flow.Rule, frames [2]int64, values ...int64) *script {
	f := flow.Finding{Label: l, Frame: s.frame + 1, Rule: rule, Frames: frames}
	copy(f.Values[:], values)
	s.event.Findings = append(s.event.Findings, f)
	return s
}

// send is a segment of end from; flags as in "SYN ACK".
func (s *script) send(from int, flags string, seq, ack uint32, payload string, window int64) *script {
	s.frame++
	e := &s.event
	src, dst := s.talk.Ends[from].Addr, s.talk.Ends[1-from].Addr
	s.record = capture.Record{Number: s.frame, Time: s.now, Offset: -1, Wire: 66 + len(payload)}
	s.packet = capture.Packet{
		Record: &s.record, Version: 4, Src: src.Addr(), Dst: dst.Addr(), SrcPort: src.Port(), DstPort: dst.Port(),
		Protocol: s.talk.Protocol, Len: len(payload), Payload: []byte(payload),
	}
	if s.talk.Protocol == internet.TCP {
		s.packet.HasTCP, s.packet.TCP = true, tcp.Header{Flags: flagsOf(s.t, flags), Ack: tcp.Seq(ack)}
	}
	e.Packet, e.Talk, e.From, e.Seq, e.Ack, e.Len, e.Window = &s.packet, &s.talk, from, seq, ack, len(payload), window
	e.After = [2]tcp.State{s.talk.Ends[0].State, s.talk.Ends[1].State}
	s.talk.Last = s.now
	s.talk.Ends[from].Packets++
	s.talk.Ends[from].Bytes += int64(len(payload))
	s.feed(e)
	e.Before, e.Findings = e.After, e.Findings[:0]
	return s
}

func flagsOf(t testing.TB, words string) (f tcp.Flags) {
	for word := range strings.FieldsSeq(words) {
		bit := tcp.FIN
		for bit.String() != word {
			if bit <<= 1; bit > tcp.AE {
				t.Fatalf("no flag %q", word)
			}
		}
		f |= bit
	}
	return f
}

// upper is the conversation of the README: handshake, a line upper-cased, a close
// in four segments.
func upper(s *script) *flow.Conversation {
	s.at(0).states(tcp.SynSent, 0).find(flow.LabelSYN, flow.RuleSYN, [2]int64{}, 4242).send(0, "SYN", 0, 0, "", 64240)
	s.at(41).states(tcp.SynSent, tcp.SynReceived).find(flow.LabelSYNACK, flow.RuleSYNACK, [2]int64{1}, 41000, 99).send(1, "SYN ACK", 0, 1, "", 65160)
	s.at(60).states(tcp.Established, tcp.Established).find(flow.LabelHandshake, flow.RuleHandshake, [2]int64{2, 1}, 60000).send(0, "ACK", 1, 1, "", 64256)
	s.at(300).send(0, "PSH ACK", 1, 1, "hello there\n", 64256)
	s.at(310).send(1, "ACK", 1, 13, "", 65152)
	s.at(420).send(1, "PSH ACK", 1, 13, "HELLO THERE\n", 65152)
	s.at(431).send(0, "ACK", 13, 13, "", 64256)
	s.at(3_103_218).states(tcp.FinWait1, tcp.CloseWait).find(flow.LabelFIN, flow.RuleFIN, [2]int64{}, 12).send(0, "FIN ACK", 13, 13, "", 64256)
	s.at(3_103_240).states(tcp.FinWait2, tcp.CloseWait).send(1, "ACK", 13, 14, "", 65152)
	s.at(3_103_300).states(tcp.TimeWait, tcp.LastAck).find(flow.LabelFinalFIN, flow.RuleFinalFIN, [2]int64{8}, 82000).send(1, "FIN ACK", 13, 14, "", 65152)
	s.at(3_103_311).states(tcp.TimeWait, tcp.Closed).find(flow.LabelFinalACK, flow.RuleFinalACK, [2]int64{10}).send(0, "ACK", 14, 14, "", 64256)
	s.talk.Closed, s.talk.Closer = flow.HowFourWay, 0
	s.talk.Ends[0].RTTMin, s.talk.Ends[0].RTTCount = 10_000, 2
	s.talk.Ends[1].RTTMin, s.talk.Ends[1].RTTCount = 11_000, 2
	return &s.talk
}

// transfer is one with a segment lost on the way.
func transfer(s *script) *flow.Conversation {
	s.at(0).states(tcp.Established, tcp.Established)
	s.talk.Opened = flow.HowMidstream
	body := strings.Repeat("\x01\x02\x03\x04", 362)
	for i := range uint32(500) {
		s.at(int64(i) * 120)
		if i == 200 {
			s.find(flow.LabelFastRetransmission, flow.RuleDupACKs, [2]int64{s.frame - 1}, 3, 240_000, 200_000_000)
			s.talk.Ends[0].Resent++
			s.talk.Ends[0].Lost++
			s.send(0, "ACK", 1448*190+1, 1, body, 64256)
		}
		s.send(0, "ACK", 1448*i+1, 1, body, 64256)
		if i%2 == 1 {
			if i > 190 && i < 200 {
				s.find(flow.LabelDupACK, flow.RuleDupACK, [2]int64{}, int64(i-190), 1448*190+1)
			}
			s.at(int64(i)*120+50).send(1, "ACK", 1, 1448*i+1449, "", 65152)
		}
	}
	s.at(61000).states(tcp.Closed, tcp.Closed).find(flow.LabelReset, flow.RuleResetAlone, [2]int64{}).send(1, "RST", 1, 0, "", 0)
	s.talk.Closed, s.talk.Closer = flow.HowReset, 1
	return &s.talk
}
