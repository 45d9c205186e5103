package link

import (
	"encoding/binary"
	"fmt"
)

// LLC is the header in an 802.3 frame (IEEE 802.2 §3.2).
type LLC struct {
	DSAP, SSAP SAP
	Control    uint16 // unnumbered (low two bits set): one byte; else two, the first in the low half
}

// Unnumbered says whether the control field is the one-byte form.
func (h LLC) Unnumbered() bool { return h.Control&3 == 3 }

// SAP is a service access point: what an LLC frame carries. In a source its lowest
// bit marks a response, in a destination a group.
type SAP uint8

// SAPSNAP says that a SNAP header follows.
const SAPSNAP SAP = 0xaa

// String names the access point without its lowest bit, or writes it as 0x7e.
func (s SAP) String() string {
	switch s &^ 1 {
	case 0x00:
		return "null"
	case 0x02:
		return "LLC management"
	case 0x06:
		return "IP"
	case 0x42:
		return "spanning tree"
	case 0x98:
		return "ARP"
	case SAPSNAP:
		return "SNAP"
	case 0xe0:
		return "IPX"
	case 0xf0:
		return "NetBIOS"
	case 0xfe:
		if s == 0xff {
			return "global"
		}
		return "ISO network layer"
	}
	return fmt.Sprintf("0x%02x", uint8(s))
}

var (
	errLLCShort   = &HeaderError{"LLC", 0, "fewer than 3 bytes"}
	errLLCControl = &HeaderError{"LLC", 2, "a two-byte control field cut short"}
	errSNAPShort  = &HeaderError{"SNAP", 0, "fewer than 5 bytes"}
)

// ParseLLC reads the header at the start of an 802.3 frame's payload.
func ParseLLC(b []byte) (h LLC, payload []byte, err error) {
	if len(b) < 3 {
		return h, nil, errLLCShort
	}
	h = LLC{SAP(b[0]), SAP(b[1]), uint16(b[2])}
	if h.Unnumbered() {
		return h, b[3:], nil
	}
	if len(b) < 4 {
		return LLC{}, nil, errLLCControl
	}
	h.Control |= uint16(b[3]) << 8
	return h, b[4:], nil
}

// Append writes the header behind b.
func (h LLC) Append(b []byte) []byte {
	b = append(b, byte(h.DSAP), byte(h.SSAP), byte(h.Control))
	if h.Unnumbered() {
		return b
	}
	return append(b, byte(h.Control>>8))
}

// SNAP follows an LLC header whose access points are SAPSNAP and whose control is 3
// (IEEE 802 §10.3, RFC 1042).
type SNAP struct {
	OUI  [3]byte   // whose numbers Type is from; 0 for EtherTypes
	Type EtherType //
}

// ParseSNAP reads the header.
func ParseSNAP(b []byte) (h SNAP, payload []byte, err error) {
	if len(b) < 5 {
		return h, nil, errSNAPShort
	}
	return SNAP{[3]byte(b), EtherType(binary.BigEndian.Uint16(b[3:]))}, b[5:], nil
}

// Append writes the header behind b.
func (h SNAP) Append(b []byte) []byte {
	b = append(b, h.OUI[:]...)
	return binary.BigEndian.AppendUint16(b, uint16(h.Type))
}
