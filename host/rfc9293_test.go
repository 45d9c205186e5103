package host

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/link/sim"
	"dialtone/transport"
	"dialtone/transport/tcp"
)

// What doc/rfc9293.md says of hosts: the requirements that are not the machine's.

// A hand is a peer made by hand: it is at the other end of a host's cable, says that
// every address is its own, and keeps the segments that come.
type hand struct {
	t    *testing.T
	port link.Port
	mac  link.MAC // the host's

	mu  sync.Mutex
	got []handSegment
}

type handSegment struct {
	packet   []byte
	src, dst netip.Addr
	header   tcp.Header
}

var handMAC = link.MAC{2, 'h', 'a', 'n', 'd', 0}

// newHand returns a host with two addresses, 10.0.0.1 and 10.0.0.3, and its peer.
func newHand(t *testing.T) (*Host, *hand) {
	cable := newCable(t, sim.Config{})
	d := &hand{t: t, port: cable.B()}
	d.port.Attach(d.input)
	return newHost(t, "a", Attach(cable.A(), "10.0.0.1/24", "10.0.0.3/24")), d
}

func (d *hand) input(frames []*link.Frame) {
	for _, f := range frames {
		f.Complete()
		h, body, err := link.ParseEthernet(f.Data)
		switch {
		case err != nil:
			d.t.Error(err)
		case h.Type == link.TypeARP:
			d.mac = h.Src
			d.answer(body)
		case h.Type == link.TypeIPv4:
			d.mac = h.Src
			d.keep(body)
		}
		f.Free()
	}
}

func (d *hand) answer(body []byte) {
	ask, _, err := link.ParseARP(body)
	if err != nil || ask.Op != link.OpRequest || ask.SenderIP == [4]byte{} || ask.SenderIP == ask.TargetIP {
		return
	}
	reply := link.ARP{Op: link.OpReply, SenderMAC: handMAC, SenderIP: ask.TargetIP, TargetMAC: ask.SenderMAC, TargetIP: ask.SenderIP}
	d.frame(link.TypeARP, reply.Append(nil))
}

func (d *hand) keep(body []byte) {
	ip, segment, err := internet.ParseIPv4(body)
	if err != nil || ip.Protocol != internet.TCP {
		return
	}
	s := handSegment{packet: append([]byte(nil), body...), src: netip.AddrFrom4(ip.Src), dst: netip.AddrFrom4(ip.Dst)}
	s.header, _, err = tcp.Parse(append([]byte(nil), segment...))
	// MUST-2: the sender generates the checksum.
	if err != nil || !tcp.Check(transport.PseudoSum4(ip.Src, ip.Dst, internet.TCP, len(segment)), segment) {
		d.t.Errorf("bad segment %x: %v", segment, err)
	}
	d.mu.Lock()
	d.got = append(d.got, s)
	d.mu.Unlock()
}

func (d *hand) frame(kind link.EtherType, body []byte) {
	h := link.Ethernet{Dst: d.mac, Src: handMAC, Type: kind}
	b := append(h.Append(nil), body...)
	f := link.NewFrame(len(b))
	copy(f.Data, b)
	d.port.Send([]*link.Frame{f})
}

// send sends a segment with its checksum, and perhaps IP options.
func (d *hand) send(src, dst string, h *tcp.Header, options ...byte) {
	ip := internet.IPv4{TTL: 64, Protocol: internet.TCP, Options: options}
	ip.Src, ip.Dst = netip.MustParseAddr(src).As4(), netip.MustParseAddr(dst).As4()
	segment := h.Append(nil)
	tcp.Fill(transport.PseudoSum4(ip.Src, ip.Dst, internet.TCP, len(segment)), segment)
	packet := append(ip.Append(nil), segment...)
	internet.FillIPv4(packet)
	d.frame(link.TypeIPv4, packet)
}

// take returns what has come since the last time, in a bubble, when all is quiet.
func (d *hand) take() []handSegment {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	got := d.got
	d.got = nil
	return got
}

func handSYN(port uint16) *tcp.Header {
	return &tcp.Header{SrcPort: port, DstPort: 80, Seq: 1000, Flags: tcp.SYN, Window: 65535}
}

