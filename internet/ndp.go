package internet

import (
	"encoding/binary"

	"dialtone/link"
)

// NDP is a message of neighbour discovery (RFC 4861 §4): router solicitation and
// advertisement, neighbour solicitation and advertisement, redirect. Fields that a
// type does not have are zero. What lies in ICMPHeader.Rest has methods.
type NDP struct {
	ICMPHeader
	Reachable, Retransmit uint32   // milliseconds, 0 for not specified; router advertisement
	Target                [16]byte // neighbour messages and redirect
	Destination           [16]byte // redirect
}

// The flags of a neighbour advertisement (RFC 4861 §4.4).
const (
	NeighborRouter    uint8 = 1 << 7 // the sender is a router
	NeighborSolicited uint8 = 1 << 6 // in answer to a solicitation
	NeighborOverride  uint8 = 1 << 5 // replaces a cached link address
)

// The flags of a router advertisement (RFC 4861 §4.2).
const (
	RouterManaged uint8 = 1 << 7 // addresses by DHCPv6
	RouterOther   uint8 = 1 << 6 // other configuration by DHCPv6
)

var (
	errNDPType = &link.HeaderError{Layer: "NDP", Offset: 0, Rule: "type is not 133 to 137"}
	errNDPCut  = &link.HeaderError{Layer: "NDP", Offset: 8, Rule: "cut short: message ends before its options"}
)

// ParseNDP takes a message of neighbour discovery apart; msg starts with the ICMPv6
// header. What is behind the fixed part are options.
func ParseNDP(msg []byte) (m NDP, options NDPOptions, err error) {
	h, body, err := ParseICMP(msg)
	if err != nil {
		return m, nil, err
	}
	size, ok := ndpSize(h.Type)
	switch {
	case !ok:
		return m, nil, errNDPType
	case len(body) < size:
		return m, nil, errNDPCut
	}
	m.ICMPHeader = h
	switch size {
	case 8:
		m.Reachable = binary.BigEndian.Uint32(body)
		m.Retransmit = binary.BigEndian.Uint32(body[4:])
	case 16:
		m.Target = [16]byte(body)
	case 32:
		m.Target = [16]byte(body)
		m.Destination = [16]byte(body[16:])
	}
	return m, NDPOptions(body[size:]), nil
}

// ndpSize returns the bytes between the ICMPv6 header and the options.
func ndpSize(kind uint8) (size int, ok bool) {
	switch kind {
	case ICMPv6RouterSolicitation:
		return 0, true
	case ICMPv6RouterAdvertisement:
		return 8, true
	case ICMPv6NeighborSolicitation, ICMPv6NeighborAdvertisement:
		return 16, true
	case ICMPv6Redirect:
		return 32, true
	}
	return 0, false
}

// Append puts the message behind b, without options, as its fields are: FillICMPv6
// sets the checksum once the options are there. Of a type that ParseNDP does not
// take apart it is the header alone.
func (m *NDP) Append(b []byte) []byte {
	b = m.ICMPHeader.Append(b)
	size, _ := ndpSize(m.Type)
	switch size {
	case 8:
		b = binary.BigEndian.AppendUint32(b, m.Reachable)
		return binary.BigEndian.AppendUint32(b, m.Retransmit)
	case 16:
		return append(b, m.Target[:]...)
	case 32:
		b = append(b, m.Target[:]...)
		return append(b, m.Destination[:]...)
	}
	return b
}

// Router is what a router advertisement has in Rest: the hop limit to send with, 0
// for not specified, flags, and the seconds for which it is a default router.
func (m *NDP) Router() (hopLimit, flags uint8, lifetime uint16, ok bool) {
	return m.Rest[0], m.Rest[1], binary.BigEndian.Uint16(m.Rest[2:]), m.Type == ICMPv6RouterAdvertisement
}

// Flags are what a neighbour advertisement has in Rest.
func (m *NDP) Flags() (flags uint8, ok bool) {
	return m.Rest[0], m.Type == ICMPv6NeighborAdvertisement
}
