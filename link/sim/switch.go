package sim

import (
	"sync"
	"time"

	"dialtone/link"
)

// Switch joins any number of stations: it learns from the frames that it gets where
// who is, and sends each frame there; frames to groups, and to stations that have not
// been heard of, to everyone but the sender. It has no delay and no spanning tree:
// where switches are joined in a ring, frames go round for ever.
type Switch struct {
	net     *Net
	learns  bool
	mu      sync.Mutex
	plugs   []*plug
	cables  []*Cable
	table   map[link.MAC]station
	cleared time.Duration
}

// NewSwitch returns a switch in a net of its own.
func NewSwitch() *Switch { return NewNet().NewSwitch() }

// NewSwitch returns a switch whose cables repeat together with the net's others.
func (n *Net) NewSwitch() *Switch {
	return &Switch{net: n, learns: true, table: map[link.MAC]station{}}
}

// NewHub returns a switch that learns nothing: every frame goes to everyone else.
func NewHub() *Switch { return NewNet().NewHub() }

// NewHub returns a hub whose cables repeat together with the net's others.
func (n *Net) NewHub() *Switch { return &Switch{net: n} }

// station is who was heard of.
type station struct {
	plug *plug
	seen time.Duration
}

// What a table holds, and for how long (IEEE 802.1D §7.9.2).
const (
	mostStations = 4096
	ageing       = 300 * time.Second
)

// Stations returns how many stations the switch knows.
func (s *Switch) Stations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.table)
}

// learn remembers where a station is. When the table is full, who is new is not
// learnt, so that a flood of strangers drives out nobody.
func (s *Switch) learn(now time.Duration, mac link.MAC, at *plug) {
	if mac.IsMulticast() {
		return
	}
	if _, known := s.table[mac]; !known && len(s.table) >= mostStations {
		s.clear(now)
		if len(s.table) >= mostStations {
			return
		}
	}
	s.table[mac] = station{at, now}
}

// clear forgets who is too old; it looks once a second at most.
func (s *Switch) clear(now time.Duration) {
	if now-s.cleared < time.Second {
		return
	}
	s.cleared = now
	for mac, old := range s.table {
		if now-old.seen >= ageing {
			delete(s.table, mac)
		}
	}
}

// find returns where a frame to mac is to go; nil: to all.
func (s *Switch) find(now time.Duration, mac link.MAC) *plug {
	if known, ok := s.table[mac]; ok && now-known.seen < ageing {
		return known.plug
	}
	return nil
}
