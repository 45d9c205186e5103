package host

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/link/sim"
	"dialtone/transport"
	"dialtone/transport/udp"

	"github.com/google/go-cmp/cmp"
)

// A rawStation is the other end of a host's cable: it sends what it likes, and keeps
// what it gets.
type rawStation struct {
	port link.Port
	host *Host
	mu   sync.Mutex
	got  [][]byte // packets, without those of ARP
	drop []Reason
}

var rawMAC = link.MAC{2, 0, 0, 0, 0, 9}

// newRaw returns a host, 10.0.0.1/24, and a station 10.0.0.9 that it knows.
func newRaw(t testing.TB, options ...Option) *rawStation {
	t.Helper()
	c := newCable(t, sim.Config{MTU: 9000})
	s := &rawStation{port: c.B()}
	s.port.Attach(s.input)
	hooks := Hooks{Drop: func(_ time.Duration, why Reason, _ []byte) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop = append(s.drop, why)
	}}
	s.host = newHost(t, "h", append([]Option{Attach(c.A(), "10.0.0.1/24"), Watch(hooks)}, options...)...)
	n := s.host.nics[1]
	n.mu.Lock()
	n.neighbors.Set(0, netip.MustParseAddr("10.0.0.9"), rawMAC, (*nicSink)(n))
	n.mu.Unlock()
	return s
}

func (s *rawStation) input(frames []*link.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range frames {
		if h, body, err := link.ParseEthernet(f.Data); err == nil && h.Type == link.TypeIPv4 {
			s.got = append(s.got, append([]byte(nil), body...))
		}
		f.Free()
	}
}

// send sends a frame.
func (s *rawStation) send(dst link.MAC, kind link.EtherType, body []byte) {
	h := link.Ethernet{Dst: dst, Src: rawMAC, Type: kind}
	b := append(h.Append(nil), body...)
	f := link.NewFrame(len(b))
	copy(f.Data, b)
	s.port.Send([]*link.Frame{f})
}

// packet sends an IPv4 packet, and returns what came of it.
func (s *rawStation) packet(packet []byte) (drops []Reason, answers [][]byte) {
	return s.frame(s.host.nics[1].mac, link.TypeIPv4, packet)
}

