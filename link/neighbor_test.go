package link_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dialtone/link"
)

var (
	own    = link.MAC{2, 0, 0, 0, 0, 1}
	peer   = link.MAC{2, 0, 0, 0, 0, 2}
	other  = link.MAC{2, 0, 0, 0, 0, 3}
	all    = link.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	ownIP  = netip.MustParseAddr("10.0.0.1")
	peerIP = netip.MustParseAddr("10.0.0.2")
)

// street is a table with a sink that writes down what is to be done.
type street struct {
	*link.Neighbors
	now  time.Duration
	said []string
}

func newStreet() *street {
	s := &street{Neighbors: link.NewNeighbors(own)}
	s.Own(netip.PrefixFrom(ownIP, 24))
	return s
}

func (s *street) note(format string, args ...any) {
	s.said = append(s.said, fmt.Sprintf("%g ", s.now.Seconds())+fmt.Sprintf(format, args...))
}

func (s *street) ARP(dst link.MAC, p *link.ARP) {
	to := map[link.MAC]string{all: "all", peer: "peer", other: "other"}[dst]
	s.note("to %s: %v", to, p)
}

func (s *street) Resolved(ip netip.Addr, mac link.MAC, frames []*link.Frame) {
	s.note("%v is at %v: %s", ip, mac, texts(frames))
}

func (s *street) Unreachable(ip netip.Addr, frames []*link.Frame) {
	s.note("%v unreachable: %s", ip, texts(frames))
}

func (s *street) Dropped(ip netip.Addr, f *link.Frame) {
	s.note("%v dropped: %s", ip, texts([]*link.Frame{f}))
}
func (s *street) Conflict(ip netip.Addr, mac link.MAC) { s.note("%v is also at %v", ip, mac) }
func (s *street) Claimed(ip netip.Addr)                { s.note("%v is ours", ip) }

func texts(frames []*link.Frame) string {
	var list []string
	for _, f := range frames {
		list = append(list, string(f.Data))
		f.Free()
	}
	return strings.Join(list, " ")
}

// until lets time pass.
func (s *street) until(at time.Duration) {
	for s.Deadline() <= at {
		s.now = max(s.now, s.Deadline())
		s.Expire(s.now, s)
	}
	s.now = at
}

// packet resolves ip for a packet with that text.
func (s *street) packet(ip netip.Addr, text string) (link.MAC, bool) {
	f := link.NewFrame(len(text))
	copy(f.Data, text)
	mac, ok := s.Resolve(s.now, ip, f, s)
	if ok {
		f.Free()
	}
	return mac, ok
}

func (s *street) hear(dst link.MAC, op uint16, mac link.MAC, ip, target netip.Addr) {
	s.Input(s.now, dst, &link.ARP{Op: op, SenderMAC: mac, SenderIP: ip.As4(), TargetIP: target.As4()}, s)
}

func (s *street) state(ip netip.Addr) string {
	for _, n := range s.All(s.now) {
		if n.IP == ip {
			return n.State.String()
		}
	}
	return "unknown"
}

