package host

import (
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"dialtone/transport/tcp"
)

// Hooks watch a host; each may be nil, and costs nothing then. They are called while
// locks are held and must not call the host.
type Hooks struct {
	TCP  func(local, remote netip.AddrPort) *tcp.Hooks     // asked for each new connection; nil: it is not watched
	Drop func(at time.Duration, why Reason, packet []byte) // packet: as far as it was understood, from the IP header on where there is one
}

// Watch sets the hooks.
func Watch(hooks Hooks) Option { return func(h *Host) { h.hooks = hooks } }

// A Reason says why a packet was dropped.
type Reason uint8

// The reasons.
const (
	DropNone Reason = iota
	DropNotOurs
	numReasons
)

func (r Reason) String() string { return "reason " + strconv.Itoa(int(r)) }

// counters are what a host counts.
type counters struct {
	drops [numReasons]atomic.Uint64
}

// drop counts a packet that goes no further, and shows it to who watches.
func (h *Host) drop(why Reason, packet []byte) {
	h.counts.drops[why].Add(1)
	if h.hooks.Drop != nil {
		h.hooks.Drop(h.now(), why, packet)
	}
}
