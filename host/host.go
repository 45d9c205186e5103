package host

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A Host is one machine. It is made by [New] and ended by [Host.Close].
type Host struct {
	name   string
	clock  Clock
	start  time.Time
	secret [32]byte // of ports, sequence numbers and IDs that nobody is to guess
	hooks  Hooks

	network // addresses, interfaces and routes: fixed by New
	alarms  alarms
	errors  errorLimit
	pieces  fragments
	groups  groups
	pings   pings
	udp     udpSockets
	tcp     tcpSockets
	names   map[string]netip.Addr
	counts  counters
	closed  atomic.Bool

	outboxes sync.Pool
}

// An Option is one thing that [New] is told about a host.
type Option func(*Host)

// New makes a host and attaches it to its links. Without options it has a loopback
// interface alone. It panics when an option is given an address that is none: what
// comes from a user is to be parsed before.
func New(name string, options ...Option) *Host {
	h := &Host{name: name, clock: systemClock{}}
	h.outboxes.New = func() any { return &outbox{host: h} }
	rand.Read(h.secret[:])
	newNIC(h, &loopback{}).prefixes = []netip.Prefix{loopbackNet}
	for _, o := range options {
		o(h)
	}
	h.start = h.clock.Now()
	h.alarms.wake = never
	h.network.up(h)
	h.pieces.init(h)
	h.groups.init(h)
	h.pings.init(h)
	h.udp.init(h)
	h.tcp.init(h)
	for _, n := range h.nics {
		n.up()
	}
	return h
}

// Seed makes a run repeat: ports, sequence numbers and IDs, which nobody can guess
// otherwise, follow from it and the host's name.
func Seed(seed uint64) Option {
	return func(h *Host) {
		b := binary.BigEndian.AppendUint64([]byte(h.name), seed)
		h.secret = sha256.Sum256(b)
	}
}

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// Close ends the host at once, as pulling the plug would: sockets are closed and
// nothing more is sent, not even to say so. No goroutine is left when it has returned;
// it must not be called by one that a link or a hook of the host is running.
func (h *Host) Close() error {
	if !h.closed.CompareAndSwap(false, true) {
		return nil
	}
	h.alarms.stop()
	for _, n := range h.nics {
		n.down()
	}
	h.closeTCP()
	h.udp.close()
	h.pings.close()
	return nil
}

// digest is a number that only this host can know, of a purpose and two ends: the
// start of a search for a port (RFC 6056 §3.3.3), the first of a row of IDs.
func (h *Host) digest(purpose byte, local, remote netip.AddrPort) uint64 {
	var room [96]byte
	b := append(room[:0], h.secret[:]...)
	b = append(b, purpose)
	for _, end := range [...]netip.AddrPort{local, remote} {
		addr := end.Addr().As16()
		b = append(b, addr[:]...)
		b = binary.BigEndian.AppendUint16(b, end.Port())
	}
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}

// The purposes of digest.
const (
	digestID byte = iota
	digestPort
	digestISN
	digestTimestamp
	digestPing
	digestGroup
)