func (s *street) want(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.Join(s.said, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	s.said = nil
}

func (s *street) wantState(t *testing.T, ip netip.Addr, want string) {
	t.Helper()
	if got := s.state(ip); got != want {
		t.Errorf("at %v: %v is %s, want %s", s.now, ip, got, want)
	}
}

const question = "to all: who has 10.0.0.2? tell 10.0.0.1"

func TestNeighborIsAskedForAndPacketsWait(t *testing.T) {
	s := newStreet()
	s.packet(peerIP, "a")
	s.packet(peerIP, "b")
	s.want(t, "0 "+question)
	s.until(500 * time.Millisecond)
	s.hear(own, link.OpReply, peer, peerIP, ownIP)
	s.want(t, "0.5 10.0.0.2 is at 02:00:00:00:00:02: a b")
	s.wantState(t, peerIP, "REACHABLE")
	if mac, ok := s.packet(peerIP, "c"); mac != peer || !ok {
		t.Errorf("%v, %v", mac, ok)
	}
	if s.Deadline() != link.Never && s.Deadline() > 2*time.Second {
		t.Errorf("deadline %v", s.Deadline())
	}
}

func TestNeighborThatDoesNotAnswerIsUnreachable(t *testing.T) {
	s := newStreet()
	s.packet(peerIP, "a")
	s.until(time.Hour)
	s.want(t, "0 "+question, "1 "+question, "2 "+question, "3 10.0.0.2 unreachable: a")
	s.wantState(t, peerIP, "FAILED")
	s.packet(peerIP, "again")
	s.want(t, "3600 "+question)
	s.hear(own, link.OpReply, peer, peerIP, ownIP)
	s.want(t, "3600 10.0.0.2 is at 02:00:00:00:00:02: again")
}

func TestNeighborAges(t *testing.T) {
	s := newStreet()
	s.packet(peerIP, "a")
	s.hear(own, link.OpReply, peer, peerIP, ownIP)
	s.until(29 * time.Second)
	s.wantState(t, peerIP, "REACHABLE")
	s.until(30 * time.Second)
	s.wantState(t, peerIP, "STALE")
	s.said = nil
	if _, ok := s.packet(peerIP, "b"); !ok { // used all the same
		t.Error("a stale neighbour is not used")
	}
	s.wantState(t, peerIP, "DELAY")
	s.until(34 * time.Second)
	s.want(t)
	s.until(35 * time.Second)
	const probe = "to peer: who has 10.0.0.2? tell 10.0.0.1"
	s.want(t, "35 "+probe)
	s.wantState(t, peerIP, "PROBE")
	s.hear(own, link.OpReply, peer, peerIP, ownIP)
	s.wantState(t, peerIP, "REACHABLE")
	s.until(65 * time.Second)
	s.packet(peerIP, "c")
	s.until(time.Hour) // gone
	s.want(t, "70 "+probe, "71 "+probe, "72 "+probe)
	s.wantState(t, peerIP, "FAILED")
}

func TestNeighborConfirmedFromAboveIsNotAsked(t *testing.T) {
	s := newStreet()
	s.packet(peerIP, "a")
	s.hear(own, link.OpReply, peer, peerIP, ownIP)
	s.said = nil
	for s.now < 10*time.Minute {
		s.until(s.now + 20*time.Second)
		s.Confirm(s.now, peerIP)
		s.packet(peerIP, "b")
	}
	s.want(t)
	s.Confirm(s.now, netip.MustParseAddr("10.0.0.99")) // nobody
}

func TestNeighborIsLearntFromHisQuestion(t *testing.T) {
	s := newStreet()
	s.hear(all, link.OpRequest, peer, peerIP, ownIP)
	s.want(t, "0 to peer: 10.0.0.1 is at 02:00:00:00:00:01")
	s.wantState(t, peerIP, "STALE")
	s.hear(all, link.OpRequest, other, netip.MustParseAddr("10.0.0.3"), peerIP) // not for us
	s.hear(own, link.OpReply, other, netip.MustParseAddr("10.0.0.3"), ownIP)    // nobody asked
	s.want(t)
	s.wantState(t, netip.MustParseAddr("10.0.0.3"), "unknown")
}

func TestNeighborAnnouncesThatItMoved(t *testing.T) {
	s := newStreet()
	s.packet(peerIP, "a")
	s.hear(own, link.OpReply, peer, peerIP, ownIP)
	s.hear(own, link.OpReply, other, peerIP, ownIP) // within a second: the first is believed
	if mac, _ := s.packet(peerIP, "b"); mac != peer {
		t.Errorf("a second answer won: %v", mac)
	}
	s.hear(all, link.OpRequest, other, peerIP, peerIP)
	if mac, _ := s.packet(peerIP, "c"); mac != other {
		t.Errorf("the announcement was not heard: %v", mac)
	}
	s.wantState(t, peerIP, "DELAY")
}

func TestNeighborNonsenseIsIgnored(t *testing.T) {
	s := newStreet()
	s.packet(peerIP, "a")
	s.said = nil
	for _, mac := range []link.MAC{own, all, {}, {1, 0, 0x5e, 0, 0, 1}} {
		s.hear(own, link.OpReply, mac, peerIP, ownIP)
		s.hear(all, link.OpRequest, mac, peerIP, ownIP)
	}
	for _, ip := range []string{"127.0.0.1", "224.0.0.1", "255.255.255.255"} {
		s.hear(all, link.OpRequest, peer, netip.MustParseAddr(ip), ownIP)
	}
	s.hear(own, link.OpReverseReply, peer, peerIP, ownIP)
	s.want(t)
	s.wantState(t, peerIP, "INCOMPLETE")
	if n := len(s.All(s.now)); n != 1 {
		t.Errorf("%d neighbours", n)
	}
}

func TestNeighborQueueDropsTheOldest(t *testing.T) {
	s := newStreet()
	for i := range 103 {
		s.packet(peerIP, fmt.Sprint(i))
	}
	s.want(t, "0 "+question, "0 10.0.0.2 dropped: 0", "0 10.0.0.2 dropped: 1")
	s.hear(own, link.OpReply, peer, peerIP, ownIP)
	if got := strings.Fields(s.said[0]); got[5] != "2" || got[len(got)-1] != "102" {
		t.Errorf("%s", s.said[0])
	}
}

func TestNeighborTableIsBounded(t *testing.T) {
	s := newStreet()
	s.packet(peerIP, "a")
	s.hear(own, link.OpReply, peer, peerIP, ownIP)
	fixed := netip.MustParseAddr("10.0.0.200")
	s.Set(0, fixed, other, s)
	for i := range 5000 { // strangers
		s.now += time.Millisecond
		s.hear(all, link.OpRequest, other, netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), ownIP)
	}
	if n := len(s.All(s.now)); n != 1024 {
		t.Errorf("%d neighbours, want 1024", n)
	}
	s.wantState(t, peerIP, "REACHABLE") // drove out one another
	s.wantState(t, fixed, "PERMANENT")
	s.said = nil
	for i := range 5000 { // whom we look for ourselves
		s.packet(netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)}), "x")
	}
	waiting := 0
	for _, line := range s.said {
		if strings.Contains(line, "to all") {
			waiting++
		} else {
			waiting--
		}
	}
	if n := len(s.All(s.now)); n != 1024 || waiting > 1024 {
		t.Errorf("%d neighbours, %d packets wait, want 1024 of each at most", n, waiting)
	}
	s.until(s.now + time.Hour)
	s.packet(ownIP.Next().Next(), "y")
	if n := len(s.All(s.now)); n > 3 {
		t.Errorf("%d neighbours are left of those who were not used", n)
	}
}

