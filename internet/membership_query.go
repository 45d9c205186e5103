package internet

import (
	"net/netip"
	"time"
)

// Input takes a message that came by the link, whole and with its checksum checked.
func (m *Membership) Input(now time.Duration, message []byte) {
	h, payload, err := ParseIGMP(message)
	if err != nil {
		return
	}
	switch version := h.Version(payload); h.Type {
	case IGMPQuery:
		m.query(now, &h, version)
	case IGMPv1Report, IGMPv2Report:
		// RFC 2236 §3: who hears another's report of the group keeps his own.
		if g := m.find(netip.AddrFrom4(h.Group)); g != nil && m.version(now) < 3 {
			g.answer, g.last = never, false
		}
	}
}

// query takes a router's question: of one group, or of all.
func (m *Membership) query(now time.Duration, h *IGMPHeader, version int) {
	most := h.MaxResponse(version)
	if version < 3 {
		m.older[version] = now + olderPresent
		if version == 1 {
			most = 10 * time.Second // RFC 2236 §4
		}
	}
	group := netip.AddrFrom4(h.Group)
	at := now + m.Random(most)
	// RFC 3376 §5.2: a general query is answered for all groups at once.
	if m.version(now) == 3 && group.IsUnspecified() {
		m.general = m.sooner(now, m.pendingGeneral(), at)
		m.started = true
		return
	}
	for i := range m.groups {
		g := &m.groups[i]
		if g.joined && (group.IsUnspecified() || g.group == group) {
			g.answer = m.sooner(now, g.answer, at)
			at = now + m.Random(most)
		}
	}
}

// sooner keeps an answer that is due sooner than the new one would be.
func (m *Membership) sooner(now, planned, at time.Duration) time.Duration {
	if planned > now && planned < at {
		return planned
	}
	return at
}

func (m *Membership) pendingGeneral() time.Duration {
	if !m.started {
		return never
	}
	return m.general
}

// Deadline returns when Expire is to be called; the largest Duration for never.
func (m *Membership) Deadline() time.Duration {
	at := m.pendingGeneral()
	for i := range m.groups {
		at = min(at, m.groups[i].at, m.groups[i].answer)
	}
	return at
}

// Expire sends what is due.
func (m *Membership) Expire(now time.Duration, send SendIGMP) {
	if m.pendingGeneral() <= now {
		m.general = never
		m.answerAll(now, send)
	}
	for i := range m.groups {
		g := &m.groups[i]
		if g.at <= now {
			m.reportChange(now, g, send)
		}
		if g.answer <= now {
			g.answer = never
			m.answerOne(now, g, send)
		}
	}
	m.forget()
}

func (m *Membership) answerOne(now time.Duration, g *member, send SendIGMP) {
	if version := m.version(now); version < 3 {
		g.last = true
		sendGroup(version, g.group, send)
		return
	}
	sendRecord(g.group, ModeIsExclude, send)
}

// maxRecords fit the smallest MTU that multicast meets: 576 bytes.
const maxRecords = (576 - ipv4Size - 4 - 8) / 8

// answerAll answers a general query.
func (m *Membership) answerAll(now time.Duration, send SendIGMP) {
	var records []GroupRecord
	for i := range m.groups {
		g := &m.groups[i]
		if !g.joined {
			continue
		}
		if m.version(now) < 3 { // an older router has come meanwhile
			m.answerOne(now, g, send)
			continue
		}
		if records = append(records, GroupRecord{Kind: ModeIsExclude, Group: g.group.AsSlice()}); len(records) == maxRecords {
			sendRecords(records, send)
			records = nil
		}
	}
	if len(records) > 0 {
		sendRecords(records, send)
	}
}
