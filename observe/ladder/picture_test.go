package ladder

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"testing"
	"time"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/transport"
	"dialtone/transport/tcp"
)

// sketch builds a Talk by hand, frame by frame, with the bytes that such frames
// have: what the tracker would hand over, without it.
type sketch struct {
	Talk
	next   [2]uint32 // of each end, relative
	window [2]int64
	state  [2]tcp.State
	frames map[int64]*capture.Record
}

const epoch = 1_700_000_000_000_000_000

func newSketch(id int, client, server string) *sketch {
	s := &sketch{frames: map[int64]*capture.Record{}, window: [2]int64{64240, 65160}}
	s.ID, s.Protocol, s.Closer, s.First, s.Last, s.Origin = id, internet.TCP, -1, epoch, epoch, epoch
	s.Ends[0].Addr, s.Ends[1].Addr = netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)
	s.Ends[0].ISN, s.Ends[1].ISN = 0xfffffff0, 1000
	s.load = func(r *Row) (*capture.Record, error) {
		if f := s.frames[r.Frame]; f != nil {
			return f, nil
		}
		return nil, errors.New("no such frame")
	}
	return s
}

// send adds a segment that follows the last one of its sender after a time.
func (s *sketch) send(from int, after time.Duration, flags tcp.Flags, payload string, notes ...Note) *Row {
	r := s.at(from, after, flags, s.next[from], payload, notes...)
	s.next[from] += uint32(len(payload))
	for _, f := range []tcp.Flags{tcp.SYN, tcp.FIN} {
		if flags&f != 0 {
			s.next[from]++
		}
	}
	return r
}

// at adds a segment with a sequence number of its own.
func (s *sketch) at(from int, after time.Duration, flags tcp.Flags, seq uint32, payload string, notes ...Note) *Row {
	s.Last += int64(after)
	number := int64(len(s.Rows) + 1)
	for i := range notes {
		if notes[i].Frame == 0 {
			notes[i].Frame = number
		}
		notes[i].Word = notes[i].Label.String()
	}
	r := Row{
		Frame: number, Time: s.Last, Protocol: internet.TCP, From: from, Flags: flags, Seq: seq, Ack: s.next[1-from],
		Len: len(payload), Window: s.window[from], InFlight: int64(len(payload)), Before: s.state, After: s.state,
		Text: preview([]byte(payload)), Notes: notes,
	}
	s.Ends[from].Packets++
	s.Ends[from].Bytes += int64(len(payload))
	s.frames[number] = s.record(&r, payload)
	s.Rows = append(s.Rows, r)
	return &s.Rows[len(s.Rows)-1]
}

// become says what the last row has made of both ends.
func (s *sketch) become(client, server tcp.State) {
	s.state = [2]tcp.State{client, server}
	s.Rows[len(s.Rows)-1].After = s.state
}

// record is the row as a frame.
func (s *sketch) record(r *Row, payload string) *capture.Record {
	src, dst := s.Ends[r.From].Addr, s.Ends[1-r.From].Addr
	h := tcp.Header{
		SrcPort: src.Port(), DstPort: dst.Port(), Flags: r.Flags, Window: uint16(r.Window >> 7),
		Seq: s.Ends[r.From].ISN + tcp.Seq(r.Seq), Ack: s.Ends[1-r.From].ISN + tcp.Seq(r.Ack),
	}
	if r.Flags&tcp.SYN != 0 {
		h.Options = tcp.Options{}.AppendMSS(1460).AppendSACKPermitted().AppendNop(1).AppendWindowScale(7).Pad()
	}
	segment := append(h.Append(nil), payload...)
	pseudo := transport.PseudoSum6(src.Addr().As16(), dst.Addr().As16(), internet.TCP, len(segment))
	var packet []byte
	ethertype := link.TypeIPv6
	if src.Addr().Is4() {
		ethertype = link.TypeIPv4
		pseudo = transport.PseudoSum4(src.Addr().As4(), dst.Addr().As4(), internet.TCP, len(segment))
		ip := internet.IPv4{TTL: 64, ID: uint16(r.Frame), Flags: internet.DontFragment, Protocol: internet.TCP, Src: src.Addr().As4(), Dst: dst.Addr().As4()}
		packet = ip.Append(nil)
	} else {
		ip := internet.IPv6{HopLimit: 64, NextHeader: internet.TCP, Src: src.Addr().As16(), Dst: dst.Addr().As16()}
		packet = ip.Append(nil)
	}
	tcp.Fill(pseudo, segment)
	packet = append(packet, segment...)
	if src.Addr().Is4() {
		internet.FillIPv4(packet)
	} else {
		internet.FillIPv6(packet)
	}
	eth := link.Ethernet{Dst: link.MAC{2, 0, 0, 0, 0, byte(2 - r.From)}, Src: link.MAC{2, 0, 0, 0, 0, byte(1 + r.From)}, Type: ethertype}
	frame := append(eth.Append(nil), packet...)
	return &capture.Record{Number: r.Frame, Time: r.Time, Wire: len(frame), Data: frame, Link: capture.LinkEthernet}
}

