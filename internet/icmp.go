package internet

import (
	"encoding/binary"

	"dialtone/link"
)

// ICMPHeader is the header that every ICMP message starts with, for IPv4
// (RFC 792) and IPv6 (RFC 4443 §2.1). What a type means differs between the two;
// methods that need to know take the protocol, ICMP or ICMPv6.
type ICMPHeader struct {
	Type, Code uint8
	Checksum   uint16
	Rest       [4]byte // of the header: what it is depends on the type
}

// The types of ICMP for IPv4 that this module takes apart.
const (
	ICMPv4EchoReply        uint8 = 0
	ICMPv4Unreachable      uint8 = 3
	ICMPv4SourceQuench     uint8 = 4
	ICMPv4Redirect         uint8 = 5
	ICMPv4Echo             uint8 = 8
	ICMPv4TimeExceeded     uint8 = 11
	ICMPv4ParameterProblem uint8 = 12
	ICMPv4Timestamp        uint8 = 13
	ICMPv4TimestampReply   uint8 = 14
)

// The codes of ICMPv4Unreachable that others act on.
const (
	ICMPv4PortUnreachable     uint8 = 3
	ICMPv4FragmentationNeeded uint8 = 4
)

// The types of ICMP for IPv6 that this module takes apart.
const (
	ICMPv6Unreachable           uint8 = 1
	ICMPv6PacketTooBig          uint8 = 2
	ICMPv6TimeExceeded          uint8 = 3
	ICMPv6ParameterProblem      uint8 = 4
	ICMPv6Echo                  uint8 = 128
	ICMPv6EchoReply             uint8 = 129
	MLDQuery                    uint8 = 130
	MLDReport                   uint8 = 131
	MLDDone                     uint8 = 132
	ICMPv6RouterSolicitation    uint8 = 133
	ICMPv6RouterAdvertisement   uint8 = 134
	ICMPv6NeighborSolicitation  uint8 = 135
	ICMPv6NeighborAdvertisement uint8 = 136
	ICMPv6Redirect              uint8 = 137
	MLDv2Report                 uint8 = 143
)

// ICMPv6PortUnreachable is the code of ICMPv6Unreachable for no listener.
const ICMPv6PortUnreachable uint8 = 4

const icmpSize = 8

var (
	errICMPCut  = &link.HeaderError{Layer: "ICMP", Offset: 0, Rule: "cut short: fewer than 8 bytes"}
	errTimesCut = &link.HeaderError{Layer: "ICMP timestamp", Offset: 8, Rule: "cut short: fewer than 20 bytes"}
)

// ParseICMP takes the header off b, a message of either version.
func ParseICMP(b []byte) (h ICMPHeader, payload []byte, err error) {
	if len(b) < icmpSize {
		return h, nil, errICMPCut
	}
	return ICMPHeader{
		Type:     b[0],
		Code:     b[1],
		Checksum: binary.BigEndian.Uint16(b[2:]),
		Rest:     [4]byte(b[4:]),
	}, b[icmpSize:], nil
}

// Append puts the header behind b as its fields are: FillICMPv4 or FillICMPv6 sets
// the checksum once the payload is there.
func (h *ICMPHeader) Append(b []byte) []byte {
	b = append(b, h.Type, h.Code)
	b = binary.BigEndian.AppendUint16(b, h.Checksum)
	return append(b, h.Rest[:]...)
}

// CheckICMPv4 reports whether the checksum of a whole message is right.
func CheckICMPv4(msg []byte) bool { return len(msg) >= 4 && Fold(Sum(msg, 0)) == 0 }

// CheckICMPv6 reports whether the checksum of a whole message is right, over the
// partial sum of the pseudo-header too (RFC 4443 §2.3).
func CheckICMPv6(pseudo uint32, msg []byte) bool { return len(msg) >= 4 && Fold(Sum(msg, pseudo)) == 0 }

// FillICMPv4 sets the checksum of a whole message.
func FillICMPv4(msg []byte) { fill(msg, 2, 0) }

// FillICMPv6 sets the checksum of a whole message.
func FillICMPv6(pseudo uint32, msg []byte) { fill(msg, 2, pseudo) }

// IsError reports whether the message reports an error with a packet that it
// quotes: never to be answered by another (RFC 1122 §3.2.2, RFC 4443 §2.1).
func (h *ICMPHeader) IsError(p Protocol) bool {
	if p == ICMPv6 {
		return h.Type < 128
	}
	switch h.Type {
	case ICMPv4Unreachable, ICMPv4SourceQuench, ICMPv4Redirect, ICMPv4TimeExceeded, ICMPv4ParameterProblem:
		return true
	}
	return false
}
