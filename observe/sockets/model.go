package sockets

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"dialtone/transport/tcp"
)

// Model puts together what looking at the table and what a source of events tell of TCP
// connections, so that every change of every end is told once and in order:
//
//   - An event may come before the socket has its addresses (SYN_SENT before a port is
//     chosen): its transition waits for them, and those behind it.
//   - The kernel drops a socket that begins TIME_WAIT, or waits for the peer's FIN when no
//     process has it any more, and keeps a small record of it. The event says CLOSED; the
//     record says what it is in truth.
//   - A half-open request is no socket yet, and makes no events until it is accepted.
//   - A look takes time: what it found may be over, and told, when its rows are taken, and
//     what it did not find may have become something else, of which the events come next.
//
// It is a value: it has no clock and asks nobody.
type Model struct {
	// Tell is called with each transition, in order for each connection.
	Tell func(Transition)
	// Find looks one connection up in the table as it is now; the zero State is not there.
	Find func(local, remote netip.AddrPort) State
	// Exact says that events come of every change of a socket, so that a look at the table
	// has to tell only what is no socket.
	Exact bool

	all      map[*Connection]bool
	byHandle map[uint64]*Connection
	byCookie map[uint64]*Connection
	byEnds   map[ends]*Connection
	nameless map[*Connection]bool // that have neither cookie nor both ends
	ended    map[uint64]bool      // since the last look: cookies
	endedAt  map[ends]bool
	looked   bool // there was a look at the table
	unnamed  uint64
}

// ownIDs are the connections' whose cookies came too late. Cookies are counted up from 1.
const ownIDs = 1 << 52

// ends are the addresses of a connection as they are on the wire.
type ends struct{ local, remote netip.AddrPort }

// Connection is one end of a TCP connection.
type Connection struct {
	Socket // as it was when the table was last looked at, without its figures

	ID    uint64    // as Watched.ID
	Since time.Time // when it came into its state
	Known bool      // Since is known; else it is when the connection was first seen

	handle  uint64
	at      ends         // in byEnds; zero: it is not there
	listed  bool         // it was in the table once
	missed  time.Time    // the first look in a row that did not find it
	seen    time.Time    // when it was last in the table, or had an event
	waiting []Transition // for its addresses
}

// NewModel returns a model that knows nothing.
func NewModel(tell func(Transition), find func(local, remote netip.AddrPort) State, exact bool) *Model {
	return &Model{
		Tell: tell, Find: find, Exact: exact,
		all: map[*Connection]bool{}, nameless: map[*Connection]bool{},
		byHandle: map[uint64]*Connection{}, byCookie: map[uint64]*Connection{}, byEnds: map[ends]*Connection{},
		ended: map[uint64]bool{}, endedAt: map[ends]bool{},
	}
}

// Connections returns all there are, in no order. They are good until the model is told
// more.
func (m *Model) Connections() []*Connection {
	return slices.Collect(maps.Keys(m.all))
}

// name gives c its ID.
func (m *Model) name(c *Connection) uint64 {
	if c.ID == 0 {
		c.ID = c.Cookie
	}
	if c.ID == 0 {
		m.unnamed++
		c.ID = ownIDs | m.unnamed
	}
	return c.ID
}

// mark notes in a row what is known of its connection. A state that no event has told
// of yet has no age.
func (m *Model) mark(s *Socket, c *Connection, began time.Time) {
	s.Watched = Watched{ID: m.name(c)}
	if s.State == c.State {
		s.Watched.Age, s.Watched.Exact = max(0, began.Sub(c.Since)), c.Known
	}
}

// event takes what a source reports.
func (m *Model) event(e *event) {
	c := m.find(e)
	if c != nil && c.State == State(tcp.TimeWait) && e.From != c.State && !e.gone {
		if c.handle == e.handle {
			m.keep(c, c.State, e.Transition) // the table showed before what this is about
			return
		}
		m.gone(e.At, c) // its ports are used again
		c = nil
	}
	if c == nil {
		if e.gone {
			return // nobody knew it
		}
		c = &Connection{Socket: Socket{Network: "tcp", State: e.From, UID: e.UID}}
	}
	m.learn(c, e)
	t := e.Transition
	if e.gone {
		t.From = c.State
		if t.From == State(tcp.Closed) {
			return
		}
	}
	if t.From == State(tcp.Listen) && t.To == State(tcp.SynReceived) && c.State == t.To {
		return // the request was in the table already
	}
	c.seen, c.missed = e.At, time.Time{}
	if t.To == State(tcp.Closed) && (!m.Exact || mayRemain(t.From)) && c.ends().whole() {
		if kept := m.Find(c.Local, c.Remote); kept != 0 {
			m.keep(c, kept, t)
			return
		}
	}
	m.change(c, t)
}

