package host

import (
	"encoding/binary"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/transport/tcp"
	"dialtone/transport/udp"
)

// An outbox takes what comes of a batch of input, of a call or of an alarm: packets,
// made while locks are held, and those who wait for something, to be woken.
//
//	out := h.outbox()
//	c.mu.Lock()
//	header.Append(out.packet(c.route, internet.TCP, n)[:0])
//	out.wake(c)
//	out.commit() // the packets have their place in the row
//	c.mu.Unlock()
//	out.release() // they are sent, and then who waits is woken
//
// It is for one goroutine.
type outbox struct {
	host   *Host
	queue  []outgoing // not committed
	open   []*nic     // that have something to send
	woken  []waker
	header tcp.Header // of the segment that is looked at: scratch of input
}

// outgoing is a packet on its way to its link.
type outgoing struct {
	frame *link.Frame // from the Ethernet header on
	nic   *nic
	route *route            // nil: the Ethernet header is written, nothing is left to do
	seal  internet.Protocol // whose checksum is to be filled in; 0: none
	quiet bool              // not for this host's own sockets, whoever it goes to
}

// waker is who waits for what has happened: wake is called with no lock held, and must
// not block.
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
// the caller to fill with transport header and payload before anything else is done
// with the outbox. The bytes are not zero. The transport checksum is left for later, of
// TCP and UDP: it is filled outside the lock, or never where the link does that.
//
// A packet that fits the path is not to be fragmented (RFC 1191 §3); a larger one is.
func (o *outbox) packet(r *route, proto internet.Protocol, size int) []byte {
	return o.packetWith(r, proto, size, internet.IPv4{})
}

// defaultTTL is the hops that a packet may take (RFC 1700, and Linux).
const defaultTTL = 64

// hush keeps the packet that was added last from this host's own sockets.
func (o *outbox) hush() { o.queue[len(o.queue)-1].quiet = true }

// mayFragment in Flags stands for none of them, where 0 stands for what is usual.
const mayFragment = internet.ReservedFlag

// packetWith is packet with TOS and options of the IP header, and with its ID, TTL and
// Flags where they are not 0. What is neither DontFragment nor fits is fragmented.
func (o *outbox) packetWith(r *route, proto internet.Protocol, size int, h internet.IPv4) []byte {
	f := link.NewFrame(size)
	h.Protocol, h.Src, h.Dst = proto, r.src.As4(), r.dst.As4()
	if h.ID == 0 {
		h.ID = uint16(r.id.Add(1))
	}
	if h.TTL == 0 {
		h.TTL = defaultTTL
	}
	if header := h.Size(); header+size <= r.mtu && h.Flags == 0 {
		h.Flags = internet.DontFragment
	}
	h.Flags &^= mayFragment
	h.Append(f.Prepend(h.Size())[:0])
	internet.FillIPv4(f.Data)
	f.Prepend(link.EthernetLen)
	o.queue = append(o.queue, outgoing{frame: f, nic: r.nic, route: r, seal: proto})
	return f.Data[len(f.Data)-size:]
}

// send adds a frame that is complete, its Ethernet header included.
func (o *outbox) send(n *nic, f *link.Frame) {
	o.queue = append(o.queue, outgoing{frame: f, nic: n})
}

// forward adds a packet of another host; of its Ethernet header only the room is there.
func (o *outbox) forward(r *route, f *link.Frame) {
	o.queue = append(o.queue, outgoing{frame: f, nic: r.nic, route: r})
}

// commit gives packets their place in the row of their interface: whoever commits first
// is sent first. It may be called with a connection's lock held, and need not be where
// the order does not matter.
func (o *outbox) commit() {
	for i := 0; i < len(o.queue); {
		n := o.queue[i].nic
		end := i + 1
		for end < len(o.queue) && o.queue[end].nic == n {
			end++
		}
		n.row.add(n.host, o.queue[i:end])
		if len(o.open) == 0 || o.open[len(o.open)-1] != n {
			o.open = append(o.open, n)
		}
		i = end
	}
	clear(o.queue)
	o.queue = o.queue[:0]
}

// flush sends what is in the outbox and then wakes those who wait. The caller holds no
// lock.
func (o *outbox) flush() {
	o.commit()
	for i := 0; i < len(o.open); i++ {
		o.open[i].transmit()
	}
	clear(o.open)
	o.open = o.open[:0]
	for _, w := range o.woken {
		w.wake()
	}
	clear(o.woken)
	o.woken = o.woken[:0]
}

// fill writes the transport's checksum, or leaves TCP's to a link that fills it in.
func (p *outgoing) fill(leave bool) {
	at := link.EthernetLen + p.ipHeaderLen()
	segment := p.frame.Data[at:]
	switch {
	case p.seal == internet.TCP && leave && len(p.frame.Data)-link.EthernetLen <= p.route.mtu:
		binary.BigEndian.PutUint16(segment[tcp.ChecksumAt:], ^internet.Fold(p.route.pseudo(internet.TCP, len(segment))))
		p.frame.Offload = link.Offload{Checksum: link.ChecksumPartial, SumStart: uint16(at), SumOffset: tcp.ChecksumAt}
	case p.seal == internet.TCP:
		tcp.Fill(p.route.pseudo(internet.TCP, len(segment)), segment)
	case p.seal == internet.UDP:
		udp.Fill(p.route.pseudo(internet.UDP, len(segment)), segment)
	}
}

func (p *outgoing) ipHeaderLen() int { return int(p.frame.Data[link.EthernetLen]&15) * 4 }
