package internet

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// Membership tells the multicast routers of one link what groups a host is in: the
// host's part of IGMPv3 (RFC 3376), for whole groups, and of versions 2 and 1
// (RFC 2236, RFC 1112) for as long as an older router asks. It is a machine without
// goroutine, lock or clock; what is to be sent comes out through a function, to be sent
// with TTL 1 and the router alert option.
type Membership struct {
	// Random returns a time from 0 up to most, not the same for all hosts of a link.
	Random func(most time.Duration) time.Duration

	groups  []member // in the order in which they were joined
	older   [3]time.Duration
	general time.Duration // when to answer a general query of version 3; Never
	started bool
}

// member is a group that the host is in, or has just left.
type member struct {
	group  netip.Addr
	joined bool
	change int           // reports of joining or leaving that are still to be sent
	at     time.Duration // of the next of them; never
	answer time.Duration // to a query; never
	last   bool          // whether the last report of the group on the link was ours
}

// SendIGMP sends a message, complete with checksum, to a group.
type SendIGMP func(dst netip.Addr, message []byte)

var (
	AllSystems  = netip.AddrFrom4([4]byte{224, 0, 0, 1})
	allRouters  = netip.AddrFrom4([4]byte{224, 0, 0, 2})
	igmpRouters = netip.AddrFrom4([4]byte{224, 0, 0, 22}) // RFC 3376 §4.2.14
)

// RFC 3376 §8.
const (
	robustness          = 2
	unsolicitedInterval = time.Second
	olderPresent        = robustness*125*time.Second + 10*time.Second
	never               = time.Duration(1<<63 - 1)
)

// Join says that the host is in a group now. Nobody is told of 224.0.0.1 (RFC 3376 §6).
func (m *Membership) Join(now time.Duration, group netip.Addr, send SendIGMP) {
	m.set(now, group, true, send)
}

// Leave says that the host is not in a group any more.
func (m *Membership) Leave(now time.Duration, group netip.Addr, send SendIGMP) {
	m.set(now, group, false, send)
}

func (m *Membership) set(now time.Duration, group netip.Addr, joined bool, send SendIGMP) {
	if group == AllSystems {
		return
	}
	g := m.find(group)
	if g == nil {
		if !joined {
			return
		}
		m.groups = append(m.groups, member{group: group, at: never, answer: never})
		g = &m.groups[len(m.groups)-1]
	}
	if g.joined == joined {
		return
	}
	// RFC 3376 §5.1: the report of a change is sent again, robustness times in all.
	g.joined, g.change, g.answer = joined, robustness, never
	m.reportChange(now, g, send)
	m.forget()
}

func (m *Membership) find(group netip.Addr) *member {
	i := slices.IndexFunc(m.groups, func(g member) bool { return g.group == group })
	if i < 0 {
		return nil
	}
	return &m.groups[i]
}

// forget drops groups that were left, once that has been said.
func (m *Membership) forget() {
	m.groups = slices.DeleteFunc(m.groups, func(g member) bool { return !g.joined && g.change == 0 })
}

// version is the one to speak now (RFC 3376 §7.2.1).
func (m *Membership) version(now time.Duration) int {
	switch {
	case m.older[1] > now:
		return 1
	case m.older[2] > now:
		return 2
	}
	return 3
}

// reportChange sends one report of joining or leaving.
func (m *Membership) reportChange(now time.Duration, g *member, send SendIGMP) {
	version := m.version(now)
	switch {
	case version == 3 && g.joined:
		sendRecord(g.group, ChangeToExclude, send) // to exclude nobody is to hear all
	case version == 3:
		sendRecord(g.group, ChangeToInclude, send)
	case g.joined:
		g.last = true
		sendGroup(version, g.group, send)
	default:
		m.sendLeave(version, g, send)
		g.change = 1
	}
	g.change--
	g.at = never
	if g.change > 0 {
		g.at = now + m.Random(unsolicitedInterval)
	}
}

// sendLeave: RFC 2236 §3: a host that did not send the last report need not.
func (m *Membership) sendLeave(version int, g *member, send SendIGMP) {
	if version == 2 && g.last {
		sendMessage(IGMPLeave, g.group, allRouters, send)
	}
}

func sendGroup(version int, group netip.Addr, send SendIGMP) {
	kind := IGMPv2Report
	if version == 1 {
		kind = IGMPv1Report
	}
	sendMessage(kind, group, group, send)
}

func sendMessage(kind uint8, group, dst netip.Addr, send SendIGMP) {
	h := IGMPHeader{Type: kind, Group: group.As4()}
	b := h.Append(nil)
	FillIGMP(b)
	send(dst, b)
}

func sendRecord(group netip.Addr, kind GroupRecordKind, send SendIGMP) {
	sendRecords([]GroupRecord{{Kind: kind, Group: group.AsSlice()}}, send)
}

func sendRecords(records []GroupRecord, send SendIGMP) {
	h := IGMPHeader{Type: IGMPv3Report}
	binary.BigEndian.PutUint16(h.Group[2:], uint16(len(records)))
	b := h.Append(nil)
	for i := range records {
		b = records[i].Append(b)
	}
	FillIGMP(b)
	send(igmpRouters, b)
}
