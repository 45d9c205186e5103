package host

import (
	"net/netip"
	"sync/atomic"
	"time"

	"dialtone/link"
	"dialtone/transport/tcp"
)

// Hooks watch a host; each may be nil, and costs nothing then. They are called while
// locks are held: they must not call the host, and copy what they keep.
type Hooks struct {
	// TCP is asked for the hooks of each new connection; nil: it is not watched.
	TCP func(local, remote netip.AddrPort) *tcp.Hooks

	// Drop is called for each packet that goes no further, with what there is of it:
	// from the IP header on, or what was there in its place.
	Drop func(at time.Duration, why Reason, packet []byte)
}

// Watch sets the hooks.
func Watch(hooks Hooks) Option { return func(h *Host) { h.hooks = hooks } }

// A Reason says why a packet was dropped.
type Reason uint8

// The reasons, from the link up.
const (
	DropNone           Reason = iota
	DropOtherStation          // a frame to another station's MAC address
	DropEtherType             // a frame of a protocol that is not spoken here
	DropHeader                // a header that is none, or lies about lengths
	DropHeaderChecksum        // of IP
	DropMartian               // addresses that no packet has on that link
	DropSourceRoute           // an option that this host does not follow
	DropNotOurs               // for another host, and this one is no router
	DropTTL                   // forwarded often enough
	DropNoRoute               // no way to its destination
	DropTooBig                // for the next link, and not to be fragmented
	DropUnresolved            // too many wait for the same neighbour
	DropNoNeighbor            // the next hop does not answer
	DropQueueFull             // of the interface
	DropFragment              // of a datagram that was given up: too late, too much, overlapping
	DropProtocol              // above IP, that is not spoken here
	DropChecksum              // of the transport
	DropNoSocket              // nobody waits for it
	DropReceiveFull           // the socket's queue
	DropTCPHeader
	DropTCPChecksum
	DropTCPBacklog    // the accept queue is full
	DropTCPHandshakes // an old half-open connection made room for a new one
	numReasons
)

// String says the reason in words.
func (r Reason) String() string {
	return [...]string{
		"not dropped", "for another station", "protocol of the link unknown", "bad header",
		"bad header checksum", "martian addresses", "source route", "not for this host", "hops exceeded",
		"no route", "too big", "too many wait for the neighbour", "neighbour does not answer", "interface queue full",
		"datagram of fragments given up", "protocol unknown", "bad checksum", "no socket", "receive queue full",
		"bad TCP header", "bad TCP checksum", "accept queue full", "too many half-open connections",
	}[r]
}

// counters are what a host counts.
type counters struct {
	drops [numReasons]atomic.Uint64
	total [numCounts]atomic.Uint64
}

// drop counts a packet that goes no further, and shows it to who watches.
func (h *Host) drop(why Reason, packet []byte) {
	h.counts.drops[why].Add(1)
	if h.hooks.Drop != nil {
		h.hooks.Drop(h.now(), why, packet)
	}
}

// dropFrame is drop of a whole frame, and its end.
func (h *Host) dropFrame(why Reason, f *link.Frame) {
	h.drop(why, f.Data[min(len(f.Data), link.EthernetLen):])
	f.Free()
}
