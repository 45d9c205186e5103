package serve

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// sessions keeps the peers of a packet connection apart for services that hold a
// conversation.
type sessions struct {
	server *Server
	pc     net.PacketConn

	mu     sync.Mutex
	byPeer map[netip.AddrPort]*session
	gone   chan struct{} // closed when draining and none is left
	ending bool
}

func newSessions(s *Server, pc net.PacketConn) *sessions {
	return &sessions{server: s, pc: pc, byPeer: map[netip.AddrPort]*session{}, gone: make(chan struct{})}
}

// deliver gives a datagram to its peer's session, which may be new.
func (ss *sessions) deliver(peer netip.AddrPort, asked, p []byte) {
	ss.mu.Lock()
	sn, wanted := ss.byPeer[peer], !ss.ending
	ss.mu.Unlock()
	if sn == nil && wanted {
		sn = ss.open(peer, asked)
	}
	if sn != nil {
		sn.put(p)
	}
}

// open starts the conversation of a new peer. It is called by the loop of the
// packet connection alone, and without mu: the server has a lock of its own, under
// which it closes sessions.
func (ss *sessions) open(peer netip.AddrPort, asked []byte) *session {
	s, addr := ss.server, net.UDPAddrFromAddrPort(peer)
	why := s.gate.enter()
	if why == "" {
		if why = s.gate.identify(addrOf(addr)); why != "" {
			s.gate.leave(netip.Addr{})
		}
	}
	if why != "" {
		s.Metrics.refused(why)
		s.refusals.warn("refused", "peer", peer.String(), "reason", string(why))
		return nil
	}
	sn := &session{sessions: ss, key: peer, peer: addr, asked: bytes.Clone(asked), queue: make(chan []byte, sessionQueue), closed: make(chan struct{})}
	sn.read.init()
	ss.mu.Lock()
	ss.byPeer[peer] = sn
	ss.mu.Unlock()
	s.welcome(sn, addr)
	return sn
}

func (ss *sessions) remove(sn *session) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.byPeer[sn.key] == sn {
		delete(ss.byPeer, sn.key)
		if ss.ending && len(ss.byPeer) == 0 {
			close(ss.gone)
		}
	}
}

// serveRest reads for the sessions there are until the last has ended.
func (ss *sessions) serveRest(p *post) error {
	ss.mu.Lock()
	ss.ending = true
	if len(ss.byPeer) == 0 {
		close(ss.gone)
	}
	ss.mu.Unlock()
	p.pc.SetReadDeadline(time.Time{})
	stop := make(chan struct{})
	go func() { // ends when the sessions have, at the latest by Close
		defer close(stop)
		<-ss.gone
		p.pc.SetReadDeadline(time.Unix(1, 0))
	}()
	for {
		n, err := p.in.read(true)
		if err != nil {
			<-stop
			return nil
		}
		p.batch(n)
	}
}

// close ends the sessions that an error of the packet connection leaves behind.
func (ss *sessions) close() {
	ss.mu.Lock()
	ss.ending = true
	var left []*session
	for _, sn := range ss.byPeer {
		left = append(left, sn)
	}
	ss.mu.Unlock()
	for _, sn := range left {
		sn.Close()
	}
}

// sessionQueue bounds the datagrams that wait for a session to read them; what
// does not fit is dropped, as a socket would.
const sessionQueue = 64

// session is one peer of a packet connection as a net.Conn: Read returns one
// datagram (what does not fit into p is lost, as with recv(2)), Write sends one.
type session struct {
	sessions *sessions
	key      netip.AddrPort
	peer     *net.UDPAddr
	asked    []byte // makes what is sent come from the address that was asked first
	queue    chan []byte
	read     deadline
	once     sync.Once
	closed   chan struct{}
}

func (sn *session) put(p []byte) {
	select {
	case sn.queue <- bytes.Clone(p):
	default:
		sn.sessions.server.refusals.warn("datagram dropped", "peer", sn.key.String(), "reason", "the service does not read")
	}
}

func (sn *session) Read(p []byte) (int, error) {
	select { // what waits comes before the deadline and the end
	case d := <-sn.queue:
		return copy(p, d), nil
	default:
	}
	select {
	case d := <-sn.queue:
		return copy(p, d), nil
	case <-sn.read.wait():
		return 0, os.ErrDeadlineExceeded
	case <-sn.closed:
		return 0, io.EOF
	}
}

func (sn *session) Write(p []byte) (int, error) {
	select {
	case <-sn.closed:
		return 0, net.ErrClosed
	default:
	}
	if udp, ok := sn.sessions.pc.(*net.UDPConn); ok && len(sn.asked) > 0 {
		n, _, err := udp.WriteMsgUDPAddrPort(p, sn.asked, sn.key)
		return n, err
	}
	return sn.sessions.pc.WriteTo(p, sn.peer)
}

func (sn *session) Close() error {
	sn.once.Do(func() {
		close(sn.closed)
		sn.sessions.remove(sn)
	})
	return nil
}

func (sn *session) LocalAddr() net.Addr                { return sn.sessions.pc.LocalAddr() }
func (sn *session) RemoteAddr() net.Addr               { return sn.peer }
func (sn *session) SetDeadline(t time.Time) error      { return sn.SetReadDeadline(t) }
func (sn *session) SetReadDeadline(t time.Time) error  { sn.read.set(t); return nil }
func (sn *session) SetWriteDeadline(_ time.Time) error { return nil } // sending does not wait

// deadline is a point in time that can be moved while somebody waits for it.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	past  chan struct{} // closed when the deadline is past
}

func (d *deadline) init() { d.past = make(chan struct{}) }

func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.past
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	select {
	case <-d.past:
		d.past = make(chan struct{})
	default:
	}
	past := d.past
	switch left := time.Until(t); {
	case t.IsZero():
	case left <= 0:
		close(past)
	default:
		d.timer = time.AfterFunc(left, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.past == past {
				select {
				case <-past:
				default:
					close(past)
				}
			}
		})
	}
}
