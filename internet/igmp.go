package internet

import (
	"encoding/binary"
	"strconv"
	"time"

	"dialtone/link"
)

// IGMPHeader is the header of every IGMP message: version 1 (RFC 1112), 2
// (RFC 2236) and 3 (RFC 3376). Behind it a query of version 3 has a GroupQuery, a
// report of version 3 a GroupRecord for each group.
type IGMPHeader struct {
	Type     uint8
	MaxResp  uint8 // of a query: see MaxResponse
	Checksum uint16
	Group    [4]byte // of a version 3 report: reserved, and the number of records
}

// The types of IGMP messages.
const (
	IGMPQuery    uint8 = 0x11
	IGMPv1Report uint8 = 0x12
	IGMPv2Report uint8 = 0x16
	IGMPLeave    uint8 = 0x17
	IGMPv3Report uint8 = 0x22
)

var errIGMPCut = &link.HeaderError{Layer: "IGMP", Offset: 0, Rule: "cut short: fewer than 8 bytes"}

// ParseIGMP takes the header off b.
func ParseIGMP(b []byte) (h IGMPHeader, payload []byte, err error) {
	if len(b) < 8 {
		return h, nil, errIGMPCut
	}
	return IGMPHeader{
		Type:     b[0],
		MaxResp:  b[1],
		Checksum: binary.BigEndian.Uint16(b[2:]),
		Group:    [4]byte(b[4:]),
	}, b[8:], nil
}

// Append puts the header behind b as its fields are: FillIGMP sets the checksum
// once the payload is there.
func (h *IGMPHeader) Append(b []byte) []byte {
	b = append(b, h.Type, h.MaxResp)
	b = binary.BigEndian.AppendUint16(b, h.Checksum)
	return append(b, h.Group[:]...)
}

// CheckIGMP reports whether the checksum of a whole message is right (RFC 3376 §4.1.2).
func CheckIGMP(msg []byte) bool { return len(msg) >= 4 && Fold(Sum(msg, 0)) == 0 }

// FillIGMP sets the checksum of a whole message.
func FillIGMP(msg []byte) { fill(msg, 2, 0) }

// Version returns the message's version of IGMP, 1 to 3, or 0 for a type that is
// not known.
func (h *IGMPHeader) Version(payload []byte) int {
	switch h.Type {
	case IGMPQuery: // RFC 3376 §7.1: told apart by length, then by the response time
		switch {
		case len(payload) >= groupQuerySize:
			return 3
		case h.MaxResp == 0:
			return 1
		}
		return 2
	case IGMPv1Report:
		return 1
	case IGMPv2Report, IGMPLeave:
		return 2
	case IGMPv3Report:
		return 3
	}
	return 0
}

// Records is how many GroupRecords a version 3 report says it has.
func (h *IGMPHeader) Records() int { return int(binary.BigEndian.Uint16(h.Group[2:])) }

// MaxResponse is how long a host may wait with its answer to a query of the given
// version: in tenths of a second, from 128 on in version 3 a floating-point number
// (RFC 3376 §4.1.1).
func (h *IGMPHeader) MaxResponse(version int) time.Duration {
	tenths := int64(h.MaxResp)
	if version == 3 && tenths >= 128 {
		tenths = (tenths&15 | 16) << (tenths>>4&7 + 3)
	}
	return time.Duration(tenths) * 100 * time.Millisecond
}

// Name says what the message is in words: "membership query", "leave group", or
// "type 200".
func (h *IGMPHeader) Name() string {
	switch h.Type {
	case IGMPQuery:
		return "membership query"
	case IGMPv1Report:
		return "membership report v1"
	case IGMPv2Report:
		return "membership report v2"
	case IGMPLeave:
		return "leave group"
	case IGMPv3Report:
		return "membership report v3"
	case 0x13:
		return "DVMRP"
	case 0x14:
		return "PIMv1"
	}
	return "type " + strconv.Itoa(int(h.Type))
}
