package sockets

import (
	"cmp"
	"net/netip"

	"dialtone/transport/tcp"
)

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

// find returns the connection that an event is of, or nil for a new one.
func (m *Model) find(e *event) *Connection {
	c := m.candidate(e)
	if c == nil {
		return nil
	}
	differ := func(a, b uint64) bool { return a != 0 && b != 0 && a != b }
	if differ(c.Cookie, e.Cookie) || differ(c.handle, e.handle) {
		m.gone(e.At, c) // nobody told of its end
		return nil
	}
	return c
}

// candidate returns the connection that an event is of, if that was not another one
// before, with the same memory or ports.

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
