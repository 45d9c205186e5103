package host

import (
	"net/netip"
	"sync"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/transport/tcp"
)

// tcpSockets are a host's: who gets a segment is looked up here, once for a run of
// segments of the same flow. A connection's lock may be held while mu is taken, not
// the other way round.
type tcpSockets struct {
	mu        sync.Mutex
	conns     map[flow]*TCPConn
	listeners listeners
	waits     timeWaits
	ports     ephemeral
	isn       tcp.ISN
	partings  partings
	closed    bool
}

func (s *tcpSockets) init(h *Host) {
	s.conns = map[flow]*TCPConn{}
	s.listeners = listeners{}
	s.waits.init(h)
	for i := range s.isn.Secret {
		nth := netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(i))
		s.isn.Secret[i] = byte(h.digest(digestISN, nth, nth))
	}
}

// inputTCP takes segments in the order in which they came, all by one interface.
//
//  1. Segments of one flow that follow one another are a run.
//  2. Whose is it? A connection's, a record's in TIME_WAIT, a listener's, nobody's.
//  3. It takes as many as are its own: a SYN in the middle may be another's.
func (h *Host) inputTCP(batch []packet, out *outbox) {
	for len(batch) > 0 {
		f, ok := flowOf(&batch[0])
		if !ok {
			h.drop(DropTCPHeader, batch[0].whole)
			batch = batch[1:]
			continue
		}
		n := 1
		for n < len(batch) && sameFlow(&batch[0], &batch[n]) {
			n++
		}
		for run := batch[:n]; len(run) > 0; {
			run = run[h.inputRun(f, run, out):]
		}
		batch = batch[n:]
	}
}

// inputRun gives segments of one flow to whom they belong to, and returns how many it
// took.
func (h *Host) inputRun(f flow, run []packet, out *outbox) int {
	s := &h.tcp
	s.mu.Lock()
	c := s.conns[f]
	s.mu.Unlock()
	if c != nil {
		if n := c.input(run, out); n > 0 {
			return n
		}
		// It ended while nobody held a lock: what is here now?
	}
	p := &run[0]
	if payload, ok := h.parseTCP(f.pseudo(), p, &out.header); ok {
		h.inputStray(f, p, &out.header, payload, out)
	}
	return 1
}

// inputStray takes a segment of no connection.
func (h *Host) inputStray(f flow, p *packet, header *tcp.Header, payload []byte, out *outbox) {
	l := h.tcp.listener(f.local())
	next, done := h.inputTimeWait(f, header, len(payload), l != nil, out)
	if done {
		return
	}
	if l != nil {
		l.input(f, p, header, payload, next, out)
		return
	}
	// RFC 9293 §3.10.7.1: in CLOSED, anything but a RST is answered by one.
	if rst, ok := tcp.Reset(header, len(payload)); ok {
		h.reply(f, &rst, out)
	}
}

// parseTCP reads a segment and checks its sum, unless the link has; pseudo is the
// partial sum of its flow's pseudo-header.
func (h *Host) parseTCP(pseudo uint32, p *packet, header *tcp.Header) (payload []byte, ok bool) {
	// RFC 9293 §3.1: the checksum MUST be checked by the receiver.
	if p.checksum == link.ChecksumUnknown && !tcp.Check(pseudo+uint32(len(p.data)), p.data) {
		h.drop(DropTCPChecksum, p.data)
		return nil, false
	}
	payload, err := header.Parse(p.data)
	if err != nil {
		h.drop(DropTCPHeader, p.data)
		return nil, false
	}
	return payload, true
}

// reply sends a segment without data for no connection.
func (h *Host) reply(f flow, header *tcp.Header, out *outbox) {
	r, err := h.routeFrom(f.local().Addr(), f.remote().Addr())
	if err != nil {
		return
	}
	n := segmentLen(header, 0)
	header.Append(out.packet(r, internet.TCP, n)[:0])
}

// unreachableTCP tells a connection what has become of its segment.
func (h *Host) unreachableTCP(u *unreachable, out *outbox) {
	f, ok := flowOfQuoted(u)
	if !ok {
		return
	}
	h.tcp.mu.Lock()
	c := h.tcp.conns[f]
	h.tcp.mu.Unlock()
	if c != nil {
		c.unreachable(u, out)
	}
}

// closeTCP ends all connections and listeners, without a word to their peers.
func (h *Host) closeTCP() {
	s := &h.tcp
	s.mu.Lock()
	s.closed = true
	conns, listeners := s.conns, s.listeners.all()
	s.conns = map[flow]*TCPConn{}
	s.waits.clear()
	s.mu.Unlock()
	for _, c := range conns {
		c.unplug()
	}
	for _, l := range listeners {
		l.Close()
	}
}
