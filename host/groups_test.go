package host

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/link/sim"
)

// A lan is hosts on a switch, 10.0.0.1 and so on, and what they sent of IGMP.
type lan struct {
	hosts []*Host
	mu    sync.Mutex
	igmp  []string
}

func newLAN(t testing.TB, n int) *lan {
	t.Helper()
	l := &lan{}
	s := sim.NewSwitch()
	t.Cleanup(func() { s.Close() })
	for i := range n {
		c := s.Cable(sim.Config{TapA: l.tap})
		address := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 24)
		l.hosts = append(l.hosts, newHost(t, string(rune('a'+i)), Attach(c.A(), address.String())))
	}
	return l
}

func (l *lan) tap(_ time.Time, sent bool, frame []byte) {
	h, m, err := internet.ParseIPv4(frame[link.EthernetLen:])
	if !sent || err != nil || h.Protocol != internet.IGMP {
		return
	}
	g, _, err := internet.ParseIGMP(m)
	text := netip.AddrFrom4(h.Src).String() + ": " + g.Name()
	option, _, _ := internet.IPv4Options(h.Options).Next()
	if err != nil || h.TTL != 1 || option.Kind != internet.RouterAlertV4 || !internet.CheckIGMP(m) {
		text += ", wrong"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.igmp = append(l.igmp, text)
}

// said returns what was sent of IGMP since it was asked last.
func (l *lan) said() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	said := l.igmp
	l.igmp = nil
	return said
}

// reads returns the datagrams that a socket has, as text.
func reads(t *testing.T, c net.PacketConn) (list []string) {
	t.Helper()
	synctest.Wait()
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	for buffer := make([]byte, 2000); ; {
		n, _, err := c.ReadFrom(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(buffer[:n]))
	}
}

func TestMulticast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN(t, 4)
		var members []*UDPConn
		for _, h := range l.hosts[:2] {
			c, err := h.ListenMulticast(t.Context(), "udp4", "239.1.2.3:5000")
			if err != nil {
				t.Fatal(err)
			}
			members = append(members, c)
		}
		again, err := l.hosts[0].ListenMulticast(t.Context(), "udp4", "239.1.2.3:5000")
		if err != nil {
			t.Fatal(err)
		}
		stranger, err := l.hosts[2].ListenPacket(t.Context(), "udp4", ":5000")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		want := []string{"10.0.0.1: membership report v3", "10.0.0.1: membership report v3", "10.0.0.2: membership report v3", "10.0.0.2: membership report v3"}
		got := l.said()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("on joining: %q", got)
		}
		sender, err := l.hosts[0].ListenPacket(t.Context(), "udp4", ":0")
		if err != nil {
			t.Fatal(err)
		}
		group := &net.UDPAddr{IP: net.IPv4(239, 1, 2, 3), Port: 5000}
		if _, err := sender.WriteTo([]byte("to all of you"), group); err != nil {
			t.Fatal(err)
		}
		sender.(*UDPConn).SetMulticastLoopback(false)
		sender.WriteTo([]byte("to the others"), group)
		for i, want := range [][]string{{"to all of you"}, {"to all of you", "to the others"}} {
			if got := reads(t, members[i]); !slices.Equal(got, want) {
				t.Errorf("member %d got %q", i, got)
			}
		}
		if got := reads(t, again); !slices.Equal(got, []string{"to all of you"}) {
			t.Errorf("the other socket of the port got %q", got)
		}
		if got := reads(t, stranger); got != nil {
			t.Errorf("a stranger got %q", got)
		}
		members[0].Close()
		time.Sleep(10 * time.Second)
		if got := l.said(); got != nil {
			t.Errorf("one of two sockets left: %q", got)
		}
		again.Close()
		members[1].LeaveGroup(group.AddrPort().Addr().Unmap(), netip.Addr{})
		time.Sleep(10 * time.Second)
		if got := l.said(); len(got) != 4 {
			t.Errorf("on leaving: %q", got)
		}
		sender.WriteTo([]byte("nobody"), group)
		if got := reads(t, members[1]); got != nil {
			t.Errorf("after leaving: %q", got)
		}
	})
}

func TestMulticastHops(t *testing.T) {
	s := newRaw(t)
	c, err := s.host.ListenPacket(t.Context(), "udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	group := &net.UDPAddr{IP: net.IPv4(239, 1, 2, 3), Port: 5000}
	c.WriteTo(nil, group)
	c.(*UDPConn).SetMulticastTTL(7)
	c.WriteTo(nil, group)
	c.(*UDPConn).SetTTL(9)
	c.WriteTo(nil, &net.UDPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 5000})
	var hops []uint8
	for _, packet := range s.got {
		h, _, _ := internet.ParseIPv4(packet)
		hops = append(hops, h.TTL)
	}
	if !slices.Equal(hops, []uint8{1, 7, 9}) {
		t.Errorf("hops %v", hops)
	}
}

func TestBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN(t, 3)
		var sockets []net.PacketConn
		for i, h := range l.hosts {
			address := []string{":5000", "10.0.0.255:5000", "10.0.0.3:5000"}[i]
			c, err := h.ListenPacket(t.Context(), "udp4", address)
			if err != nil {
				t.Fatal(err)
			}
			sockets = append(sockets, c)
		}
		for _, ip := range []net.IP{net.IPv4bcast, net.IPv4(10, 0, 0, 255)} {
			if _, err := sockets[0].WriteTo([]byte(ip.String()), &net.UDPAddr{IP: ip, Port: 5000}); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range [][]string{{"255.255.255.255", "10.0.0.255"}, {"10.0.0.255"}, nil} {
			if got := reads(t, sockets[i]); !slices.Equal(got, want) {
				t.Errorf("host %d got %q", i, got)
			}
		}
	})
}