func note(label flow.Label, why string) Note {
	return Note{Finding: flow.Finding{Label: label}, Why: why}
}

const ms = time.Millisecond

// upperTalk is the conversation that everyone begins with: a handshake, a line and
// its answer, a close in four steps, 10 ms away.
func upperTalk(id int) *sketch {
	s := newSketch(id, fmt.Sprintf("192.0.2.1:%d", 50000+id), "198.51.100.7:8000")
	s.Opened, s.Closed, s.Closer = flow.HowHandshake, flow.HowFourWay, 0
	s.Ends[0].RTTMin, s.Ends[0].RTTCount = int64(10*ms), 3
	s.open()
	s.send(0, 2*ms, tcp.PSH|tcp.ACK, "hello, wire\n")
	s.send(1, 10*ms, tcp.ACK, "")
	s.send(1, ms/2, tcp.PSH|tcp.ACK, "HELLO, WIRE\n")
	s.send(0, ms/10, tcp.ACK, "")
	s.close()
	return s
}

func (s *sketch) open() {
	s.send(0, 0, tcp.SYN, "", note(flow.LabelSYN, "SYN without ACK asks for a connection (RFC 9293 §3.5)"))
	s.become(tcp.SynSent, tcp.Listen)
	s.send(1, 10*ms, tcp.SYN|tcp.ACK, "", note(flow.LabelSYNACK, "SYN and ACK accept the SYN of frame 1, 10ms after it (RFC 9293 §3.5)"))
	s.become(tcp.Established, tcp.SynReceived)
	s.send(0, ms/10, tcp.ACK, "", note(flow.LabelHandshake, "acknowledges the SYN+ACK of frame 2: both ends are ESTABLISHED (RFC 9293 §3.5)"))
	s.become(tcp.Established, tcp.Established)
}

func (s *sketch) close() {
	s.send(0, ms, tcp.FIN|tcp.ACK, "", note(flow.LabelFIN, "the first FIN: its sender has no more to send (RFC 9293 §3.6)"))
	s.become(tcp.FinWait1, tcp.CloseWait)
	s.send(1, 10*ms, tcp.ACK, "")
	s.become(tcp.FinWait2, tcp.CloseWait)
	s.send(1, 2*ms, tcp.FIN|tcp.ACK, "", note(flow.LabelFinalFIN, "the FIN of the other end, which had been acknowledged (RFC 9293 §3.6)"))
	s.become(tcp.TimeWait, tcp.LastAck)
	s.send(0, ms/10, tcp.ACK, "", note(flow.LabelFinalACK, "acknowledges the FIN: nothing is left to say either way (RFC 9293 §3.6)"))
	s.become(tcp.TimeWait, tcp.Closed)
}

