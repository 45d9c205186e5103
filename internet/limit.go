package internet

import (
	"net/netip"
	"time"
)

// ErrorLimit says when an ICMP error may be sent, so that a host can neither be made
// to flood a third nor spend all its time answering (RFC 1812 §4.3.2.8). It has
// Linux's figures: to one peer six at once and then one a second, to all together 50
// at once and then 1000 a second. It is a machine without lock or clock; its zero
// value works.
type ErrorLimit struct {
	all   bucket
	peers map[netip.Addr]bucket
}

// A bucket holds tokens in units of time: what has passed since it was empty.
type bucket struct {
	filled time.Duration // tokens at the time at
	at     time.Duration
	used   bool
}

const (
	peerEvery, peerBurst = time.Second, 6
	allEvery, allBurst   = time.Millisecond, 50
	maxLimitedPeers      = 1024
)

// Allow says whether an error may be sent to a peer now, and counts it if so.
func (l *ErrorLimit) Allow(now time.Duration, peer netip.Addr) bool {
	one, known := l.peers[peer]
	if !known && len(l.peers) >= maxLimitedPeers {
		l.forgetFull(now)
	}
	if l.peers == nil {
		l.peers = map[netip.Addr]bucket{}
	}
	all := l.all
	allowed := one.take(now, peerEvery, peerBurst) && all.take(now, allEvery, allBurst)
	if allowed {
		l.all, l.peers[peer] = all, one
	}
	return allowed
}

// take takes a token, if there is one.
func (b *bucket) take(now, every time.Duration, burst int) bool {
	most := every * time.Duration(burst)
	if !b.used {
		b.filled = most
	}
	b.filled = min(b.filled+now-b.at, most)
	b.at, b.used = now, true
	if b.filled < every {
		return false
	}
	b.filled -= every
	return true
}

// forgetFull forgets peers whose bucket is full again; where there is none such, all:
// then the limit of all together has to do.
func (l *ErrorLimit) forgetFull(now time.Duration) {
	for peer, b := range l.peers {
		if now-b.at >= peerEvery*peerBurst {
			delete(l.peers, peer)
		}
	}
	if len(l.peers) >= maxLimitedPeers {
		clear(l.peers)
	}
}
