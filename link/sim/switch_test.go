package sim_test

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link"
	"dialtone/link/sim"
)

// hall is a switch with stations numbered from 0, whose last MAC byte that is.
type hall struct {
	ports   []link.Port
	inboxes []*inbox
}

func newHall(s *sim.Switch, stations int) *hall {
	h := new(hall)
	for range stations {
		p := s.Cable(sim.Config{}).A()
		h.ports = append(h.ports, p)
		h.inboxes = append(h.inboxes, receive(p))
	}
	return h
}

func station(n int) link.MAC { return link.MAC{2, 0, 0, 0, 0, byte(n)} }

func (h *hall) say(from int, to link.MAC, text string) {
	h.ports[from].Send([]*link.Frame{frame(to, station(from), 60, text)})
}

func (h *hall) want(t *testing.T, want ...string) {
	t.Helper()
	for i, in := range h.inboxes {
		if got := in.String(); got != want[i] {
			t.Errorf("station %d got %q, want %q", i, got, want[i])
		}
	}
}

var everyone = link.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func TestSwitchLearns(t *testing.T) {
	s := sim.NewSwitch()
	defer s.Close()
	h := newHall(s, 3)
	h.say(0, station(1), "where?") // not heard of yet: to all
	h.say(1, station(0), "here")
	h.say(0, station(1), "well")
	h.say(2, everyone, "all")
	h.say(2, link.MAC{1, 0, 0x5e, 0, 0, 1}, "group")
	h.want(t, "here all group", "where? well all group", "where?")
	if got := s.Stations(); got != 3 {
		t.Errorf("%d stations known, want 3", got)
	}
}

func TestSwitchFollowsWhoMoves(t *testing.T) {
	s := sim.NewSwitch()
	defer s.Close()
	h := newHall(s, 3)
	h.say(1, station(0), "1")
	h.ports[2].Send([]*link.Frame{frame(everyone, station(1), 60, "moved")})
	h.say(0, station(1), "there")
	h.want(t, "1 moved", "moved", "1 there")
}

func TestSwitchForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.NewSwitch()
		defer s.Close()
		h := newHall(s, 3)
		h.say(1, everyone, "x")
		time.Sleep(299 * time.Second)
		h.say(0, station(1), "known")
		time.Sleep(time.Second)
		h.say(0, station(1), "forgotten")
		h.want(t, "x", "known forgotten", "x forgotten")
	})
}

func TestSwitchTableIsBounded(t *testing.T) {
	s := sim.NewSwitch()
	defer s.Close()
	h := newHall(s, 2)
	h.say(0, everyone, "first")
	for i := range 10_000 {
		src := link.MAC{2, 1}
		binary.BigEndian.PutUint32(src[2:], uint32(i))
		h.ports[1].Send([]*link.Frame{frame(everyone, src, 60, "")})
	}
	if got := s.Stations(); got != 4096 {
		t.Errorf("%d stations known, want 4096", got)
	}
}

func TestSwitchKeepsWhatIsThereAlready(t *testing.T) {
	left, right := sim.NewHub(), sim.NewSwitch()
	defer left.Close()
	defer right.Close()
	h := newHall(left, 2) // both behind one port of the switch
	far := newHall(right, 1)
	trunk := sim.NewCable(sim.Config{})
	defer trunk.Close()
	left.Plug(trunk.A())
	right.Plug(trunk.B())
	h.say(0, everyone, "0")
	h.say(1, station(0), "1") // the hub sends it to the switch, which drops it
	far.want(t, "0")
	h.want(t, "1", "0")
}

func TestHubRepeatsEverything(t *testing.T) {
	s := sim.NewHub()
	defer s.Close()
	h := newHall(s, 3)
	h.say(0, station(1), "a")
	h.say(1, station(0), "b")
	h.want(t, "b", "a", "a b")
	s.Plug(sim.NewCable(sim.Config{}).B())
	h.ports[0].Send([]*link.Frame{link.NewFrame(3)}) // not a frame
	h.want(t, "b", "a", "a b")
}
