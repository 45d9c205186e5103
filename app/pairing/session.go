package pairing

import (
	"context"
	"errors"
	"net"
	"sync"
)

// A Session is a pairing of two ends: a first connection, and further ones that
// belong to it. Its methods may be called from several goroutines.
type Session struct {
	conn   net.Conn
	peer   Peer
	dialed bool
	id     string
	key    []byte // of further connections' proofs

	open  func(ctx context.Context, number int) (net.Conn, error) // nil: cannot be opened
	joins bool                                                    // others may join
	gone  func()                                                  // when closed; nil for nothing

	joined chan net.Conn // with room for all that may ever join
	closed chan struct{}

	mu     sync.Mutex
	last   int    // number that Open gave out
	used   uint64 // numbers that have joined, bit 0 for 1
	conns  []net.Conn
	closes bool
}

func newSession(conn net.Conn, p Peer) *Session {
	return &Session{
		conn: conn, peer: p, conns: []net.Conn{conn},
		joined: make(chan net.Conn, maxStreams), closed: make(chan struct{}),
	}
}

// New returns a session of a connection of the caller's, trusted as it is. It has
// no further connections.
func New(conn net.Conn) *Session {
	return newSession(conn, Peer{Addr: conn.RemoteAddr(), How: byNothing.String()})
}

// NewDialed returns a session of a connection of the caller's, trusted as it is, at
// the end that opens further ones, by calling open.
func NewDialed(conn net.Conn, open func(ctx context.Context) (net.Conn, error)) *Session {
	s := New(conn)
	s.dialed = true
	s.open = func(ctx context.Context, _ int) (net.Conn, error) { return open(ctx) }
	return s
}

// Conn returns the first connection: what comes next on it is the caller's.
func (s *Session) Conn() net.Conn { return s.conn }

// Dialed says whether this end has dialled, and so opens further connections.
func (s *Session) Dialed() bool { return s.dialed }

// Peer returns who is at the other end.
func (s *Session) Peer() Peer { return s.peer }

// Open dials a further connection to the other end and joins it to the session. A
// session has at most 64 in its life, the 65th is ErrNoStreams, and so is the first
// at the end that listens.
func (s *Session) Open(ctx context.Context) (net.Conn, error) {
	if s.open == nil {
		return nil, ErrNoStreams
	}
	s.mu.Lock()
	s.last++
	number := s.last
	s.mu.Unlock()
	if number > maxStreams {
		return nil, ErrNoStreams
	}
	c, err := s.open(ctx, number)
	if err != nil {
		return nil, err
	}
	if !s.own(c) {
		c.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// AcceptStream returns the next connection that the other end has joined to the
// session. At the end that dialled, and where there can be none, it is ErrNoStreams;
// when the session is closed, net.ErrClosed.
func (s *Session) AcceptStream(ctx context.Context) (net.Conn, error) {
	if !s.joins {
		return nil, ErrNoStreams
	}
	select {
	case c := <-s.joined:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close closes all connections of the session. Nobody can join it any more.
func (s *Session) Close() error {
	s.mu.Lock()
	closes, conns := s.closes, s.conns
	s.closes = true
	s.mu.Unlock()
	if closes {
		return nil
	}
	close(s.closed)
	if s.gone != nil {
		s.gone()
	}
	var group sync.WaitGroup
	for _, c := range conns[1:] {
		group.Go(func() { c.Close() }) // TLS may take seconds to say goodbye to a peer that is gone
	}
	err := conns[0].Close()
	group.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// own takes c into the session, unless that is closed.
func (s *Session) own(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closes {
		return false
	}
	s.conns = append(s.conns, c)
	return true
}

// claim takes the number of a further connection, which is good once: a join that
// was heard on the wire cannot be said again.
func (s *Session) claim(number int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	bit := uint64(1) << (number - 1)
	if s.closes || s.used&bit != 0 {
		return false
	}
	s.used |= bit
	return true
}

// deliver hands c to AcceptStream. There is room: every number comes once.
func (s *Session) deliver(c net.Conn) bool {
	if !s.own(c) {
		return false
	}
	s.joined <- c
	return true
}