func (s *rawStation) frame(dst link.MAC, kind link.EtherType, body []byte) (drops []Reason, answers [][]byte) {
	s.mu.Lock()
	s.drop, s.got = nil, nil
	s.mu.Unlock()
	s.send(dst, kind, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drop, s.got
}

// datagram makes a packet with a UDP datagram from the station to the host.
func datagramPacket(change func(h *internet.IPv4, datagram []byte)) []byte {
	h := internet.IPv4{TTL: 64, Protocol: internet.UDP, Src: [4]byte{10, 0, 0, 9}, Dst: [4]byte{10, 0, 0, 1}}
	u := udp.Header{SrcPort: 4000, DstPort: 5000}
	datagram := append(u.Append(nil), "data"...)
	udp.Fill(transport.PseudoSum4(h.Src, h.Dst, internet.UDP, len(datagram)), datagram)
	change(&h, datagram)
	packet := append(h.Append(nil), datagram...)
	internet.FillIPv4(packet)
	return packet
}

// Every packet that goes no further has a reason, and where it is due, an answer.
func TestReasons(t *testing.T) {
	s := newRaw(t)
	own, other := s.host.nics[1].mac, link.MAC{2, 0, 0, 0, 0, 77}
	good := func(change func(h *internet.IPv4, d []byte)) []byte { return datagramPacket(change) }
	spoil := func(packet []byte, at int) []byte { packet[at] ^= 1; return packet }
	same := func(*internet.IPv4, []byte) {}
	for _, test := range []struct {
		name   string
		dst    link.MAC
		kind   link.EtherType
		packet []byte
		want   Reason
		answer string // ICMP's, to the station
	}{
		{"nobody listens", own, link.TypeIPv4, good(same), DropNoSocket, "port unreachable"},
		{"to another station", other, link.TypeIPv4, good(same), DropOtherStation, ""},
		{"of a strange protocol", own, 0x88cc, good(same), DropEtherType, ""},
		{"ARP that is none", own, link.TypeARP, make([]byte, 28), DropHeader, ""},
		{"cut", own, link.TypeIPv4, good(same)[:25], DropHeader, ""},
		{"IPv6", own, link.TypeIPv4, []byte{0x60, 19: 0}, DropHeader, ""},
		{"bad header checksum", own, link.TypeIPv4, spoil(good(same), 8), DropHeaderChecksum, ""},
		{"bad checksum", own, link.TypeIPv4, spoil(good(same), 30), DropChecksum, ""},
		{"for another host", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Dst[3] = 77 }), DropNotOurs, ""},
		{"to a group that it is not in", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Dst = [4]byte{239, 1, 1, 1} }), DropNotOurs, ""},
		{"from the host itself", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Src[3] = 1 }), DropMartian, ""},
		{"from loopback", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Src = [4]byte{127, 0, 0, 1} }), DropMartian, ""},
		{"to loopback", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Dst = [4]byte{127, 0, 0, 1} }), DropMartian, ""},
		{"from all", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Src = [4]byte{10, 0, 0, 255} }), DropMartian, ""},
		{"from a group", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Src = [4]byte{224, 0, 0, 1} }), DropMartian, ""},
		{"from nobody", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Src = [4]byte{} }), DropMartian, ""},
		{"to all stations, but one host", broadcastMAC, link.TypeIPv4, good(same), DropMartian, ""},
		{"by a way of its own", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Options = []byte{131, 7, 4, 10, 0, 0, 77, 0} }), DropSourceRoute, ""},
		{"protocol unknown", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Protocol = 99 }), DropProtocol, "protocol unreachable"},
		{"ICMP unknown", own, link.TypeIPv4, good(func(h *internet.IPv4, d []byte) { h.Protocol = internet.ICMP; d[0] = 99; internet.FillICMPv4(d) }), DropProtocol, ""},
		{"ICMP with a bad checksum", own, link.TypeIPv4, good(func(h *internet.IPv4, d []byte) { h.Protocol = internet.ICMP; d[0] = 8 }), DropChecksum, ""},
		{"echo to all", own, link.TypeIPv4, good(func(h *internet.IPv4, d []byte) {
			h.Protocol, h.Dst[3] = internet.ICMP, 255
			d[0] = 8
			internet.FillICMPv4(d)
		}), DropNotOurs, ""},
		{"answer to an echo that was none", own, link.TypeIPv4, good(func(h *internet.IPv4, d []byte) {
			h.Protocol = internet.ICMP
			d[0] = 0
			d[1] = 0
			internet.FillICMPv4(d)
		}), DropNoSocket, ""},
		{"IGMP from afar", own, link.TypeIPv4, good(func(h *internet.IPv4, d []byte) { h.Protocol = internet.IGMP; internet.FillIGMP(d) }), DropChecksum, ""},
		{"UDP that lies", own, link.TypeIPv4, good(func(_ *internet.IPv4, d []byte) { d[5] = 200 }), DropHeader, ""},
		{"to all, and nobody listens", own, link.TypeIPv4, good(func(h *internet.IPv4, d []byte) { h.Dst[3] = 255; d[6], d[7] = 0, 0 }), DropNoSocket, ""},
		{"TCP to all", own, link.TypeIPv4, good(func(h *internet.IPv4, _ []byte) { h.Protocol, h.Dst[3] = internet.TCP, 255 }), DropNotOurs, ""},
	} {
		drops, answers := s.frame(test.dst, test.kind, test.packet)
		if diff := cmp.Diff([]Reason{test.want}, drops); diff != "" {
			t.Errorf("%s: %v, want %v", test.name, drops, test.want)
		}
		var said []string
		for _, packet := range answers {
			_, m, _ := internet.ParseIPv4(packet)
			icmp, _, err := internet.ParseICMP(m)
			if err != nil || !internet.CheckIPv4(packet) || !internet.CheckICMPv4(m) {
				t.Errorf("%s: answered by %x", test.name, packet)
			}
			said = append(said, icmp.Name(internet.ICMP))
		}
		want := []string(nil)
		if test.answer != "" {
			want = []string{"destination unreachable, " + test.answer}
		}
		if len(said) != len(want) || len(want) == 1 && !hasSuffix(said[0], test.answer) {
			t.Errorf("%s: answered %q, want %q", test.name, said, want)
		}
	}
	if s.host.Counters().Dropped[DropMartian] == 0 {
		t.Error("martians are not counted")
	}
}

func hasSuffix(s, end string) bool { return len(s) >= len(end) && s[len(s)-len(end):] == end }

// What is no packet, and what is one cut or changed anywhere, does no harm.
func FuzzInput(f *testing.F) {
	f.Add(datagramPacket(func(*internet.IPv4, []byte) {}), false)
	f.Add(datagramPacket(func(h *internet.IPv4, _ []byte) { h.Flags = internet.MoreFragments }), true)
	f.Add(datagramPacket(func(h *internet.IPv4, d []byte) {
		h.Protocol = internet.ICMP
		d[0], d[1] = 3, 3
		internet.FillICMPv4(d)
	}), true)
	f.Add(datagramPacket(func(h *internet.IPv4, d []byte) { h.Protocol, h.TTL = internet.IGMP, 1; internet.FillIGMP(d) }), true)
	f.Add(datagramPacket(func(h *internet.IPv4, _ []byte) { h.Protocol = internet.TCP }), true)
	s := newRaw(f, Forward())
	f.Fuzz(func(t *testing.T, packet []byte, fix bool) {
		if len(packet) > 9000 {
			return
		}
		if fix {
			internet.FillIPv4(packet)
		}
		s.packet(packet)
		s.send(broadcastMAC, link.TypeIPv4, packet)
		s.send(broadcastMAC, link.TypeARP, packet)
	})
}
