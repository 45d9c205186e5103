package link

import (
	"net/netip"
	"slices"
	"time"
)

// Resolve returns where to send a packet for ip, the IPv4 address of a station on this
// link. Where that is not known it is asked for and f kept until the answer, at most 101
// for a station: RFC 1122 §2.3.2.2 wants at least the latest kept. f may be nil: a
// question only. Deadline may be another one afterwards.
func (n *Neighbors) Resolve(now time.Duration, ip netip.Addr, f *Frame, to NeighborSink) (mac MAC, ok bool) {
	e := n.known[ip]
	if e == nil {
		e = n.add(now, ip, to)
		e.state = NeighborFailed
	}
	e.used = now
	switch e.at(now) {
	case NeighborStale:
		e.state = NeighborDelay
		n.set(e, now+delayTime)
	case NeighborFailed:
		e.state, e.asked = NeighborIncomplete, 0
		n.ask(now, e, to)
		fallthrough
	case NeighborIncomplete:
		n.keep(e, f, to)
		return MAC{}, false
	}
	return e.mac, true
}

// at is e's state now: REACHABLE ends by itself, without a timer.
func (e *neighbor) at(now time.Duration) NeighborState {
	if e.state == NeighborReachable && now-e.confirmed >= reachableTime {
		e.state = NeighborStale
	}
	return e.state
}

// Linux keeps as many of full size by default (unres_qlen); all stations together may
// keep ten times that, so that who scans a net through a router fills nothing.
const (
	maxWaiting    = 101
	maxAllWaiting = 1024
)

func (n *Neighbors) keep(e *neighbor, f *Frame, to NeighborSink) {
	if f == nil {
		return
	}
	if len(e.waiting) == maxWaiting || n.waiting == maxAllWaiting {
		oldest := f
		if len(e.waiting) > 0 {
			oldest = e.waiting[0]
			e.waiting = append(slices.Delete(e.waiting, 0, 1), f)
		}
		to.Dropped(e.ip, oldest)
		return
	}
	e.waiting = append(e.waiting, f)
	n.waiting++
}

// take empties e's queue.
func (n *Neighbors) take(e *neighbor) []*Frame {
	frames := e.waiting
	e.waiting = nil
	n.waiting -= len(frames)
	return frames
}

// ask sends e a question, to all as long as it is not known where it is.
func (n *Neighbors) ask(now time.Duration, e *neighbor, to NeighborSink) {
	e.asked++
	n.set(e, now+retryTime)
	p := ARP{Op: OpRequest, SenderMAC: n.mac, SenderIP: n.source(e.ip), TargetIP: e.ip.As4()}
	dst := broadcast
	if e.state == NeighborProbe {
		dst = e.mac
	}
	to.ARP(dst, &p)
}

var broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// Confirm says that the station was heard of from above, as data that we sent it was
// acknowledged (RFC 4861 §7.3.1): it need not be asked.
func (n *Neighbors) Confirm(now time.Duration, ip netip.Addr) {
	e := n.known[ip]
	if e == nil {
		return
	}
	switch e.state {
	case NeighborReachable, NeighborStale, NeighborDelay, NeighborProbe:
		n.reached(now, e)
	}
}

func (n *Neighbors) reached(now time.Duration, e *neighbor) {
	e.state, e.confirmed, e.timer = NeighborReachable, now, Never
}

// Deadline returns when Expire is to be called, or Never. It may come too early.
func (n *Neighbors) Deadline() time.Duration { return n.next }

// set sets e's timer.
func (n *Neighbors) set(e *neighbor, at time.Duration) {
	e.timer = at
	n.next = min(n.next, at)
}

// Expire does what is due at now, if anything.
func (n *Neighbors) Expire(now time.Duration, to NeighborSink) {
	if now < n.next {
		return
	}
	n.next = Never
	for _, e := range n.list {
		if e.timer <= now {
			n.expire(now, e, to)
		}
		n.next = min(n.next, e.timer)
	}
	n.expireOwn(now, to)
}

func (n *Neighbors) expire(now time.Duration, e *neighbor, to NeighborSink) {
	if e.state == NeighborDelay {
		e.state, e.asked = NeighborProbe, 0
	}
	if e.asked < maxAsked {
		n.ask(now, e, to)
		return
	}
	e.state, e.mac, e.timer = NeighborFailed, MAC{}, Never
	if frames := n.take(e); len(frames) > 0 {
		to.Unreachable(e.ip, frames)
	}
}
