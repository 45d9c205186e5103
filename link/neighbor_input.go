package link

import (
	"net/netip"
	"time"
)

// Input takes an ARP packet that came in a frame to dst; reverse ones are for
// [Reverse]. It follows RFC 826's "Packet Reception", but that nobody is learnt by his
// answers alone.
func (n *Neighbors) Input(now time.Duration, dst MAC, p *ARP, to NeighborSink) {
	// RFC 1812 §3.3.2: MUST NOT believe an answer that says a group's address.
	if p.Op != OpRequest && p.Op != OpReply || p.SenderMAC == n.mac || p.SenderMAC.IsMulticast() || p.SenderMAC == (MAC{}) {
		return
	}
	sender, target := netip.AddrFrom4(p.SenderIP), netip.AddrFrom4(p.TargetIP)
	if n.conflicts(now, sender, target, p, to) || sender.IsMulticast() || sender.IsLoopback() || p.SenderIP == broadcastIP {
		return
	}
	asked := p.Op == OpRequest && n.Owns(target)
	if e := n.known[sender]; e != nil {
		n.learn(now, e, dst, p, to)
	} else if asked && !p.IsProbe() {
		e = n.add(now, sender, to)
		e.state, e.mac, e.updated = NeighborStale, p.SenderMAC, now
	}
	if asked {
		to.ARP(p.SenderMAC, &ARP{Op: OpReply, SenderMAC: n.mac, SenderIP: p.TargetIP, TargetMAC: p.SenderMAC, TargetIP: p.SenderIP})
	}
}

var broadcastIP = [4]byte{255, 255, 255, 255}

// learn compares what is known of a station with what its packet says.
func (n *Neighbors) learn(now time.Duration, e *neighbor, dst MAC, p *ARP, to NeighborSink) {
	if e.state == NeighborPermanent {
		return
	}
	hasMAC := e.state != NeighborIncomplete && e.state != NeighborFailed
	// As Linux: of two answers to one question the first is believed.
	if hasMAC && e.mac != p.SenderMAC && now-e.updated < lockTime && !p.IsAnnouncement() && p.Op == OpReply {
		return
	}
	same := hasMAC && e.mac == p.SenderMAC
	e.mac, e.updated = p.SenderMAC, now
	switch {
	case p.Op == OpReply && dst == n.mac:
		n.reached(now, e) // an answer to us: it also heard us
	case !same:
		e.state, e.timer = NeighborStale, Never
	}
	if frames := n.take(e); len(frames) > 0 {
		to.Resolved(e.ip, e.mac, frames)
	}
}
