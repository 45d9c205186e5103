package host

// The connections of a listener that nobody has accepted: Linux's figures
// (net.core.somaxconn and net.ipv4.tcp_max_syn_backlog of a large machine).
const (
	maxQueue      = 4096 // that are established
	maxHandshakes = 4096 // whose peer has not yet shown that it gets what is sent to it
)

// A backlog is a listener's connections on their way to Accept.
//
//	SYN ──▶ handshakes, in the order of their SYNs ──ACK──▶ queue ──▶ Accept
type backlog struct {
	oldest, newest *handshake
	handshakes     int
	queue          []*TCPConn // a ring that starts empty
	first, queued  int
}

// A handshake is a connection of which the third segment has not come.
type handshake struct {
	listener   *TCPListener
	conn       *TCPConn
	prev, next *handshake
}

// begin adds a handshake.
func (b *backlog) begin(h *handshake) {
	h.prev = b.newest
	if h.prev == nil {
		b.oldest = h
	} else {
		h.prev.next = h
	}
	b.newest = h
	b.handshakes++
}

// end takes one out, which may be out already.
func (b *backlog) end(h *handshake) {
	if h.prev == nil && b.oldest != h {
		return
	}
	if h.prev == nil {
		b.oldest = h.next
	} else {
		h.prev.next = h.next
	}
	if h.next == nil {
		b.newest = h.prev
	} else {
		h.next.prev = h.prev
	}
	h.prev, h.next = nil, nil
	b.handshakes--
}

// full says whether no more may be queued, as Linux counts: one beyond the limit.
func (b *backlog) full() bool { return b.queued > maxQueue }

// push queues an established connection.
func (b *backlog) push(c *TCPConn) {
	if b.queued == len(b.queue) {
		grown := make([]*TCPConn, max(8, 2*len(b.queue)))
		n := copy(grown, b.queue[b.first:])
		copy(grown[n:], b.queue[:b.first])
		b.queue, b.first = grown, 0
	}
	b.queue[(b.first+b.queued)%len(b.queue)] = c
	b.queued++
}

// pop is the connection that was queued first; nil for none.
func (b *backlog) pop() *TCPConn {
	if b.queued == 0 {
		return nil
	}
	c := b.queue[b.first]
	b.queue[b.first] = nil
	b.first = (b.first + 1) % len(b.queue)
	b.queued--
	return c
}

// clear takes out all.
func (b *backlog) clear() (conns []*TCPConn) {
	for c := b.pop(); c != nil; c = b.pop() {
		conns = append(conns, c)
	}
	for h := b.oldest; h != nil; h = h.next {
		conns = append(conns, h.conn)
	}
	*b = backlog{}
	return conns
}