// mayRemain reports whether the kernel may keep a record of a socket that it drops in
// this state.
func mayRemain(s State) bool { return s == State(tcp.FinWait2) || s == State(tcp.Closing) }

// keep goes on with the record of a socket that is no more.
func (m *Model) keep(c *Connection, kept State, t Transition) {
	delete(m.byHandle, c.handle)
	c.handle = 0
	c.Inode = 0
	if kept != t.From && kept != c.State {
		t.To = kept
		m.change(c, t)
	}
}

// find returns the connection that an event is of, or nil for a new one.
func (m *Model) find(e *event) *Connection {
	c := m.candidate(e)
	if c != nil && c.Cookie != 0 && e.Cookie != 0 && c.Cookie != e.Cookie {
		m.gone(e.At, c) // nobody told of its end
		return nil
	}
	return c
}

func (m *Model) candidate(e *event) *Connection {
	if c := m.byHandle[e.handle]; c != nil && e.handle != 0 {
		return c
	}
	if c := m.byCookie[e.Cookie]; c != nil && e.Cookie != 0 {
		return c
	}
	if of := wire(e.Local, e.Remote); of.whole() {
		return m.byEnds[of]
	}
	if e.Cookie == 0 && (e.From == State(tcp.Listen) || e.To == State(tcp.Listen)) {
		for _, c := range m.byCookie { // that a look has found: there are few such events
			if c.handle == 0 && c.State == State(tcp.Listen) && c.Local == e.Local {
				return c
			}
		}
	}
	return nil
}

// wire returns addresses as they are on the wire.
func wire(local, remote netip.AddrPort) ends {
	plain := func(a netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
	}
	return ends{plain(local), plain(remote)}
}

// whole reports whether both ends are known.
func (e ends) whole() bool { return e.local.Port() != 0 && e.remote.Port() != 0 }

func (c *Connection) ends() ends { return wire(c.Local, c.Remote) }

// complete reports whether c has the addresses that its state asks for.
func (c *Connection) complete() bool {
	return c.Local.Port() != 0 && (c.State == State(tcp.Listen) || c.Remote.IsValid())
}

// learn notes what an event says of its socket. The kernel takes a socket's ports away
// before it says that it is gone: what is known stays.
func (m *Model) learn(c *Connection, e *event) {
	if e.Local.Port() != 0 || !c.Local.IsValid() {
		c.Local = e.Local
	}
	if e.Remote.Port() != 0 || !c.Remote.IsValid() {
		c.Remote = e.Remote
	}
	c.Cookie = cmp.Or(e.Cookie, c.Cookie)
	if e.handle != 0 {
		c.handle = e.handle
	}
	m.index(c)
}

func (m *Model) index(c *Connection) {
	if e := c.ends(); e.whole() {
		if row := m.byEnds[e]; row != nil && row != c && c.Cookie == 0 && row.State != State(tcp.TimeWait) {
			c.Cookie = row.Cookie // the table had it before its first event was read
			c.ID = cmp.Or(c.ID, row.ID)
			delete(m.all, row)
		}
		m.leave(c)
		m.byEnds[e], c.at = c, e
	}
	m.all[c] = true
	if c.handle != 0 {
		m.byHandle[c.handle] = c
	}
	if c.Cookie != 0 {
		m.byCookie[c.Cookie] = c
	}
	if c.Cookie == 0 && !c.ends().whole() {
		m.nameless[c] = true
	} else {
		delete(m.nameless, c)
	}
}

func (m *Model) forget(c *Connection) {
	delete(m.all, c)
	delete(m.nameless, c)
	if m.byHandle[c.handle] == c {
		delete(m.byHandle, c.handle)
	}
	if m.byCookie[c.Cookie] == c {
		delete(m.byCookie, c.Cookie)
	}
	m.leave(c)
}

// leave takes c out of byEnds.
func (m *Model) leave(c *Connection) {
	if m.byEnds[c.at] == c {
		delete(m.byEnds, c.at)
	}
}

// change moves c to another state, and tells of it once c's addresses are known.
func (m *Model) change(c *Connection, t Transition) {
	c.State, c.Since, c.Known = t.To, t.At, !t.Looked
	c.waiting = append(c.waiting, t)
	if c.complete() || t.To == State(tcp.Closed) {
		m.release(c)
	}
	if t.To == State(tcp.Closed) {
		m.forget(c)
		m.ended[c.Cookie] = true
		m.endedAt[c.at] = true
	}
}

// release tells what waited.
func (m *Model) release(c *Connection) {
	for _, t := range c.waiting {
		t.Local, t.Remote, t.Cookie, t.ID, t.Owners = c.Local, c.Remote, c.Cookie, m.name(c), c.Processes
		m.Tell(t)
	}
	c.waiting = c.waiting[:0]
}

