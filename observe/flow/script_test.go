package flow

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// A script is a timed conversation with what the tracker should say of each segment:
//
//	10ms  < S.  0      ack=1 mss=1460 scale=7   -> SYN+ACK; SYN_SENT SYN_RCVD
//	20ms  > P.  1+100  ack=1                    -> retransmission, tail-loss probe
//
// that is: time, direction (> from end 0), flags as tcpdump writes them, relative number
// and length, options, and behind the arrow the labels in order, then both states. A
// label of an earlier frame has its number behind it: spurious retransmission@3. Lines
// without an arrow are not judged. Frames count from 1; # begins a comment.
//
// Options: ack, win, ts=val/ecr, sack=from-to,from-to, mss, scale, sackok, id, sum=bad,
// isn (the sender's, from now on), super.
type script struct {
	t       testing.TB
	tracker *Tracker
	isn     [2]tcp.Seq
	addr    [2]netip.AddrPort
	vlan    uint32
	frame   int64
	log     strings.Builder
	events  []Event // with findings of their own
}

// play runs a script with a new tracker.
func play(t testing.TB, text string) *script {
	t.Helper()
	s := newScript(t)
	s.play(text)
	return s
}

func newScript(t testing.TB) *script {
	return &script{
		t: t, tracker: New(Config{}),
		isn:  [2]tcp.Seq{0xffffff00, 5_000_000}, // the first wraps soon
		addr: [2]netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:40000"), netip.MustParseAddrPort("192.0.2.2:80")},
	}
}

func (s *script) play(text string) {
	s.t.Helper()
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		given, want, judged := strings.Cut(line, "->")
		e := s.tracker.Add(s.packet(given))
		if e == nil {
			s.t.Fatalf("%s: no event", line)
		}
		kept := *e
		kept.Findings = append([]Finding(nil), e.Findings...)
		s.events = append(s.events, kept)
		fmt.Fprintf(&s.log, "%3d %-60s -> %s; %v %v\n", s.frame, strings.TrimSpace(given), said(e), e.After[0], e.After[1])
		if judged {
			s.judge(e, want)
		}
		checkEvent(s.t, e)
	}
}

func (s *script) judge(e *Event, want string) {
	s.t.Helper()
	labels, states, hasStates := strings.Cut(want, ";")
	if got := said(e); got != strings.TrimSpace(labels) {
		s.t.Errorf("frame %d has %q, want %q; so far:\n%s%s", s.frame, got, strings.TrimSpace(labels), &s.log, reasons(e))
	}
	if !hasStates {
		return
	}
	got := name(e.After[0]) + " " + name(e.After[1])
	if got != strings.TrimSpace(states) {
		s.t.Errorf("states after frame %d are %q, want %q; so far:\n%s", s.frame, got, strings.TrimSpace(states), &s.log)
	}
}

func name(s tcp.State) string {
	if s == 0 {
		return "-"
	}
	return s.String()
}

// said returns the labels of an event as scripts write them.
func said(e *Event) string {
	var words []string
	for _, f := range e.Findings {
		w := f.Label.String()
		if f.Frame != e.Packet.Number {
			w += "@" + strconv.FormatInt(f.Frame, 10)
		}
		words = append(words, w)
	}
	return strings.Join(words, ", ")
}

func reasons(e *Event) string {
	var b strings.Builder
	for _, f := range e.Findings {
		fmt.Fprintf(&b, "    frame %d: %v: %s\n", f.Frame, f.Label, f.Why())
	}
	return b.String()
}

// packet builds the packet of a line.
func (s *script) packet(line string) *capture.Packet {
	s.t.Helper()
	fields := strings.Fields(line)
	if len(fields) < 4 {
		s.t.Fatalf("a segment has time, direction, flags and number: %q", line)
	}
	at, err := time.ParseDuration(fields[0])
	if err != nil {
		s.t.Fatal(err)
	}
	from := 0
	if fields[1] == "<" {
		from = 1
	}
	s.frame++
	p := &capture.Packet{
		Record:  &capture.Record{Number: s.frame, Time: 1e18 + int64(at)},
		Version: 4, Protocol: internet.TCP, HasTCP: true, VLAN: s.vlan, Checksum: capture.ChecksumGood,
	}
	if s.addr[0].Addr().Is6() {
		p.Version = 6
	}
	p.Src, p.SrcPort = s.addr[from].Addr(), s.addr[from].Port()
	p.Dst, p.DstPort = s.addr[1-from].Addr(), s.addr[1-from].Port()
	h := &p.TCP
	h.SrcPort, h.DstPort, h.Window = p.SrcPort, p.DstPort, 60000
	for i, f := range "FSRP.U" {
		if strings.ContainsRune(fields[2], f) {
			h.Flags |= 1 << i
		}
	}
	for _, f := range fields[4:] {
		s.option(p, from, f)
	}
	seq, length, _ := strings.Cut(fields[3], "+")
	h.Seq = s.isn[from] + tcp.Seq(s.number(seq))
	p.Len = s.number(length)
	p.Payload = make([]byte, p.Len)
	// As good as a checksum: the same for the same segment only.
	h.Checksum = uint16(h.Seq)*31 + uint16(h.Ack)*17 + uint16(h.Flags) + h.Window + uint16(p.Len)*7
	for i, b := range h.Options {
		h.Checksum += uint16(b) << (i % 8)
	}
	return p
}

