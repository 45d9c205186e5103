package filter_test

import (
	"slices"
	"testing"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/observe/capture"
	"dialtone/observe/filter"
	"dialtone/transport/tcp"

	"pgregory.net/rapid"
)

// subject is what a tracker would say.
type subject struct {
	states [2]tcp.State
	labels []string
	stream int
	closed []string
}

func (s subject) States() [2]tcp.State   { return s.states }
func (s subject) Has(label string) bool  { return slices.Contains(s.labels, label) }
func (s subject) Stream() int            { return s.stream }
func (s subject) ClosedBy(w string) bool { return slices.Contains(s.closed, w) }

func decode(t capture.LinkType, data []byte) *capture.Packet {
	p := new(capture.Packet)
	capture.Decode(&capture.Record{Number: 1, Wire: len(data), Data: data, Link: t}, p)
	return p
}

func TestTermsAboutConversations(t *testing.T) {
	p := new(capture.Packet)
	p.Record = &capture.Record{}
	s := subject{
		states: [2]tcp.State{tcp.Established, tcp.CloseWait},
		labels: []string{"zero-window"}, stream: 3, closed: []string{"client", "fin"},
	}
	for text, want := range map[string]bool{
		"state established": true, "state CLOSE_WAIT": true, "state listen": false,
		"label zero-window": true, "label retransmission": false,
		"stream 3": true, "stream 4": false,
		"closed-by client": true, "closed-by fin": true, "closed-by rst": false,
		"stream 3 and not label retransmission": true,
		"tcp or stream 3":                       true,
	} {
		e := parse(t, text)
		if got := e.Match(p, s); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
		if e.Match(p, nil) {
			t.Errorf("%q matches a packet of no conversation", text)
		}
	}
	if !parse(t, "not stream 3").Match(p, nil) {
		t.Error("a packet of no conversation is in stream 3")
	}
}

// TestMatchIsExactlyTheProgram on well-formed packets.
func TestMatchIsExactlyTheProgram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := parse(t, drawExpr(t, 3, true))
		vm := program(t, e, capture.LinkEthernet)
		for range 50 {
			frame := drawFrame(t, plain{tags: 2, extensions: 3})
			if got, want := e.Packet().Match(decode(capture.LinkEthernet, frame), nil), vm.takes(t, frame); got != want {
				t.Fatalf("%s matches % x: %v, its program: %v", e, frame, got, want)
			}
		}
	})
}

// linkTypes are those that have programs.
var linkTypes = []capture.LinkType{capture.LinkEthernet, capture.LinkRaw, capture.LinkSLL, capture.LinkSLL2}

// TestProgramsTakeWhatMatches of bytes cut and changed at random, and of every link type.
func TestProgramsTakeWhatMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := parse(t, drawExpr(t, 3, true))
		for _, l := range linkTypes {
			vm := program(t, e, l)
			for range 10 {
				frame := spoil(t, relink(drawFrame(t, plain{tags: 3, extensions: 5}), l))
				s := subject{
					states: [2]tcp.State{tcp.Established, tcp.State(rapid.IntRange(0, 11).Draw(t, "state"))},
					labels: []string{"zero-window"}, stream: 3, closed: []string{"rst"},
				}
				if e.Match(decode(l, frame), s) && !vm.takes(t, frame) {
					t.Fatalf("%s matches % x of link type %d, its program does not take it", e, frame, l)
				}
			}
		}
	})
}

// spoil cuts a frame or changes bytes of it.
func spoil(t *rapid.T, frame []byte) []byte {
	frame = frame[:rapid.IntRange(0, len(frame)).Draw(t, "cut")]
	if rapid.Bool().Draw(t, "whole") {
		frame = frame[:cap(frame)]
	}
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		if len(frame) > 0 {
			frame[rapid.IntRange(0, len(frame)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
	}
	return slices.Clone(frame)
}

// relink gives an Ethernet frame another first header.
func relink(frame []byte, l capture.LinkType) []byte {
	switch l {
	case capture.LinkRaw:
		return slices.Clip(frame[14:])
	case capture.LinkSLL: // to this host, Ethernet, six bytes of sender
		h := append([]byte{0, 0, 0, 1, 0, 6}, frame[6:12]...)
		return slices.Clip(append(append(h, 0, 0), frame[12:]...))
	case capture.LinkSLL2:
		h := append([]byte{frame[12], frame[13], 0, 0, 0, 0, 0, 2, 0, 1, 0, 6}, frame[6:12]...)
		return slices.Clip(append(append(h, 0, 0), frame[14:]...))
	}
	return slices.Clip(frame)
}

func TestMatchAllocatesNothing(t *testing.T) {
	e := parse(t, "ether src host 02:00:00:00:00:01 and (arp host 10.0.0.9 or net 10.0.0.0/8) and tcp portrange 80-90 and not vlan 7 and ether proto 0x800 and greater 10 and stream 3")
	p := &capture.Packet{Record: &capture.Record{Link: capture.LinkEthernet, Wire: 60, Data: append(append(mac(macs[1]), mac(macs[0])...), 8, 0)}}
	p.Version, p.Protocol, p.HasTCP, p.SrcPort = 4, internet.TCP, true, 80
	p.Src, p.Dst = netAddr("10.0.0.1"), netAddr("192.0.2.7")
	var s filter.Subject = subject{stream: 3}
	if !e.Match(p, s) {
		t.Fatalf("%s does not match", e)
	}
	if n := testing.AllocsPerRun(100, func() { e.Match(p, s) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	arp := link.ARP{Op: link.OpRequest, SenderIP: [4]byte{10, 0, 0, 9}}
	q := decode(capture.LinkEthernet, arp.Append(append(append(mac(macs[2]), mac(macs[0])...), 8, 6)))
	f := parse(t, "arp src host 10.0.0.9")
	if !f.Match(q, nil) {
		t.Fatalf("%s does not match", f)
	}
	if n := testing.AllocsPerRun(100, func() { f.Match(q, nil) }); n != 0 {
		t.Errorf("%v allocations for ARP", n)
	}
}
