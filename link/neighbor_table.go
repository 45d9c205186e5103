package link

import (
	"net/netip"
	"time"
)

// Linux's gc_thresh1, gc_thresh3 and gc_stale_time (arp(7)).
const (
	fewNeighbors = 128
	maxNeighbors = 1024
	unusedTime   = 60 * time.Second
	collectEvery = 5 * time.Second
)

// A Neighbor is what the table says of a station.
type Neighbor struct {
	IP    netip.Addr
	MAC   MAC // 0 where it is not known
	State NeighborState
	Idle  time.Duration // since there was a packet for it; -1: there never was
}

// All returns the table, in no particular order but the same in the same run.
func (n *Neighbors) All(now time.Duration) []Neighbor {
	all := make([]Neighbor, 0, len(n.list))
	for _, e := range n.list {
		s := Neighbor{IP: e.ip, MAC: e.mac, State: e.at(now), Idle: -1}
		if e.used >= 0 {
			s.Idle = now - e.used
		}
		all = append(all, s)
	}
	return all
}

// Set sets by hand where a station is: nothing changes that but Set and Forget.
func (n *Neighbors) Set(now time.Duration, ip netip.Addr, mac MAC, to NeighborSink) {
	e := n.known[ip]
	if e == nil {
		e = n.add(now, ip, to)
	}
	e.state, e.mac, e.timer, e.updated = NeighborPermanent, mac, Never, now
	if frames := n.take(e); len(frames) > 0 {
		to.Resolved(ip, mac, frames)
	}
}

// Forget takes a station out of the table. Packets that wait for it are unreachable.
func (n *Neighbors) Forget(ip netip.Addr, to NeighborSink) {
	if e := n.known[ip]; e != nil {
		n.remove(e, to)
	}
}

// Close gives back all packets that wait.
func (n *Neighbors) Close(to NeighborSink) {
	for len(n.list) > 0 {
		n.remove(n.list[len(n.list)-1], to)
	}
	n.own, n.next = nil, Never
}

// add makes an entry, and room for it.
func (n *Neighbors) add(now time.Duration, ip netip.Addr, to NeighborSink) *neighbor {
	if len(n.list) >= fewNeighbors && now-n.collected >= collectEvery {
		n.collect(now, to)
	}
	if len(n.list) >= maxNeighbors {
		n.remove(n.leastUsed(), to)
	}
	e := &neighbor{ip: ip, timer: Never, updated: now, used: -1, place: len(n.list)}
	n.known[ip] = e
	n.list = append(n.list, e)
	return e
}

// collect forgets who has neither been used nor heard of for a minute.
func (n *Neighbors) collect(now time.Duration, to NeighborSink) {
	n.collected = now
	for i := len(n.list) - 1; i >= 0; i-- {
		e := n.list[i]
		if s := e.at(now); (s == NeighborStale || s == NeighborFailed) && now-max(e.used, e.updated) >= unusedTime {
			n.remove(e, to)
		}
	}
}

// leastUsed is whose last packet is longest ago, and of those that never had one, who
// was heard of longest ago.
func (n *Neighbors) leastUsed() *neighbor {
	least := n.list[0]
	for _, e := range n.list[1:] {
		if least.state == NeighborPermanent || e.state != NeighborPermanent &&
			(e.used < least.used || e.used == least.used && e.updated < least.updated) {
			least = e
		}
	}
	return least
}

func (n *Neighbors) remove(e *neighbor, to NeighborSink) {
	last := n.list[len(n.list)-1]
	n.list[e.place], last.place = last, e.place
	n.list[len(n.list)-1] = nil
	n.list = n.list[:len(n.list)-1]
	delete(n.known, e.ip)
	if frames := n.take(e); len(frames) > 0 {
		to.Unreachable(e.ip, frames)
	}
}
