package live

import (
	"slices"
	"time"

	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// store is what a View knows. It has no lock and no clock.
type store struct {
	filter  *sockets.Filter
	linger  time.Duration
	entries map[uint64]*entry
	order   []*entry // as first seen; those dropped since are among them
	dropped int      // of order
	closing []*entry // that linger, in the order in which they closed
	users   map[uint32]string

	at      time.Time // of the last look
	looks   uint64
	omitted int
	closed  uint64
	moves   Moves
	source  Source
}

// entry is one socket.
type entry struct {
	id      uint64
	row     *Row // nil until somebody wants to see it
	stale   bool // row is older than the last transition, or not there
	first   time.Time
	history []sockets.Transition
	earlier int       // transitions that history had no room for
	closed  time.Time // zero: it is there
	last    time.Time // when it was last seen, or told of
	look    uint64    // the last that saw it
	kept    bool      // entries has it
}

func newStore(c Config) store {
	return store{filter: c.Filter, linger: c.Linger, entries: map[uint64]*entry{}, users: map[uint32]string{}}
}

// silence is how long a connection stays of which neither the table nor a transition tells.
// A look may pass it over; but it may be one of another namespace, too.
const silence = time.Minute

// tell takes a transition.
func (s *store) tell(t *sockets.Transition) {
	s.moves[t.From][t.To]++
	over := t.To == sockets.State(tcp.Closed)
	if over {
		s.closed++
	}
	e := s.entries[t.ID]
	if e == nil {
		if e = s.add(t.ID, t.At); e == nil {
			return
		}
	}
	if len(e.history) == MaxHistory {
		e.history = slices.Delete(e.history, 0, 1)
		e.earlier++
	}
	e.history = append(e.history, *t)
	e.stale, e.closed, e.last = true, time.Time{}, t.At
	if over {
		s.close(e, t.At)
	}
}

// add makes room for a new socket, or returns nil.
func (s *store) add(id uint64, now time.Time) *entry {
	if len(s.entries) >= MaxRows {
		s.omitted++
		return nil
	}
	e := &entry{id: id, first: now, stale: true, look: s.looks, kept: true}
	s.entries[id] = e
	s.order = append(s.order, e)
	return e
}

// close lets e linger.
func (s *store) close(e *entry, now time.Time) {
	e.closed, e.stale = now, true
	s.closing = append(s.closing, e)
	if len(s.closing) > MaxLingering || s.linger < 0 {
		s.expire()
	}
}

// expire drops the one that has lingered longest, unless it came back.
func (s *store) expire() {
	if e := s.closing[0]; !e.closed.IsZero() {
		s.drop(e)
	}
	s.closing[0] = nil
	s.closing = s.closing[1:]
}

func (s *store) drop(e *entry) {
	if !e.kept {
		return
	}
	delete(s.entries, e.id)
	e.kept = false
	if s.dropped++; s.dropped > 1024 && 2*s.dropped > len(s.order) {
		s.tidy()
	}
}

// tidy takes those out of order that were dropped.
func (s *store) tidy() {
	if s.dropped > 0 {
		s.order = slices.DeleteFunc(s.order, func(e *entry) bool { return !e.kept })
		s.dropped = 0
	}
}

// looked takes a look at the table.
func (s *store) looked(now time.Time, rows []*sockets.Socket) {
	s.at, s.omitted = now, 0
	s.looks++
	copies := newCopier(rows)
	for _, row := range rows {
		if row.Watched.ID != 0 { // or it is gone already
			s.see(now, row, copies)
		}
	}
	for _, e := range s.order {
		if e.kept && e.look != s.looks {
			s.unseen(now, e)
		}
	}
	for len(s.closing) > 0 && now.Sub(s.closing[0].closed) >= s.linger {
		s.expire()
	}
	s.tidy()
}

// see takes a row of the table.
func (s *store) see(now time.Time, row *sockets.Socket, copies *copier) {
	e := s.entries[row.Watched.ID]
	if !s.filter.Match(row) {
		if e != nil && e.closed.IsZero() {
			s.drop(e)
		}
		return
	}
	if e == nil {
		if e = s.add(row.Watched.ID, now); e == nil {
			return
		}
	}
	s.users[row.UID] = row.User
	e.look = s.looks
	if e.last.Before(now) {
		e.last = now
	}
	if e.newer(now) {
		return // the row was read before its last transition
	}
	e.closed = time.Time{}
	e.row = copies.row(row)
	e.row.First = e.first
	e.row.Findings = findings(&e.row.Socket)
	e.stale = false
}

// newer reports whether e has had a transition since a time.
func (e *entry) newer(at time.Time) bool {
	return len(e.history) > 0 && e.history[len(e.history)-1].At.After(at)
}

func findings(row *sockets.Socket) []sockets.Finding {
	age, _ := row.Age()
	return sockets.Diagnose(row, age)
}

// unseen takes a socket that the table had not. Of connections, transitions tell when they
// are gone.
func (s *store) unseen(now time.Time, e *entry) {
	switch {
	case !e.closed.IsZero():
		e.stale = true // it has become older
	case e.row != nil && !e.row.transient():
		s.close(e, now)
	case now.Sub(e.last) >= silence:
		s.drop(e)
		return
	}
	if e.row != nil && !e.stale {
		e.row = alone(e.row) // not with all others of an old look
	}
}

// snapshot makes one.
func (s *store) snapshot() *Snapshot {
	s.tidy()
	list := make([]*Row, len(s.order))
	for i, e := range s.order {
		list[i] = e.seen(s)
	}
	return &Snapshot{At: s.at, Rows: list, Omitted: s.omitted, Closed: s.closed, Moves: s.moves, Source: s.source}
}