// bulkTalk moves n segments from the server, with what makes a time-sequence graph
// worth looking at: a loss with duplicate ACKs, SACK and repair every 97th, one that
// was overtaken every 61st, and a receiver that once has no room.
func bulkTalk(id, n int) *sketch {
	s := newSketch(id, fmt.Sprintf("[2001:db8::1]:%d", 40000+id), "[2001:db8:ffff:ffff:ffff:ffff:ffff:fffe]:443")
	s.Opened, s.Closed, s.Closer = flow.HowHandshake, flow.HowFourWay, 0
	s.Ends[0].RTTMin, s.Ends[0].RTTCount, s.Ends[1].RTTMin, s.Ends[1].RTTCount = int64(6*ms), 9, int64(2*ms), 9
	s.open()
	s.send(0, ms, tcp.PSH|tcp.ACK, "GET /large HTTP/1.1\r\nHost: example\r\n\r\n")
	data := string(make([]byte, 1440))
	for i := range n {
		switch {
		case i%97 == 50:
			s.loss(data)
		case i%61 == 30:
			s.overtaken(data)
		case i == n/2:
			s.stall(data)
		default:
			s.send(1, ms/10, tcp.ACK, data)
			if i%2 == 1 {
				s.send(0, ms/20, tcp.ACK, "")
			}
		}
	}
	s.Ends[1].Lost, s.Ends[1].Resent = int64(n/97), int64(n/97)
	s.close()
	return s
}

func (s *sketch) loss(data string) {
	lost := s.send(1, ms/10, tcp.ACK, data)
	frame, seq := lost.Frame, lost.Seq
	edge := s.next[1]
	for k := range 3 {
		s.send(1, ms/10, tcp.ACK, data)
		r := s.at(0, ms/20, tcp.ACK, s.next[0], "", note(flow.LabelDupACK, fmt.Sprintf("acknowledges %d again: for the %d. time (RFC 5681 §2)", seq, k+1)),
			note(flow.LabelSACK, "has later bytes: something between is missing (RFC 2018 §3)"))
		r.Ack, r.SACK = seq, [][2]uint32{{edge, s.next[1]}}
	}
	again := note(flow.LabelRetransmission, fmt.Sprintf("1440 bytes that frame %d carried 5ms before", frame))
	again.Rule, again.Frames[0] = flow.RuleSeenBefore, frame
	fast := note(flow.LabelFastRetransmission, "3 duplicate ACKs asked for it, within the timeout of about 210ms (RFC 5681 §3.2)")
	fast.Rule = flow.RuleDupACKs
	s.at(1, 4*ms, tcp.ACK, seq, data, again, fast)
	s.send(0, ms/20, tcp.ACK, "")
}

func (s *sketch) overtaken(data string) {
	seq := s.next[1]
	s.next[1] += uint32(len(data))
	s.send(1, ms/10, tcp.ACK, data)
	s.at(1, ms/50, tcp.ACK, seq, data, note(flow.LabelOutOfOrder, "its timestamp is older than that of the frame before, which skipped these bytes (RFC 7323 §3)"))
	s.send(0, ms/20, tcp.ACK, "")
}

func (s *sketch) stall(data string) {
	s.send(1, ms/10, tcp.ACK, data, note(flow.LabelWindowFull, "ends at the edge of the window: no more may be sent (RFC 9293 §3.8.6)"))
	s.window[0] = 0
	s.send(0, ms, tcp.ACK, "", note(flow.LabelZeroWindow, "the window is 0: there is no room for another byte (RFC 9293 §3.8.6)"))
	s.at(1, 200*ms, tcp.ACK, s.next[1]-1, "", note(flow.LabelZeroWindowProbe, "the window is 0; so it must answer: is there room? (RFC 9293 §3.8.6.1)"))
	s.send(0, ms, tcp.ACK, "", note(flow.LabelProbeACK, "answers the probe: the window is 0 (RFC 9293 §3.8.6.1)"))
	s.window[0] = 64240
	s.send(0, 40*ms, tcp.ACK, "", note(flow.LabelWindowUpdate, "the window now 64240 instead of 0 (RFC 9293 §3.8.6.2.2)"))
}

