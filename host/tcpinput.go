package host

import (
	"encoding/binary"
	"syscall"

	"dialtone/transport/tcp"
)

// input takes the run's segments up to where the connection is over, and returns how
// many those were: 0 when it was over before.
func (c *TCPConn) input(run []packet, out *outbox) (taken int) {
	now, ok := c.enter(out)
	if !ok {
		return 0
	}
	var events tcp.Events
	pseudo := c.flow.pseudo()
	for taken < len(run) && !c.gone {
		p := &run[taken]
		taken++
		payload, ok := c.host.parseTCP(pseudo, p, &out.header)
		if !ok || c.handshake != nil && c.handshake.holds(c, &out.header, p) {
			continue
		}
		events |= c.machine.Input(now, &out.header, payload)
		if state := c.machine.State(); state == tcp.Closed || state == tcp.TimeWait {
			c.settle(now) // what is behind may be another's
		}
	}
	if events&tcp.EventAcknowledged != 0 {
		c.route.confirm(now)
	}
	c.exit(now, events)
	return taken
}

// unreachable takes an ICMP error about one of the connection's segments.
func (c *TCPConn) unreachable(u *unreachable, out *outbox) {
	now, ok := c.enter(out)
	if !ok {
		return
	}
	var events tcp.Events
	// RFC 5927 §4.1: what is quoted must be on its way, or anybody may have made it up.
	switch seq := tcp.Seq(binary.BigEndian.Uint32(u.quoted[4:])); {
	case !c.machine.Sent(seq):
	case u.err == syscall.EMSGSIZE:
		c.host.learnMTU(u) // then the route is stale
	default:
		events = c.machine.Unreachable(now, u.err, u.hard)
	}
	c.exit(now, events)
}

// unplug ends a connection whose host is closed, without a word to the peer.
func (c *TCPConn) unplug() {
	c.mu.Lock()
	c.gone = true
	c.part()
	c.mu.Unlock()
	c.read.wake()
	c.write.wake()
}
