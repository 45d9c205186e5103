package internet

import (
	"encoding/binary"
	"time"

	"dialtone/link"
)

// MLD is a message of multicast listener discovery, IGMP's counterpart in ICMPv6:
// version 1 (RFC 2710) and 2 (RFC 3810). Behind it a query of version 2 has a
// GroupQuery, a report of version 2 a GroupRecord for each group.
type MLD struct {
	ICMPHeader
	Group [16]byte // zero for a general query; a version 2 report has none
}

var (
	errMLDType = &link.HeaderError{Layer: "MLD", Offset: 0, Rule: "type is not 130 to 132 nor 143"}
	errMLDCut  = &link.HeaderError{Layer: "MLD", Offset: 8, Rule: "cut short: fewer than 24 bytes"}
)

// ParseMLD takes a message apart; msg starts with the ICMPv6 header.
func ParseMLD(msg []byte) (m MLD, payload []byte, err error) {
	h, payload, err := ParseICMP(msg)
	if err != nil {
		return m, nil, err
	}
	switch h.Type {
	case MLDQuery, MLDReport, MLDDone:
		if len(payload) < 16 {
			return m, nil, errMLDCut
		}
		return MLD{ICMPHeader: h, Group: [16]byte(payload)}, payload[16:], nil
	case MLDv2Report:
		return MLD{ICMPHeader: h}, payload, nil
	}
	return m, nil, errMLDType
}

// Append puts the message behind b as its fields are: FillICMPv6 sets the checksum
// once the payload is there.
func (m *MLD) Append(b []byte) []byte {
	b = m.ICMPHeader.Append(b)
	if m.Type == MLDv2Report {
		return b
	}
	return append(b, m.Group[:]...)
}

// Version returns the message's version of MLD, 1 or 2.
func (m *MLD) Version(payload []byte) int {
	// RFC 3810 §8.1: a query of version 2 is told by its length.
	if m.Type == MLDv2Report || (m.Type == MLDQuery && len(payload) >= groupQuerySize) {
		return 2
	}
	return 1
}

// Records is how many GroupRecords a version 2 report says it has.
func (m *MLD) Records() int { return int(binary.BigEndian.Uint16(m.Rest[2:])) }

// MaxResponse is how long a host may wait with its answer to a query of the given
// version: in milliseconds, from 32768 on in version 2 a floating-point number
// (RFC 3810 §5.1.3).
func (m *MLD) MaxResponse(version int) time.Duration {
	ms := int64(binary.BigEndian.Uint16(m.Rest[:]))
	if version == 2 && ms >= 32768 {
		ms = (ms&0xfff | 0x1000) << (ms>>12&7 + 3)
	}
	return time.Duration(ms) * time.Millisecond
}
