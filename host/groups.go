package host

import (
	"net/netip"
	"sync"
	"syscall"
	"time"

	"dialtone/internet"
)

// groups are the multicast groups that a host is in.
type groups struct {
	host   *Host
	mu     sync.RWMutex
	joined map[groupOn]int // how many sockets have joined it
	links  []membership    // by number of interface
}

type groupOn struct {
	group netip.Addr
	nic   int
}

// membership is what one link's routers are told, under groups.mu.
type membership struct {
	nic      *nic
	machine  internet.Membership
	deadline alarm
	draws    uint16
}

func (g *groups) init(h *Host) {
	g.host = h
	g.joined = map[groupOn]int{}
	g.links = make([]membership, len(h.nics))
	for i := range g.links {
		m := &g.links[i]
		m.nic = h.nics[i]
		m.deadline.init(m)
		m.machine.Random = m.random
	}
}

// random is a time that other hosts' differs from, and a run repeats.
func (m *membership) random(most time.Duration) time.Duration {
	m.draws++
	n := m.nic.host.digest(digestGroup, netip.AddrPortFrom(netip.IPv4Unspecified(), m.draws), netip.AddrPort{})
	return time.Duration(n>>1) % (most + 1)
}

// inGroup says whether packets to a group are taken that come by an interface; what
// comes by the loopback interface was sent by this host, to a group on another.
func (h *Host) inGroup(n *nic, group netip.Addr) bool {
	if group == internet.AllSystems || n.index == 0 {
		return true
	}
	h.groups.mu.RLock()
	defer h.groups.mu.RUnlock()
	return h.groups.joined[groupOn{group, n.index}] > 0
}

// joinGroup makes the host one of a group on an interface, once more.
func (h *Host) joinGroup(on groupOn) {
	h.changeGroup(on, 1)
}

// leaveGroup takes one joinGroup back.
func (h *Host) leaveGroup(on groupOn) {
	h.changeGroup(on, -1)
}

func (h *Host) changeGroup(on groupOn, by int) {
	out := h.outbox()
	defer out.release()
	g := &h.groups
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.joined[on]
	after := before + by
	if g.joined[on] = after; after == 0 {
		delete(g.joined, on)
	}
	m, now := &g.links[on.nic], h.now()
	switch {
	case before <= 0 && after > 0:
		m.machine.Join(now, on.group, m.sender(out))
	case before > 0 && after <= 0:
		m.machine.Leave(now, on.group, m.sender(out))
	}
	h.arm(&m.deadline, m.machine.Deadline())
}

// groupLink is the interface by which a group is joined: that with the address on, or,
// where that is not valid, the one by which packets to the group leave.
func (h *Host) groupLink(group, on netip.Addr) (*nic, error) {
	if !group.Is4() || !group.IsMulticast() {
		return nil, syscall.EINVAL
	}
	if on.IsValid() && !on.IsUnspecified() {
		if n := h.own[on]; n != nil {
			return n, nil
		}
		return nil, syscall.EADDRNOTAVAIL
	}
	r, err := h.routeTo(group)
	if err != nil {
		return nil, syscall.ENODEV // as Linux says
	}
	return r.nic, nil
}

// inputIGMP takes what a router asks, and other hosts answer.
func (h *Host) inputIGMP(p *packet, _ *outbox) {
	// RFC 3376 §4: TTL 1, so that nobody beyond the link has a say.
	if !internet.CheckIGMP(p.data) || p.ttl != 1 {
		h.drop(DropChecksum, p.whole)
		return
	}
	g := &h.groups
	g.mu.Lock()
	defer g.mu.Unlock()
	m := &g.links[p.nic.index]
	m.machine.Input(h.now(), p.data)
	h.arm(&m.deadline, m.machine.Deadline())
}

func (m *membership) expire(now time.Duration, out *outbox) {
	h := m.nic.host
	h.groups.mu.Lock()
	defer h.groups.mu.Unlock()
	m.machine.Expire(now, m.sender(out))
	h.arm(&m.deadline, m.machine.Deadline())
}

// routerAlert is the option by which routers look at what is not for them (RFC 2113).
var routerAlert = [4]byte{byte(internet.RouterAlertV4), 4, 0, 0}

// sender sends what a machine has to say, by its interface.
func (m *membership) sender(out *outbox) internet.SendIGMP {
	return func(dst netip.Addr, message []byte) {
		if m.nic.index == 0 || len(m.nic.prefixes) == 0 {
			return
		}
		r, err := m.nic.host.routeFrom(m.nic.prefixes[0].Addr(), dst)
		if err != nil {
			return
		}
		header := internet.IPv4{TTL: 1, TOS: 0xc0, Options: routerAlert[:]}
		copy(out.packetWith(r, internet.IGMP, len(message), header), message)
	}
}