func TestNeighborSetAndForget(t *testing.T) {
	s := newStreet()
	s.packet(peerIP, "a")
	s.Set(0, peerIP, peer, s)
	s.want(t, "0 "+question, "0 10.0.0.2 is at 02:00:00:00:00:02: a")
	s.hear(own, link.OpReply, other, peerIP, ownIP)
	s.until(time.Hour)
	if mac, ok := s.packet(peerIP, "b"); mac != peer || !ok {
		t.Errorf("%v, %v", mac, ok)
	}
	s.Forget(peerIP, s)
	s.packet(peerIP, "c")
	s.Close(s)
	s.want(t, "3600 "+question, "3600 10.0.0.2 unreachable: c")
	if s.Deadline() != link.Never {
		t.Error("closed and still busy")
	}
}

func TestQuestionComesFromTheAddressInTheSameNet(t *testing.T) {
	s := newStreet()
	s.Own(netip.MustParsePrefix("192.168.7.1/24"))
	s.packet(netip.MustParseAddr("192.168.7.9"), "a")
	s.packet(netip.MustParseAddr("172.16.0.1"), "b")
	s.want(t, "0 to all: who has 192.168.7.9? tell 192.168.7.1", "0 to all: who has 172.16.0.1? tell 10.0.0.1")
}

func TestAnnounceIsSaidTwice(t *testing.T) {
	s := newStreet()
	s.Announce(0, ownIP, s)
	s.until(time.Hour)
	const announcement = "to all: 10.0.0.1 is at 02:00:00:00:00:01, told to all"
	s.want(t, "0 "+announcement, "2 "+announcement)
}

func TestConflictIsDefendedNowAndThen(t *testing.T) {
	s := newStreet()
	for range 25 { // one a second
		s.hear(all, link.OpRequest, other, ownIP, peerIP)
		s.now += time.Second
	}
	defended := 0
	for _, line := range s.said {
		if strings.Contains(line, "told to all") {
			defended++
		} else if !strings.Contains(line, "10.0.0.1 is also at 02:00:00:00:00:03") {
			t.Error(line)
		}
	}
	if defended != 3 || len(s.said) != 28 {
		t.Errorf("defended %d times, want 3:\n%s", defended, strings.Join(s.said, "\n"))
	}
}

func TestProbeClaimsAnAddressNobodyHas(t *testing.T) {
	s := newStreet()
	wanted := netip.MustParseAddr("10.0.0.7")
	s.Probe(0, netip.PrefixFrom(wanted, 24))
	s.hear(all, link.OpRequest, peer, peerIP, wanted) // not ours yet: no answer
	if s.Owns(wanted) {
		t.Error("ours before anyone could object")
	}
	s.until(time.Minute)
	var what []string
	for _, line := range s.said {
		_, text, _ := strings.Cut(line, " ")
		what = append(what, text)
	}
	const probe, announcement = "to all: is anyone 10.0.0.7? asks 02:00:00:00:00:01", "to all: 10.0.0.7 is at 02:00:00:00:00:01, told to all"
	want := []string{probe, probe, probe, "10.0.0.7 is ours", announcement, announcement}
	if strings.Join(what, "\n") != strings.Join(want, "\n") || !s.Owns(wanted) {
		t.Errorf("%s", strings.Join(s.said, "\n"))
	}
}

