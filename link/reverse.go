package link

import (
	"net/netip"
	"time"
)

// Reverse asks for our own IPv4 address, as machines without a disk did when they were
// switched on (RFC 903): a machine without goroutine, lock or clock, as [Neighbors] is.
//
//	q := link.AskReverse(now, mac)
//	at q.Deadline(): p, ok := q.Expire(now) // p is to be sent to all; not ok: given up
//	q.Input(&p)                             // q.Address() may be known now
type Reverse struct {
	mac   MAC
	asked int
	next  time.Duration
	found netip.Addr
	by    netip.Addr
}

// RFC 903 leaves open how often to ask, and when.
const (
	maxReverse   = 6
	firstReverse = time.Second
	mostReverse  = 16 * time.Second
)

// AskReverse begins to ask at now.
func AskReverse(now time.Duration, mac MAC) *Reverse { return &Reverse{mac: mac, next: now} }

// Deadline returns when the next question is due, or Never.
func (r *Reverse) Deadline() time.Duration { return r.next }

// Expire returns the question that is to be sent to all at now; not ok if none is, as
// the answer is there, or as there was none to six questions.
func (r *Reverse) Expire(now time.Duration) (p ARP, ok bool) {
	if now < r.next {
		return p, false
	}
	if r.asked == maxReverse {
		r.next = Never
		return p, false
	}
	r.next = now + min(firstReverse<<r.asked, mostReverse)
	r.asked++
	return ARP{Op: OpReverseRequest, SenderMAC: r.mac, TargetMAC: r.mac}, true
}

// Input takes an RARP packet.
func (r *Reverse) Input(p *ARP) {
	ip := netip.AddrFrom4(p.TargetIP)
	if p.Op != OpReverseReply || p.TargetMAC != r.mac || r.found.IsValid() || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback() {
		return
	}
	r.found, r.by, r.next = ip, netip.AddrFrom4(p.SenderIP), Never
}

// Address returns our address and that of who told us; not ok until he has.
func (r *Reverse) Address() (ip, by netip.Addr, ok bool) { return r.found, r.by, r.found.IsValid() }

// ReverseServer knows other machines' addresses, and tells them.
type ReverseServer struct {
	MAC   MAC        // our own
	IP    netip.Addr // our own, IPv4
	Known map[MAC]netip.Addr
}

// Input takes an RARP packet and returns the answer, to be sent to answer.TargetMAC;
// not ok if it is no question, or about a machine that is not known.
func (s *ReverseServer) Input(p *ARP) (answer ARP, ok bool) {
	ip, known := s.Known[p.TargetMAC]
	if p.Op != OpReverseRequest || !known {
		return answer, false
	}
	return ARP{Op: OpReverseReply, SenderMAC: s.MAC, SenderIP: s.IP.As4(), TargetMAC: p.TargetMAC, TargetIP: ip.As4()}, true
}
