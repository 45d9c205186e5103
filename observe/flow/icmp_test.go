package flow

import (
	"net/netip"
	"testing"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// unreachable builds an ICMP error of kind and code that quotes the first bytes of a
// packet from one end to the other, as a raw IPv4 frame, and takes it apart.
func unreachable(t *testing.T, s *script, proto internet.Protocol, kind, code uint8, seq tcp.Seq, cut int) *capture.Packet {
	t.Helper()
	from, to := s.addr[0], s.addr[1]
	inner := internet.IPv4{TTL: 63, Protocol: proto, TotalLength: 60, Src: from.Addr().As4(), Dst: to.Addr().As4()}
	quoted := inner.Append(nil)
	quoted = append(quoted, byte(from.Port()>>8), byte(from.Port()), byte(to.Port()>>8), byte(to.Port()),
		byte(seq>>24), byte(seq>>16), byte(seq>>8), byte(seq))
	router := netip.MustParseAddr("198.51.100.7")
	outer := internet.IPv4{TTL: 60, Protocol: internet.ICMP, Src: router.As4(), Dst: from.Addr().As4()}
	b := outer.Append(nil)
	b = append(b, kind, code, 0, 0, 0, 0, 0, 0)
	b = append(b, quoted[:len(quoted)-cut]...)
	internet.FillIPv4(b)
	s.frame++
	p := &capture.Packet{}
	capture.Decode(&capture.Record{Number: s.frame, Time: 1e18 + 50e6, Data: b, Wire: len(b), Link: capture.LinkRaw}, p)
	return p
}

func TestUnreachableEndsAConnectionThatIsNoneYet(t *testing.T) {
	s := play(t, "0ms > S 0 ->SYN")
	e := s.tracker.Add(unreachable(t, s, internet.TCP, 3, 1, s.isn[0], 0))
	if e == nil || said(e) != "unreachable" || e.From != 1 || e.Seq != 0 {
		t.Fatalf("%+v", e)
	}
	if f := e.Findings[0]; f.Frames[0] != 1 || f.Values != [4]int64{3, 1} {
		t.Errorf("%s", f.Why())
	}
	if e.Talk.Closed != HowUnreachable || e.After[0] != tcp.Closed || e.Talk.Closer != 1 {
		t.Errorf("closed by %v of end %d; %v", e.Talk.Closed, e.Talk.Closer, e.After)
	}
}

func TestUnreachableDoesNotEndAnOpenConnection(t *testing.T) {
	s := play(t, bulk)
	e := s.tracker.Add(unreachable(t, s, internet.TCP, 3, 1, s.isn[0]+3001, 0))
	if e == nil || said(e) != "unreachable" || e.Seq != 3001 || e.Findings[0].Frames[0] != 8 {
		t.Fatalf("%+v", e)
	}
	if e.Talk.Closed != HowNot || e.After[0] != tcp.Established {
		t.Errorf("closed by %v; %v", e.Talk.Closed, e.After)
	}
}

func TestUnreachablePortEndsAnExchange(t *testing.T) {
	s := newScript(t)
	s.frame++
	s.tracker.Add(datagram(1, 1e18, s.addr[0].String(), s.addr[1].String(), 10))
	e := s.tracker.Add(unreachable(t, s, internet.UDP, 3, 3, 0, 0))
	if e == nil || e.Talk.Closed != HowUnreachable || e.Findings[0].Frames[0] != 1 {
		t.Fatalf("%+v", e)
	}
}

func TestErrorsThatQuoteNothingKnown(t *testing.T) {
	s := play(t, "0ms > S 0 ->SYN")
	if e := s.tracker.Add(unreachable(t, s, internet.TCP, 3, 1, s.isn[0], 1)); e != nil {
		t.Errorf("seven bytes have no sequence number: %+v", e)
	}
	if e := s.tracker.Add(unreachable(t, s, internet.UDP, 3, 1, 0, 0)); e != nil {
		t.Errorf("no such exchange: %+v", e)
	}
}
