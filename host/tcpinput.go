package host

import "dialtone/transport/tcp"

// input takes the run's segments up to where the connection is over, and returns how
// many those were: 0 when it was over before.
func (c *TCPConn) input(run []packet, out *outbox) (taken int) {
	now := c.lock()
	defer c.mu.Unlock()
	if c.gone {
		return 0
	}
	c.out = out
	var events tcp.Events
	for taken < len(run) && !c.gone {
		p := &run[taken]
		taken++
		header, payload, ok := c.host.parseTCP(c.flow, p)
		if !ok || c.handshake != nil && c.handshake.holds(c, &header, p) {
			continue
		}
		events |= c.machine.Input(now, &header, payload)
		if state := c.machine.State(); state == tcp.Closed || state == tcp.TimeWait {
			c.settle(now)
		}
	}
	c.settle(now)
	c.notify(events, out)
	c.out = nil
	return taken
}

// unreachable takes an ICMP error about one of the connection's segments.
func (c *TCPConn) unreachable(u *unreachable, out *outbox) {
	now := c.lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	c.out = out
	// RFC 5927 §4.1: the sequence number quoted must be one that is on its way.
	var events tcp.Events
	if u.mtu == 0 {
		events = c.machine.Unreachable(now, u.err, u.hard)
	}
	c.settle(now)
	c.notify(events, out)
	c.out = nil
}

// unplug ends a connection whose host is closed, without a word to the peer.
func (c *TCPConn) unplug() {
	c.mu.Lock()
	c.gone = true
	c.mu.Unlock()
	c.read.wake()
	c.write.wake()
}