// dramaTalk loses a segment, is silent, and closes from both ends at once.
func dramaTalk(id int) *sketch {
	s := newSketch(id, fmt.Sprintf("10.0.0.1:%d", 50000+id), "10.0.0.2:7")
	s.Opened, s.Closed = flow.HowHandshake, flow.HowBothAtOnce
	s.Ends[0].RTTMin, s.Ends[0].RTTCount, s.Ends[0].Lost, s.Ends[0].Resent = int64(10*ms), 3, 1, 1
	s.open()
	lost := s.send(0, 5*ms, tcp.PSH|tcp.ACK, "is anyone there?\n").Frame
	again := note(flow.LabelRetransmission, "17 bytes that frame 4 carried 212ms before")
	again.Rule, again.Frames[0] = flow.RuleSeenBefore, lost
	s.at(0, 212*ms, tcp.PSH|tcp.ACK, 1, "is anyone there?\n", again,
		note(flow.LabelTimeoutRetransmission, "sent after 212ms without progress since frame 4; the timeout is about 210ms (RFC 6298 §5)"))
	s.send(1, 11*ms, tcp.ACK, "")
	s.send(0, 2500*ms, tcp.FIN|tcp.ACK, "", note(flow.LabelFIN, "the first FIN: its sender has no more to send (RFC 9293 §3.6)"))
	s.become(tcp.FinWait1, tcp.Established)
	fin := s.send(1, 4*ms, tcp.FIN|tcp.ACK, "", note(flow.LabelCrossedFIN, "this FIN and the one of frame 7 crossed: it does not acknowledge it (RFC 9293 §3.6, case 3)"))
	fin.Ack--
	s.become(tcp.Closing, tcp.FinWait1)
	s.send(0, ms/10, tcp.ACK, "")
	s.become(tcp.Closing, tcp.TimeWait)
	s.send(1, 6*ms, tcp.ACK, "", note(flow.LabelFinalACK, "acknowledges the FIN of frame 7: nothing is left to say either way (RFC 9293 §3.6)"))
	s.become(tcp.TimeWait, tcp.TimeWait)
	return s
}

// datagramTalk asks a name server, which answers, and another port, where no one is.
func datagramTalk(id int) *sketch {
	s := newSketch(id, fmt.Sprintf("192.0.2.1:%d", 50000+id), "198.51.100.53:53")
	s.Protocol = internet.UDP
	s.Ends[0].RTTMin, s.Ends[0].RTTCount = int64(10*ms), 1
	for i, r := range []Row{
		{From: 0, Len: 29, Protocol: internet.UDP, Window: -1},
		{From: 1, Len: 45, Protocol: internet.UDP, Window: -1},
		{From: 0, Len: 12, Protocol: internet.UDP, Window: -1, Text: "are you here"},
		{From: 1, Protocol: internet.ICMP, Window: -1, Via: netip.MustParseAddr("192.0.2.254"), Text: "ICMP destination unreachable: host", Notes: []Note{
			{Finding: flow.Finding{Label: flow.LabelUnreachable, Frame: 4}, Word: flow.LabelUnreachable.String(), Why: "ICMP type 3 code 1, which quotes frame 3 of this conversation (RFC 792)"},
		}},
	} {
		r.Frame, r.Time = int64(i+1), epoch+int64(i)*int64(12*ms)
		s.Rows, s.Last = append(s.Rows, r), r.Time
		s.Ends[r.From].Packets++
		s.Ends[r.From].Bytes += int64(r.Len)
	}
	return s
}

// hostile is text that tries to be markup, script, a terminal or another direction.
const hostile = "</script><script>window.owned=1</script>\"'&<!--]]>\x00\x07\x1b[31m\u202eevil\u2028\u2066{{data}}$ink;"

