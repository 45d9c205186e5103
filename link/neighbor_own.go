package link

import (
	"net/netip"
	"slices"
	"time"
)

// ownAddress is one of ours.
//
//	Probe ─→ PROBING ─ 3 × 1…2 s, then 2 s ─→ ANNOUNCED ─ 2 × 2 s ─→ OWNED ←─ Own
//	            └─ conflict: gone                  └─ conflict: defended, at most every 10 s
type ownAddress struct {
	prefix   netip.Prefix
	probing  bool
	left     int           // packets still to be sent: probes, or announcements
	timer    time.Duration // of the next; Never
	defended time.Duration // when last; -defendInterval: never yet
}

// RFC 5227 §1.1.
const (
	probeNum         = 3
	announceWait     = 2 * time.Second
	announceNum      = 2
	announceInterval = 2 * time.Second
	defendInterval   = 10 * time.Second
)

// Own says that prefix.Addr(), an IPv4 address, is ours, for the asking. Nobody is
// told: Linux does not either.
func (n *Neighbors) Own(prefix netip.Prefix) {
	n.Disown(prefix.Addr())
	n.own = append(n.own, ownAddress{prefix: prefix, timer: Never, defended: -defendInterval})
}

// Disown takes an address back.
func (n *Neighbors) Disown(ip netip.Addr) {
	n.own = slices.DeleteFunc(n.own, func(a ownAddress) bool { return a.prefix.Addr() == ip })
}

// Owns says whether ip is ours; not while it is probed for.
func (n *Neighbors) Owns(ip netip.Addr) bool {
	a := n.ours(ip)
	return a != nil && !a.probing
}

// Announce tells all that ip, one of ours, is at our MAC address, and again after two
// seconds, so that nobody goes on with an old one (RFC 5227 §2.3).
func (n *Neighbors) Announce(now time.Duration, ip netip.Addr, to NeighborSink) {
	if a := n.ours(ip); a != nil {
		a.probing, a.left = false, announceNum
		n.expireAddress(now, a, to)
	}
}

// Probe asks whether anyone has an address that we want (RFC 5227 §2.1). The sink
// hears the answer within ten seconds: Claimed, after which it is announced, or Conflict.
func (n *Neighbors) Probe(now time.Duration, prefix netip.Prefix) {
	n.Own(prefix)
	a := &n.own[len(n.own)-1]
	a.probing, a.left = true, probeNum
	n.setOwn(a, now+n.uneven())
}

// uneven is up to a second, another for most stations, so that those that were
// switched on together do not ask at once (RFC 5227 §2.1.1 wants it random).
func (n *Neighbors) uneven() time.Duration {
	return (time.Duration(n.mac[4])<<8 + time.Duration(n.mac[5])) * time.Second >> 16
}

func (n *Neighbors) ours(ip netip.Addr) *ownAddress {
	i := slices.IndexFunc(n.own, func(a ownAddress) bool { return a.prefix.Addr() == ip })
	if i < 0 {
		return nil
	}
	return &n.own[i]
}

// source is the address to ask for ip with: one in the same net, or else our first.
func (n *Neighbors) source(ip netip.Addr) (from [4]byte) {
	for i := range n.own {
		a := &n.own[i]
		switch {
		case a.probing: // not ours to use yet
		case a.prefix.Contains(ip):
			return a.prefix.Addr().As4()
		case from == [4]byte{}:
			from = a.prefix.Addr().As4()
		}
	}
	return from
}

func (n *Neighbors) setOwn(a *ownAddress, at time.Duration) {
	a.timer = at
	n.next = min(n.next, at)
}

func (n *Neighbors) expireOwn(now time.Duration, to NeighborSink) {
	for i := range n.own {
		if a := &n.own[i]; a.timer <= now {
			n.expireAddress(now, a, to)
		}
		n.next = min(n.next, n.own[i].timer)
	}
}

// expireAddress sends the next probe or announcement of a.
func (n *Neighbors) expireAddress(now time.Duration, a *ownAddress, to NeighborSink) {
	if a.probing && a.left == 0 {
		a.probing, a.left = false, announceNum
		to.Claimed(a.prefix.Addr())
	}
	p := ARP{Op: OpRequest, SenderMAC: n.mac, TargetIP: a.prefix.Addr().As4()}
	interval := announceInterval
	if a.probing {
		interval = time.Second + n.uneven()
	} else {
		p.SenderIP = p.TargetIP
	}
	to.ARP(broadcast, &p)
	a.left--
	switch {
	case a.left > 0:
		n.setOwn(a, now+interval)
	case a.probing:
		n.setOwn(a, now+announceWait)
	default:
		a.timer = Never
	}
}

// conflicts says whether a packet of another station has to do with its using an
// address of ours, and sees to that.
func (n *Neighbors) conflicts(now time.Duration, sender, target netip.Addr, p *ARP, to NeighborSink) bool {
	if a := n.ours(sender); a != nil {
		if a.probing {
			n.Disown(sender)
		} else if now-a.defended >= defendInterval {
			// RFC 5227 §2.4 (c): MUST NOT defend more than once in 10 s. Linux never does.
			a.defended = now
			to.ARP(broadcast, &ARP{Op: OpRequest, SenderMAC: n.mac, SenderIP: p.SenderIP, TargetIP: p.SenderIP})
		}
		to.Conflict(sender, p.SenderMAC)
		return true
	}
	// RFC 5227 §2.1.1: whoever probes for what we probe for has it as little as we.
	if a := n.ours(target); a != nil && a.probing && p.IsProbe() {
		n.Disown(target)
		to.Conflict(target, p.SenderMAC)
		return true
	}
	return false
}
