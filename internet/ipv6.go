package internet

import (
	"encoding/binary"

	"dialtone/link"
)

// IPv6 is a fixed header (RFC 8200 §3).
type IPv6 struct {
	TrafficClass  uint8  // DSCP and ECN (RFC 2474, 3168)
	FlowLabel     uint32 // 20 bits
	PayloadLength uint16
	NextHeader    Protocol
	HopLimit      uint8
	Src, Dst      [16]byte
}

const ipv6Size = 40

var (
	errIPv6Cut     = &link.HeaderError{Layer: "IPv6", Offset: 0, Rule: "cut short: fewer than 40 bytes"}
	errIPv6Version = &link.HeaderError{Layer: "IPv6", Offset: 0, Rule: "version is not 6"}
)

// ParseIPv6 takes the fixed header off b; extension headers are part of the
// payload. It ends where the payload length says, so that a frame's padding is not
// part of it; where b is shorter (a capture's snaplen) it is what is there. A
// payload length of 0 is a jumbogram (RFC 2675 §3) or a packet that a device was
// still to cut (segmentation offload), unless nothing follows by NextHeader too:
// the payload is all of b.
func ParseIPv6(b []byte) (h IPv6, payload []byte, err error) {
	payload, err = h.Parse(b)
	return h, payload, err
}

// Parse is [ParseIPv6] in place, for who has millions of packets: no copy is made of
// fields that were just written. After an error h is as it was.
func (h *IPv6) Parse(b []byte) (payload []byte, err error) {
	if len(b) < ipv6Size {
		return nil, errIPv6Cut
	}
	first := binary.BigEndian.Uint32(b)
	if first>>28 != 6 {
		return nil, errIPv6Version
	}
	h.TrafficClass, h.FlowLabel = uint8(first>>20), first&0xfffff
	h.PayloadLength, h.NextHeader, h.HopLimit = binary.BigEndian.Uint16(b[4:]), Protocol(b[6]), b[7]
	h.Src, h.Dst = [16]byte(b[8:]), [16]byte(b[24:])
	payload = b[ipv6Size:]
	n := int(h.PayloadLength)
	if n < len(payload) && (n != 0 || h.NextHeader == NoNext) {
		payload = payload[:n]
	}
	return payload, nil
}

// Append puts the header behind b as its fields are: FillIPv6 sets the payload
// length once the payload is there.
func (h *IPv6) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, 6<<28|uint32(h.TrafficClass)<<20|h.FlowLabel&0xfffff)
	b = binary.BigEndian.AppendUint16(b, h.PayloadLength)
	b = append(b, byte(h.NextHeader), h.HopLimit)
	b = append(b, h.Src[:]...)
	return append(b, h.Dst[:]...)
}

// FillIPv6 sets the payload length of a packet that starts with a header and ends
// with its payload. A payload above 65535 bytes gets the length 0, as a jumbogram
// has it (RFC 2675 §3); a packet that starts with no header is left alone.
func FillIPv6(packet []byte) {
	if len(packet) < ipv6Size || packet[0]>>4 != 6 {
		return
	}
	n := len(packet) - ipv6Size
	if n > 0xffff {
		n = 0
	}
	binary.BigEndian.PutUint16(packet[4:], uint16(n))
}
