package serve

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what peers can take. A zero field is no limit unless it says
// otherwise.
type Limits struct {
	Max        int     // conversations at once
	MaxPerAddr int     // conversations at once from one IP address
	AcceptRate float64 // new conversations a second, with bursts of one second's worth
	Rate       int64   // bytes a second that are read in one conversation

	Idle      time.Duration // ends a conversation in which nothing moves
	FirstByte time.Duration // ends one whose peer has said nothing yet
	Session   time.Duration // ends a session of datagrams in which nothing moves; 0 means a minute
	Handshake time.Duration // for the PROXY header, TLS and WebSocket together; 0 means 10 seconds

	MaxLine  int // bytes of a line without its line feed; longer ends the conversation
	Datagram int // bytes of a datagram; longer is reported and dropped. 0 means 65507, the most there is

	Allow []netip.Prefix // when not empty, only these may come
	Deny  []netip.Prefix // these may not, whatever Allow says
}

const (
	defaultHandshake = 10 * time.Second
	defaultSession   = time.Minute
	maxDatagram      = 65507 // IPv4's 65535 less the IP and UDP headers (RFC 768, RFC 791)
)

func (l *Limits) handshake() time.Duration {
	if l.Handshake > 0 {
		return l.Handshake
	}
	return defaultHandshake
}

// idle returns how long nothing may move in c; 0 means for ever.
func (l *Limits) idle(c *Conn) time.Duration {
	if _, ok := c.Conn.(*session); !ok {
		return l.Idle
	}
	if l.Session > 0 {
		return l.Session
	}
	return defaultSession
}

func (l *Limits) datagram() int {
	if l.Datagram > 0 {
		return min(l.Datagram, maxDatagram)
	}
	return maxDatagram
}

// limiter returns what holds one conversation to Rate, or nil.
func (l *Limits) limiter() *rate.Limiter {
	if l.Rate <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(l.Rate), int(max(l.Rate, burstSize)))
}

// permits reports whether Allow and Deny let addr in. Peers without an IP
// address (Unix sockets) are the file system's to control.
func (l *Limits) permits(addr netip.Addr) bool {
	if !addr.IsValid() {
		return true
	}
	in := func(p netip.Prefix) bool { return p.Contains(addr) }
	if slices.ContainsFunc(l.Deny, in) {
		return false
	}
	return len(l.Allow) == 0 || slices.ContainsFunc(l.Allow, in)
}

// Reason says why somebody was refused; it is also the label in the metrics.
type Reason string

const (
	refusedDenied    Reason = "not allowed"
	refusedMax       Reason = "too many connections"
	refusedPerAddr   Reason = "too many connections from this address"
	refusedRate      Reason = "too many new connections a second"
	refusedBytes     Reason = "too many bytes a second"
	refusedFiles     Reason = "too many open files"
	refusedHandshake Reason = "handshake"
)

// gate decides who may come in, and counts who is in.
type gate struct {
	limits *Limits
	rate   *rate.Limiter

	mu      sync.Mutex
	open    int
	perAddr map[netip.Addr]int
}

func newGate(l *Limits) *gate {
	g := &gate{limits: l, perAddr: map[netip.Addr]int{}}
	if l.AcceptRate > 0 {
		g.rate = rate.NewLimiter(rate.Limit(l.AcceptRate), max(1, int(l.AcceptRate)))
	}
	return g
}

// enter counts one more conversation, whoever it is from, or says why not.
func (g *gate) enter() Reason {
	if g.rate != nil && !g.rate.Allow() {
		return refusedRate
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limits.Max > 0 && g.open >= g.limits.Max {
		return refusedMax
	}
	g.open++
	return ""
}

// identify decides by the address, once it is known.
func (g *gate) identify(addr netip.Addr) Reason {
	if !g.limits.permits(addr) {
		return refusedDenied
	}
	if g.limits.MaxPerAddr <= 0 || !addr.IsValid() {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.perAddr[addr] >= g.limits.MaxPerAddr {
		return refusedPerAddr
	}
	g.perAddr[addr]++
	return ""
}

// leave undoes enter, and identify when addr is valid.
func (g *gate) leave(addr netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if g.limits.MaxPerAddr <= 0 || !addr.IsValid() {
		return
	}
	if g.perAddr[addr]--; g.perAddr[addr] <= 0 {
		delete(g.perAddr, addr)
	}
}

// addrOf returns a's IP address without zone and without the mapping of IPv4
// into IPv6, or the zero Addr.
func addrOf(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap().WithZone("")
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}