func listenTCP(t *testing.T, h *Host, address string) net.Listener {
	t.Helper()
	l, err := h.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestSYNToMany: RFC 9293 §3.9.2.3, MUST-57. A SYN to a broadcast or multicast address
// is discarded silently; one to the host itself is answered.
func TestSYNToMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, d := newHand(t)
		listenTCP(t, a, ":80")
		d.mac = link.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		for _, dst := range []string{"255.255.255.255", "10.0.0.255", "224.0.0.1"} {
			d.send("10.0.0.2", dst, handSYN(1))
		}
		d.send("10.0.0.2", "10.0.0.1", handSYN(1)) // to all stations, for one host
		if got := d.take(); len(got) != 0 {
			t.Errorf("answered by %+v", got)
		}
		d.mac = a.nics[1].mac
		d.send("10.0.0.2", "10.0.0.1", handSYN(2))
		if got := d.take(); len(got) != 1 || got[0].header.Flags != tcp.SYN|tcp.ACK {
			t.Errorf("a SYN to the host itself is answered by %+v", got)
		}
	})
}

// TestSYNFromMany: RFC 9293 §3.9.2.3, MUST-63. A SYN from an address that is nobody's
// is ignored.
func TestSYNFromMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, d := newHand(t)
		listenTCP(t, a, ":80")
		d.mac = a.nics[1].mac
		for _, src := range []string{"255.255.255.255", "10.0.0.255", "224.0.0.1", "0.0.0.0", "127.0.0.1", "10.0.0.1"} {
			d.send(src, "10.0.0.1", handSYN(1))
			if got := d.take(); len(got) != 0 {
				t.Errorf("from %s: answered by %+v", src, got)
			}
		}
	})
}

// TestSYNWithIPOptions: RFC 9293 §3.9.2, MUST-50. IP options that TCP does not
// understand are ignored.
func TestSYNWithIPOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, d := newHand(t)
		listenTCP(t, a, ":80")
		d.mac = a.nics[1].mac
		d.send("10.0.0.2", "10.0.0.1", handSYN(1), 1, 7, 7, 4, 0, 0, 0, 0) // NOP, record route
		d.send("10.0.0.2", "10.0.0.1", handSYN(2), 0x9e, 4, 1, 2)          // an experimental one
		if got := d.take(); len(got) != 2 || got[0].header.Flags != tcp.SYN|tcp.ACK || got[1].header.Flags != tcp.SYN|tcp.ACK {
			t.Errorf("answered by %+v", got)
		}
	})
}

// TestDialToMany: RFC 9293 §3.9.2.3, MUST-46. What cannot be opened is refused at
// once, as by Linux, and nothing is sent.
func TestDialToMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, d := newHand(t)
		for _, address := range []string{"255.255.255.255:80", "10.0.0.255:80", "224.0.0.1:80"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if c, err := a.DialContext(ctx, "tcp", address); !errors.Is(err, syscall.ENETUNREACH) {
				t.Errorf("%s: %v, %v, want ENETUNREACH", address, c, err)
			}
			cancel()
		}
		if got := d.take(); len(got) != 0 {
			t.Errorf("sent %+v", got)
		}
	})
}

// dialing starts to connect to somebody who does not answer, and returns when the SYN
// is out; stop ends it.
func dialing(t *testing.T, a *Host, d *hand, local netip.AddrPort) (syn handSegment, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := a.DialTCP(ctx, local, netip.MustParseAddrPort("10.0.0.2:9"))
		result <- err
	}()
	synctest.Wait()
	got := d.take()
	if len(got) != 1 || got[0].header.Flags != tcp.SYN {
		t.Fatalf("sent %+v, want a SYN", got)
	}
	return got[0], func() error {
		cancel()
		return <-result
	}
}

