package host

import (
	"maps"
	"net/netip"
	"slices"
	"syscall"
)

// add puts a connection where segments find it; false where its flow is taken.
func (s *tcpSockets) add(c *TCPConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addLocked(c)
}

func (s *tcpSockets) addLocked(c *TCPConn) bool {
	if s.closed || s.conns[c.flow] != nil || s.waits.has(c.flow) {
		return false
	}
	s.conns[c.flow] = c
	return true
}

// addDialed chooses the port of a connection that has none, and adds it. digest is the
// start of the row of ports. The error is EADDRNOTAVAIL when all are taken.
func (s *tcpSockets) addDialed(c *TCPConn, digest uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.flow.localPort != 0 {
		if s.addLocked(c) {
			return nil
		}
		return syscall.EADDRNOTAVAIL
	}
	try := func(port uint16) bool {
		c.flow.localPort = port
		if c.flow.local() == c.flow.remote() || s.listens(port) {
			return false
		}
		return s.addLocked(c)
	}
	if _, ok := s.ports.each(digest, try); !ok {
		return syscall.EADDRNOTAVAIL
	}
	return nil
}

// remove takes a connection out.
func (s *tcpSockets) remove(c *TCPConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns[c.flow] == c {
		delete(s.conns, c.flow)
	}
}

// listener is who listens on an address and port, or on all addresses and that port.
func (s *tcpSockets) listener(local netip.AddrPort) *TCPListener {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.listeners[local]; l != nil {
		return l
	}
	return s.listeners[netip.AddrPortFrom(anyAddr(local.Addr()), local.Port())]
}

func anyAddr(like netip.Addr) netip.Addr {
	if like.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// listens says whether anybody listens on a port. Under mu.
func (s *tcpSockets) listens(port uint16) bool {
	for local := range s.listeners {
		if local.Port() == port {
			return true
		}
	}
	return false
}

// addListener lets l listen, on a port of the host's choice where it has none. The
// error is EADDRINUSE where another listens there, or where a connection that was
// dialed has the port: as Linux does with SO_REUSEADDR, which package net sets,
// accepted connections and those in TIME_WAIT do not count.
func (s *tcpSockets) addListener(l *TCPListener, digest uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return syscall.ENETDOWN
	}
	if l.local.Port() == 0 {
		port, ok := s.ports.each(digest, func(port uint16) bool {
			return !s.taken(netip.AddrPortFrom(l.local.Addr(), port))
		})
		if !ok {
			return syscall.EADDRINUSE
		}
		l.local = netip.AddrPortFrom(l.local.Addr(), port)
	} else if s.taken(l.local) {
		return syscall.EADDRINUSE
	}
	s.listeners[l.local] = l
	return nil
}

// taken says whether nobody may listen on an address. It looks at all sockets: who
// listens does so seldom.
func (s *tcpSockets) taken(local netip.AddrPort) bool {
	overlaps := func(other netip.AddrPort) bool {
		return other.Port() == local.Port() && (other.Addr() == local.Addr() ||
			other.Addr().IsUnspecified() || local.Addr().IsUnspecified())
	}
	for other := range s.listeners {
		if overlaps(other) {
			return true
		}
	}
	for f, c := range s.conns {
		if f.localPort == local.Port() && c.dialed && overlaps(f.local()) {
			return true
		}
	}
	return false
}

func (s *tcpSockets) removeListener(l *TCPListener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners[l.local] == l {
		delete(s.listeners, l.local)
	}
}

// all are the listeners in no order. Under mu.
func (l listeners) all() []*TCPListener { return slices.Collect(maps.Values(l)) }