func TestProbeFindsWhoHasTheAddress(t *testing.T) {
	wanted := netip.MustParseAddr("10.0.0.7")
	for name, hear := range map[string]func(s *street){
		"its owner":     func(s *street) { s.hear(own, link.OpReply, other, wanted, netip.IPv4Unspecified()) },
		"another probe": func(s *street) { s.hear(all, link.OpRequest, other, netip.IPv4Unspecified(), wanted) },
	} {
		s := newStreet()
		s.Probe(0, netip.PrefixFrom(wanted, 24))
		s.until(1500 * time.Millisecond)
		s.said = nil
		hear(s)
		s.until(time.Minute)
		if len(s.said) != 1 || !strings.Contains(s.said[0], "10.0.0.7 is also at 02:00:00:00:00:03") || s.Owns(wanted) {
			t.Errorf("%s: %s", name, strings.Join(s.said, "\n"))
		}
	}
}

func TestProbeOfOthersIsAnswered(t *testing.T) {
	s := newStreet()
	s.hear(all, link.OpRequest, peer, netip.IPv4Unspecified(), ownIP)
	s.want(t, "0 to peer: 10.0.0.1 is at 02:00:00:00:00:01")
	if len(s.All(0)) != 0 {
		t.Error("who has no address was learnt")
	}
}

// TestNeighborsKeepEveryFrameOnce does anything in any order: every frame comes back
// exactly once or waits, the table stays bounded, and no deadline is in the past.
func TestNeighborsKeepEveryFrameOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStreet()
		c := &counter{street: s}
		given := 0
		ip := rapid.Custom(func(t *rapid.T) netip.Addr {
			return netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 9).Draw(t, "ip"))})
		})
		mac := rapid.Custom(func(t *rapid.T) link.MAC { return link.MAC{2, 0, 0, 0, 0, byte(rapid.IntRange(0, 4).Draw(t, "mac"))} })
		t.Repeat(map[string]func(*rapid.T){
			"resolve": func(t *rapid.T) {
				f := link.NewFrame(10)
				given++
				if _, ok := s.Resolve(s.now, ip.Draw(t, "ip"), f, c); ok {
					given--
					f.Free()
				}
			},
			"hear": func(t *rapid.T) {
				p := link.ARP{Op: rapid.Uint16Range(0, 5).Draw(t, "op"), SenderMAC: mac.Draw(t, "sender"), SenderIP: ip.Draw(t, "ip").As4(), TargetIP: ip.Draw(t, "target").As4()}
				s.Input(s.now, mac.Draw(t, "dst"), &p, c)
			},
			"wait": func(t *rapid.T) {
				s.now += time.Duration(rapid.IntRange(0, 40_000).Draw(t, "ms")) * time.Millisecond
				s.Expire(s.now, c)
			},
			"confirm": func(t *rapid.T) { s.Confirm(s.now, ip.Draw(t, "ip")) },
			"forget":  func(t *rapid.T) { s.Forget(ip.Draw(t, "ip"), c) },
			"set":     func(t *rapid.T) { s.Set(s.now, ip.Draw(t, "ip"), mac.Draw(t, "mac"), c) },
			"probe":   func(t *rapid.T) { s.Probe(s.now, netip.PrefixFrom(ip.Draw(t, "ip"), 24)) },
			"": func(t *rapid.T) {
				s.Expire(s.now, c)
				if s.Deadline() <= s.now {
					t.Fatalf("deadline %v at %v", s.Deadline(), s.now)
				}
			},
		})
		s.Close(c)
		if c.back != given {
			t.Fatalf("%d frames given, %d came back", given, c.back)
		}
	})
}

// counter counts frames that come back.
type counter struct {
	*street
	back int
}

func (c *counter) Resolved(_ netip.Addr, _ link.MAC, frames []*link.Frame) { c.take(frames) }
func (c *counter) Unreachable(_ netip.Addr, frames []*link.Frame)          { c.take(frames) }
func (c *counter) Dropped(_ netip.Addr, f *link.Frame)                     { c.take([]*link.Frame{f}) }

func (c *counter) take(frames []*link.Frame) {
	c.back += len(frames)
	link.FreeAll(frames)
}

func TestNeighborsAllocateNothing(t *testing.T) {
	s := newStreet()
	s.packet(peerIP, "a")
	s.hear(own, link.OpReply, peer, peerIP, ownIP)
	noAllocations(t, "resolve", func() {
		s.Resolve(s.now, peerIP, nil, s)
		s.Confirm(s.now, peerIP)
	})
}

func BenchmarkResolve(b *testing.B) {
	s := newStreet()
	s.packet(peerIP, "a")
	s.hear(own, link.OpReply, peer, peerIP, ownIP)
	for b.Loop() {
		s.Resolve(s.now, peerIP, nil, s)
	}
}