func (s *script) number(text string) int {
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *script) option(p *capture.Packet, from int, text string) {
	s.t.Helper()
	name, value, _ := strings.Cut(text, "=")
	h := &p.TCP
	switch name {
	case "isn":
		s.isn[from] = tcp.Seq(s.number(value))
	case "ack":
		h.Ack = s.isn[1-from] + tcp.Seq(s.number(value))
	case "win":
		h.Window = uint16(s.number(value))
	case "id":
		p.ID = uint32(s.number(value))
	case "mss":
		h.Options = h.Options.AppendMSS(uint16(s.number(value)))
	case "scale":
		h.Options = h.Options.AppendNop(1).AppendWindowScale(uint8(s.number(value)))
	case "sackok":
		h.Options = h.Options.AppendSACKPermitted()
	case "ts":
		val, ecr, _ := strings.Cut(value, "/")
		h.Options = h.Options.AppendNop(2).AppendTimestamps(uint32(s.number(val)), uint32(s.number(ecr)))
	case "sack":
		var blocks [][2]tcp.Seq
		for b := range strings.SplitSeq(value, ",") {
			lo, hi, _ := strings.Cut(b, "-")
			blocks = append(blocks, [2]tcp.Seq{s.isn[1-from] + tcp.Seq(s.number(lo)), s.isn[1-from] + tcp.Seq(s.number(hi))})
		}
		h.Options = h.Options.AppendNop(2).AppendSACK(blocks...)
	case "sum":
		p.Checksum = capture.ChecksumBad
	case "super":
		p.Hints |= capture.HintSuper
	default:
		s.t.Fatalf("option %q", text)
	}
}

// tester is what testing.T and rapid.T have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// checkEvent holds what is true of every event.
func checkEvent(t tester, e *Event) {
	t.Helper()
	if e.InFlight < 0 {
		t.Errorf("frame %d: %d bytes in flight", e.Packet.Number, e.InFlight)
	}
	if e.Window < -1 || e.RTT < 0 {
		t.Errorf("frame %d: window %d, RTT %d", e.Packet.Number, e.Window, e.RTT)
	}
	for _, f := range e.Findings {
		if f.Label == LabelNone || f.Rule == RuleNone || f.Label >= labels || f.Rule >= rules {
			t.Errorf("frame %d: finding %+v", e.Packet.Number, f)
		}
		if f.Frame < 1 || f.Frame > e.Packet.Number || f.Frames[0] > e.Packet.Number || f.Frames[1] > e.Packet.Number {
			t.Errorf("frame %d: finding of frames to come: %+v", e.Packet.Number, f)
		}
		if why := f.Why(); why == "" || strings.ContainsAny(why, "{}") {
			t.Errorf("rule %d explains %q", f.Rule, why)
		}
	}
	for i, end := range e.Talk.Ends {
		if end.Lost < 0 || end.Lost > end.Resent {
			t.Errorf("frame %d: end %d lost %d of %d resent", e.Packet.Number, i, end.Lost, end.Resent)
		}
	}
}

// shake is the usual opening, of 10 ms to the server at the right end and none to the
// client.
const shake = `
	0ms   > S  0       win=64240 mss=1460 sackok ts=100/0 scale=7     id=100  -> SYN; SYN_SENT -
	10ms  < S. 0 ack=1 win=65160 mss=1460 sackok ts=9000/100 scale=7          -> SYN+ACK; SYN_SENT SYN_RCVD
	10ms  > .  1 ack=1 win=502   ts=110/9000                          id=101  -> handshake complete; ESTABLISHED ESTABLISHED
`

// plainShake is one without options and IP IDs.
const plainShake = `
	0ms   > S  0       win=64240 mss=1000  -> SYN; SYN_SENT -
	10ms  < S. 0 ack=1 win=65160 mss=1000  -> SYN+ACK; SYN_SENT SYN_RCVD
	10ms  > .  1 ack=1 win=64240           -> handshake complete; ESTABLISHED ESTABLISHED
`
