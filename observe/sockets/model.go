package sockets

import (
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

// gone tells that a connection is no more.
func (m *Model) gone(at time.Time, c *Connection) {
	m.change(c, Transition{At: at, From: c.State, To: State(tcp.Closed), UID: c.UID, Looked: true})
}