// table takes what a look at the whole TCP table found, which began at a time. Events up
// to that time, if there is a source, have been given to event before.
func (m *Model) table(began time.Time, rows []*Socket) {
	for _, s := range rows {
		if s.Network != "tcp" || s.State == State(tcp.Closed) || s.State == Bound {
			s.Watched = Watched{ID: s.Cookie}
			continue
		}
		if c := m.row(began, s); c != nil {
			m.mark(s, c, began)
		}
	}
	clear(m.ended)
	clear(m.endedAt)
	var missing []*Connection
	for c := range m.all {
		if c.seen.Before(began) {
			missing = append(missing, c)
		}
	}
	slices.SortFunc(missing, func(a, b *Connection) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Cookie, b.Cookie)) })
	for _, c := range missing {
		m.missing(began, c)
	}
	m.looked = true
}

// row takes one row of the table and returns its connection, or nil if that is over.
func (m *Model) row(began time.Time, s *Socket) *Connection {
	c := m.byCookie[s.Cookie]
	if c == nil {
		c = m.unknown(s)
	}
	at := wire(s.Local, s.Remote)
	if c == nil {
		c = m.byEnds[at] // or another one that has the same ports now, or had them
		if c != nil && c.Cookie != 0 && c.Cookie != s.Cookie {
			if c.seen.After(began) {
				return nil
			}
			m.gone(began, c)
			delete(m.endedAt, at)
			c = nil
		}
	}
	if c == nil {
		if m.ended[s.Cookie] || at.whole() && m.endedAt[at] {
			return nil
		}
		return m.appeared(began, s)
	}
	known, newer := c.State, c.seen.After(began)
	c.Socket = copied(s)
	c.seen, c.listed, c.missed = began.Add(1), true, time.Time{}
	m.index(c)
	if newer {
		c.State = known // the row is older than its last event
	} else if m.Exact && !unseen(known, s.State) {
		c.State = known // an event will say so, or has
	} else if s.State != known {
		c.State = known
		m.change(c, Transition{At: began, From: known, To: s.State, UID: s.UID, Looked: true})
	}
	if c.complete() {
		m.release(c)
	}
	return c
}

// unknown returns the connection whose events had neither cookie nor both ends, and that
// may be the one of this row.
func (m *Model) unknown(s *Socket) *Connection {
	for c := range m.nameless {
		if c.State == s.State && (c.Local.Port() == 0 || c.Local == s.Local) && wire(c.Remote, c.Remote) == wire(s.Remote, s.Remote) {
			return c
		}
	}
	return nil
}

// unseen reports whether a change makes no event.
func unseen(from, to State) bool { return from == State(tcp.FinWait2) && to == State(tcp.TimeWait) }

// appeared takes a row of a connection that nobody knew.
func (m *Model) appeared(began time.Time, s *Socket) *Connection {
	c := &Connection{Socket: copied(s), Since: began, seen: began.Add(1), listed: true}
	m.index(c)
	if !m.looked {
		return c // it was there before
	}
	from := State(0)
	switch tcp.State(s.State) {
	case tcp.Listen, tcp.SynSent:
		from = State(tcp.Closed)
	case tcp.SynReceived:
		if s.Inode == 0 { // a request; a socket of its own sent a SYN, too
			from = State(tcp.Listen)
		}
	}
	if m.Exact && (s.State != State(tcp.SynReceived) || s.Inode != 0) {
		return c // its events are on their way, or were lost
	}
	m.change(c, Transition{At: began, From: from, To: s.State, UID: s.UID, Looked: true})
	return c
}

// missing takes a connection that the table had not.
func (m *Model) missing(began time.Time, c *Connection) {
	record := c.State == State(tcp.TimeWait) || c.State == State(tcp.SynReceived) && c.handle == 0 || c.State == State(tcp.FinWait2) && c.handle == 0
	if m.Exact && !record && began.Sub(c.seen) < time.Minute {
		return // its event is on its way
	}
	if m.Exact && !c.listed && !record {
		m.forget(c) // of another network namespace, where the source sees them all
		return
	}
	found := State(0)
	if c.ends().whole() {
		found = m.Find(c.Local, c.Remote)
	}
	if found == c.State && found != 0 {
		c.seen = began // it was passed over: the table changes while it is read
		return
	}
	if c.missed.IsZero() {
		c.missed = began
	}
	if m.Exact && c.State == State(tcp.SynReceived) && began.Equal(c.missed) {
		return // it may be a socket by now, or was one: the events come before the next look
	}
	m.gone(c.missed, c)
}

// gone tells that a connection is no more.
func (m *Model) gone(at time.Time, c *Connection) {
	m.change(c, Transition{At: at, From: c.State, To: State(tcp.Closed), UID: c.UID, Looked: true})
}

// copied is what stays of a row when the table is read again.
func copied(s *Socket) Socket {
	row := *s
	row.Info, row.Memory = nil, nil
	return row
}
