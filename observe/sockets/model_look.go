package sockets

import (
	"cmp"
	"slices"
	"time"

	"dialtone/transport/tcp"
)

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
	if m.byCookie[c.Cookie] != c || c.at != at { // else it is known by them
		m.index(c)
	}
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

// mark notes in a row what is known of its connection. A state that no event has told
// of yet has no age.
func (m *Model) mark(s *Socket, c *Connection, began time.Time) {
	s.Watched = Watched{ID: m.name(c)}
	if s.State == c.State {
		s.Watched.Age, s.Watched.Exact = max(0, began.Sub(c.Since)), c.Known
	}
}

// copied is what stays of a row when the table is read again.
func copied(s *Socket) Socket {
	row := *s
	row.Info, row.Memory = nil, nil
	return row
}