func hostileTalk(id int) *sketch {
	s := upperTalk(id)
	s.send(0, ms, tcp.PSH|tcp.ACK, hostile)
	r := &s.Rows[len(s.Rows)-1]
	r.Text = hostile // as if nobody had escaped it
	r.Notes = []Note{{Finding: flow.Finding{Label: flow.LabelReset, Frame: r.Frame}, Word: hostile, Why: hostile}}
	return s
}

func talksOf(list ...*sketch) (talks []*Talk) {
	for _, s := range list {
		talks = append(talks, &s.Talk)
	}
	return talks
}

func TestPictureOfNothing(t *testing.T) {
	s := newSketch(1, "192.0.2.1:1", "192.0.2.2:2")
	for _, write := range []func(io.Writer) error{
		func(w io.Writer) error { return WriteSVG(w, &s.Talk) },
		func(w io.Writer) error { return WriteHTML(w, talksOf(s)) },
		func(w io.Writer) error { return WriteHTML(w, nil) },
	} {
		if err := write(io.Discard); err != nil {
			t.Error(err)
		}
	}
}

func TestPicturesTellAWriterThatFails(t *testing.T) {
	full := errors.New("no space left")
	for name, err := range map[string]error{
		"SVG":  WriteSVG(failing{full}, &upperTalk(1).Talk),
		"HTML": WriteHTML(failing{full}, talksOf(upperTalk(1))),
	} {
		if !errors.Is(err, full) {
			t.Errorf("%s: %v, want the writer's error", name, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestCrossedFINsCross(t *testing.T) {
	s := dramaTalk(1)
	l := arrange(&s.Talk, s.Rows, nil)
	if l.leave[7] >= l.arrive[6] {
		t.Errorf("the second FIN leaves at %g, the first arrives at %g: they do not cross", l.leave[7], l.arrive[6])
	}
	if l.leave[6] >= l.arrive[7] {
		t.Errorf("the first FIN leaves at %g, the second arrives at %g: they do not cross", l.leave[6], l.arrive[7])
	}
}

func TestLostRowIsTheFirstCopy(t *testing.T) {
	s := dramaTalk(1)
	want := []bool{3: true, 9: false}
	if got := lostRows(s.Rows); !slices.Equal(got, want) {
		t.Errorf("lost: %v, want %v", got, want)
	}
	s.Rows[4].Notes = append(s.Rows[4].Notes, Note{Finding: flow.Finding{Label: flow.LabelSpurious, Frame: 5}})
	if got := lostRows(s.Rows); slices.Contains(got, true) {
		t.Errorf("lost: %v, though the retransmission was spurious", got)
	}
}

func TestNumbersGoOnPastTheirEnd(t *testing.T) {
	var q sequence
	at := int64(0)
	for i := range int64(100) {
		at = i * 100_000_000 // ten gigabytes in all
		if got := q.unwrap(0, uint32(at)); got != at {
			t.Fatalf("number %d is read as %d", at, got)
		}
	}
	if got := q.near(0, uint32(at-1)); got != at-1 {
		t.Errorf("a keep-alive's number %d is read as %d", at-1, got)
	}
}

func TestRowsSlopeByDelay(t *testing.T) {
	s := upperTalk(1)
	l := arrange(&s.Talk, s.Rows, nil)
	if l.leave[0] != l.y[0] || l.arrive[0] <= l.y[0] {
		t.Errorf("SYN, captured where it was sent: leaves at %g, captured at %g, arrives at %g", l.leave[0], l.y[0], l.arrive[0])
	}
	if l.arrive[1] != l.y[1] || l.leave[1] >= l.y[1] {
		t.Errorf("SYN+ACK, captured where it arrived: leaves at %g, captured at %g, arrives at %g", l.leave[1], l.y[1], l.arrive[1])
	}
	for i := 1; i < len(s.Rows); i++ {
		if s.Rows[i].From != s.Rows[i-1].From && l.leave[i] < l.arrive[i-1] {
			t.Errorf("row %d leaves at %g, before what it answers arrived at %g", i, l.leave[i], l.arrive[i-1])
		}
	}
}
