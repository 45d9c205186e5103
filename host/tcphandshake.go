package host

import "dialtone/transport/tcp"

// open begins a connection with a SYN.
func (l *TCPListener) open(f flow, r *route, p *packet, header *tcp.Header, payload []byte, old *tcp.TimeWaitRecord, out *outbox) {
	l.mu.Lock()
	if l.closed || l.backlog.full() {
		// As Linux does: the peer tries again, and finds room or not.
		l.mu.Unlock()
		l.host.drop(DropTCPBacklog, p.data)
		return
	}
	// A flood of SYNs must not keep others out: the oldest of too many is forgotten,
	// which is the one least likely to go on (RFC 4987 §3.4). Linux refuses the new one
	// instead, or answers with a cookie.
	var victim *TCPConn
	if l.backlog.handshakes >= maxHandshakes {
		victim = l.backlog.oldest.conn
		l.backlog.end(l.backlog.oldest)
	}
	l.mu.Unlock()
	if victim != nil {
		l.host.drop(DropTCPHandshakes, p.data)
		victim.forget()
	}
	c := l.host.newTCPConn(f, r)
	defer c.mu.Unlock()
	now := l.host.now()
	config := l.host.tcpConfig(f, r, now)
	if old != nil {
		config.ISS = old.ISS(config.ISS)
	}
	c.machine = tcp.Accept(&config, now, header, payload)
	c.handshake = &handshake{listener: l, conn: c}
	if !l.host.tcp.add(c) {
		return // two SYNs came by two links at once
	}
	if !l.begin(c.handshake) {
		c.leave()
		return
	}
	c.out = out
	c.settle(now)
	c.out = nil
}

// begin adds a handshake, unless listening has ended meanwhile.
func (l *TCPListener) begin(s *handshake) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.backlog.begin(s)
	}
	return !l.closed
}

// forget ends a handshake without a word, unless it has come to its end meanwhile.
func (c *TCPConn) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handshake == nil {
		return
	}
	c.handshake = nil
	if !c.gone {
		c.leave()
	}
}

// holds says whether a segment is not to be looked at because the connection that it
// would establish finds no room in the queue: as Linux does, the peer is left believing
// that it is connected, and its data and our SYN+ACK are sent again.
func (s *handshake) holds(c *TCPConn, header *tcp.Header, p *packet) bool {
	if header.Flags.Has(tcp.RST) || !header.Flags.Has(tcp.ACK) {
		return false
	}
	s.listener.mu.Lock()
	full := s.listener.backlog.full()
	s.listener.mu.Unlock()
	if full {
		c.host.drop(DropTCPBacklog, p.data)
	}
	return full
}

// settle moves a connection on: to the queue when it is established, out of the
// backlog when it came to nothing.
func (s *handshake) settle(c *TCPConn, events tcp.Events, out *outbox) {
	if c.machine.State() == tcp.SynReceived {
		return
	}
	c.handshake = nil
	l := s.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	l.backlog.end(s)
	// One that was reset since is accepted all the same, and reads ECONNRESET.
	if events&tcp.EventConnected != 0 && !l.closed {
		l.backlog.push(c)
		out.wake(l)
	}
}
