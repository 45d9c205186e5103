package link

import (
	"net/netip"
	"time"
)

// Neighbors are the stations on a link and how to reach them: who has which IP address
// (RFC 826), whether he still has it (the states of RFC 4861 §7.3.2, which Linux has
// for both protocols), and the packets that wait until that is known; and our own
// addresses, which others ask for. It is a machine without goroutine, lock or clock:
//
//	n.Own(prefix)                              // an address of ours
//	mac, ok := n.Resolve(now, ip, frame, sink) // a packet for ip: send it to mac, or n has taken it
//	n.Input(now, dst, &arp, sink)              // an ARP packet has arrived
//	n.Expire(now, sink)                        // n.Deadline() has come
//
// now is the time since the owner's beginning and never goes back. What is to be done
// comes out through the sink, inside the call.
//
// A table holds at most 1024 stations. Of those in it beyond 128, it forgets who has
// not been used for a minute; when it is full, who has not been for longest, and who
// only ever asked us before anyone else, so that a flood of strangers drives out itself.
type Neighbors struct {
	mac   MAC // our own
	own   []ownAddress
	known map[netip.Addr]*neighbor
	list  []*neighbor // the same, in an order that a run repeats

	next      time.Duration // no timer is earlier
	collected time.Duration // when the table was last looked through for what nobody uses
	waiting   int           // frames, of all stations
}

// A NeighborSink does what [Neighbors] asks for. Slices of frames are not its to keep,
// the frames are.
type NeighborSink interface {
	// ARP is to be sent to dst, as p.EtherType().
	ARP(dst MAC, p *ARP)
	// Resolved gives back packets that waited: to be sent to mac, in their order.
	Resolved(ip netip.Addr, mac MAC, frames []*Frame)
	// Unreachable gives back packets that waited in vain, as nobody answers for ip:
	// EHOSTUNREACH for their senders (RFC 1122 §3.3.2.2 (d)).
	Unreachable(ip netip.Addr, frames []*Frame)
	// Dropped gives back the packet that waited longest, as too many wait.
	Dropped(ip netip.Addr, f *Frame)
	// Conflict says that mac uses our address ip too (RFC 5227 §2.4), or has it or
	// wants it while we probe for it: then it is not ours any more.
	Conflict(ip netip.Addr, mac MAC)
	// Claimed says that nobody objected to an address that was probed for: it is ours.
	Claimed(ip netip.Addr)
}

// Never is the deadline of a machine that waits for nothing but packets.
const Never = time.Duration(1<<63 - 1)

// NewNeighbors returns the neighbours of the station mac, of whom none is known yet.
func NewNeighbors(mac MAC) *Neighbors {
	return &Neighbors{mac: mac, known: map[netip.Addr]*neighbor{}, next: Never}
}

// neighbor is one station.
//
//	            Resolve              answer                 30 s
//	(unknown) ─────────→ INCOMPLETE ───────→ REACHABLE ──────────→ STALE ←─ its own packets
//	                      ↑      │              ↑  ↑ Confirm         │ Resolve
//	              Resolve │      │ 3 × 1 s      │  └─────────────┐   ↓
//	                      │      ↓              │ answer         │ DELAY
//	                      └─ FAILED ←───────── PROBE ←───────────┴───┘ 5 s
//	                                  3 × 1 s
type neighbor struct {
	ip    netip.Addr
	mac   MAC
	state NeighborState
	asked uint8 // questions since INCOMPLETE or PROBE began

	timer     time.Duration // of INCOMPLETE, DELAY and PROBE; Never
	confirmed time.Duration // when it was last known to be there
	updated   time.Duration // when mac was last learnt
	used      time.Duration // when we last had a packet for it; -1: never

	waiting []*Frame // in INCOMPLETE
	place   int      // in the table's list
}

// NeighborState is how much is known of a station, in the words of ip-neighbour(8).
type NeighborState uint8

const (
	NeighborIncomplete NeighborState = iota // asked for; packets wait
	NeighborReachable                       // was there within 30 s
	NeighborStale                           // where it was; not checked since
	NeighborDelay                           // used again: has 5 s for a sign of life before it is asked
	NeighborProbe                           // being asked, and used meanwhile
	NeighborFailed                          // did not answer
	NeighborPermanent                       // set by hand
)

// String returns the word of ip-neighbour(8).
func (s NeighborState) String() string {
	return [...]string{"INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "PERMANENT"}[s]
}

// Linux's times (arp(7)). RFC 1122 §2.3.2.1 wants at most one question a second.
const (
	reachableTime = 30 * time.Second // Linux takes half to one and a half of it at random, we what a run repeats
	delayTime     = 5 * time.Second
	retryTime     = time.Second
	maxAsked      = 3
	lockTime      = time.Second // for so long, no other answer takes the place of one
)