// TestListenBesideConnections: RFC 9293 §3.9.1.1, MUST-41 and MUST-42.
func TestListenBesideConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, d := newHand(t)
		syn, stop := dialing(t, a, d, netip.MustParseAddrPort("10.0.0.3:80"))
		listenTCP(t, a, "10.0.0.1:80") // a connection with that port is in SYN-SENT
		d.send("10.0.0.2", "10.0.0.1", handSYN(1))
		if got := d.take(); len(got) != 1 || got[0].header.Flags != tcp.SYN|tcp.ACK {
			t.Errorf("the listener answers by %+v", got)
		}
		// Those that are being opened do not notice each other.
		d.send("10.0.0.2", "10.0.0.3", &tcp.Header{
			SrcPort: 9, DstPort: 80, Seq: 1, Ack: syn.header.Seq.Add(1), Flags: tcp.RST | tcp.ACK,
		})
		if err := stop(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%v, want the RST to be the connection's", err)
		}
	})
}

// TestSourceOfSYN: RFC 9293 §3.9.1.1, MUST-43, MUST-44 and MUST-45.
func TestSourceOfSYN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, d := newHand(t)
		syn, stop := dialing(t, a, d, netip.AddrPort{})
		if want := netip.MustParseAddr("10.0.0.1"); syn.src != want {
			t.Errorf("by default from %v, want %v, the interface's first", syn.src, want)
		}
		_ = stop()
		d.take()
		local := netip.MustParseAddrPort("10.0.0.3:7000")
		syn, stop = dialing(t, a, d, local)
		if syn.src != local.Addr() || syn.header.SrcPort != local.Port() {
			t.Errorf("from %v:%d, want %v", syn.src, syn.header.SrcPort, local)
		}
		_ = stop()
	})
}

// TestICMPErrorReachesItsConnection: RFC 9293 §3.9.2.2, MUST-54.
func TestICMPErrorReachesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, d := newHand(t)
		first, stopFirst := dialing(t, a, d, netip.AddrPort{})
		_, stopSecond := dialing(t, a, d, netip.AddrPort{})
		h := internet.ICMPHeader{Type: internet.ICMPv4Unreachable, Code: internet.ICMPv4PortUnreachable}
		msg := append(h.Append(nil), first.packet[:28]...)
		internet.FillICMPv4(msg)
		ip := internet.IPv4{TTL: 64, Protocol: internet.ICMP, Src: [4]byte{10, 0, 0, 2}, Dst: [4]byte{10, 0, 0, 1}}
		packet := append(ip.Append(nil), msg...)
		internet.FillIPv4(packet)
		d.frame(link.TypeIPv4, packet)
		synctest.Wait()
		if err := stopFirst(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%v, want ECONNREFUSED", err)
		}
		if err := stopSecond(); !errors.Is(err, context.Canceled) {
			t.Errorf("the other connection: %v", err)
		}
	})
}

// TestTCPChecksums: RFC 9293 §3.1, MUST-2 and MUST-3. All segments have good ones; one
// that is spoilt is dropped, and its bytes arrive by another.
func TestTCPChecksums(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spoilt := false
		judge := func(_ int, frame []byte) (v sim.Verdict) {
			eth, body, err := link.ParseEthernet(frame)
			if err != nil || eth.Type != link.TypeIPv4 {
				return v
			}
			ip, segment, err := internet.ParseIPv4(body)
			if err != nil || !tcp.Check(transport.PseudoSum4(ip.Src, ip.Dst, internet.TCP, len(segment)), segment) {
				t.Errorf("a bad segment is sent: %x, %v", segment, err)
			}
			if _, payload, err := tcp.Parse(segment); err == nil && len(payload) > 0 && !spoilt {
				spoilt = true
				v.Edit = bytes.Replace(frame, []byte("unspoilt"), []byte("Unspoilt"), 1)
			}
			return v
		}
		a, b := newPairOn(t, newCable(t, sim.Config{Judge: judge}))
		l := listenTCP(t, b, ":80")
		c, err := a.DialContext(t.Context(), "tcp", "10.0.0.2:80")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = c.Write([]byte("unspoilt"))
			c.Close()
		}()
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(peer)
		if err != nil || string(got) != "unspoilt" || !spoilt {
			t.Errorf("read %q, %v; spoilt: %v", got, err, spoilt)
		}
		peer.Close()
	})
}
