package internet

import (
	"encoding/binary"

	"dialtone/link"
)

// IPv4 is a header (RFC 791 §3.1).
type IPv4 struct {
	TOS         uint8 // DSCP and ECN (RFC 2474, 3168)
	TotalLength uint16
	ID          uint16
	Flags       uint8  // 3 bits: reserved, don't fragment, more fragments
	Offset      uint16 // of the fragment, in units of 8 bytes, 13 bits
	TTL         uint8
	Protocol    Protocol
	Checksum    uint16
	Src, Dst    [4]byte
	Options     []byte // as on the wire, padded to 4 bytes, at most 40
}

// The bits of IPv4.Flags; MoreFragments is that of Fragment.Flags too.
const (
	MoreFragments uint8 = 1 << iota
	DontFragment
	ReservedFlag // must be zero
)

const (
	ipv4Size    = 20 // of a header without options
	ipv4Options = 40 // the most that the header length's four bits leave for options
)

var (
	errIPv4Cut     = &link.HeaderError{Layer: "IPv4", Offset: 0, Rule: "cut short: fewer than 20 bytes"}
	errIPv4Version = &link.HeaderError{Layer: "IPv4", Offset: 0, Rule: "version is not 4"}
	errIPv4Length  = &link.HeaderError{Layer: "IPv4", Offset: 0, Rule: "header length below 20 bytes"}
	errIPv4Options = &link.HeaderError{Layer: "IPv4", Offset: ipv4Size, Rule: "options cut short: header length beyond the bytes that are there"}
	errIPv4Total   = &link.HeaderError{Layer: "IPv4", Offset: 2, Rule: "total length below header length"}
)

// ParseIPv4 takes the header off b. The payload ends where the header's total
// length says, so that a frame's padding is not part of it; where b is shorter
// (a capture's snaplen) it is what is there. A total length of 0 is a packet
// that a device was still to cut (segmentation offload): the payload is all of b.
func ParseIPv4(b []byte) (h IPv4, payload []byte, err error) {
	payload, err = h.Parse(b)
	return h, payload, err
}

// Parse is [ParseIPv4] in place, for who has millions of packets: no copy is made of
// fields that were just written. After an error h is as it was.
func (h *IPv4) Parse(b []byte) (payload []byte, err error) {
	if len(b) < ipv4Size {
		return nil, errIPv4Cut
	}
	if b[0]>>4 != 4 {
		return nil, errIPv4Version
	}
	size := int(b[0]&15) * 4
	total := binary.BigEndian.Uint16(b[2:])
	switch {
	case size < ipv4Size:
		return nil, errIPv4Length
	case size > len(b):
		return nil, errIPv4Options
	case total != 0 && int(total) < size:
		return nil, errIPv4Total
	case total != 0 && int(total) < len(b):
		payload = b[size:total]
	default:
		payload = b[size:]
	}
	flags := binary.BigEndian.Uint16(b[6:])
	h.TOS, h.TotalLength, h.ID = b[1], total, binary.BigEndian.Uint16(b[4:])
	h.Flags, h.Offset = uint8(flags>>13), flags&0x1fff
	h.TTL, h.Protocol, h.Checksum = b[8], Protocol(b[9]), binary.BigEndian.Uint16(b[10:])
	h.Src, h.Dst, h.Options = [4]byte(b[12:]), [4]byte(b[16:]), nil
	if size > ipv4Size {
		h.Options = b[ipv4Size:size:size]
	}
	return payload, nil
}

// Append puts the header behind b as its fields are: FillIPv4 sets the total length
// and the checksum once the payload is there. Options are padded with zeros to a
// multiple of four bytes; those beyond 40 bytes are left out.
func (h *IPv4) Append(b []byte) []byte {
	options := h.Options[:min(len(h.Options), ipv4Options)]
	words := (ipv4Size + len(options) + 3) / 4
	b = append(b, 4<<4|byte(words), h.TOS)
	b = binary.BigEndian.AppendUint16(b, h.TotalLength)
	b = binary.BigEndian.AppendUint16(b, h.ID)
	b = binary.BigEndian.AppendUint16(b, uint16(h.Flags)<<13|h.Offset&0x1fff)
	b = append(b, h.TTL, byte(h.Protocol))
	b = binary.BigEndian.AppendUint16(b, h.Checksum)
	b = append(b, h.Src[:]...)
	b = append(b, h.Dst[:]...)
	b = append(b, options...)
	for pad := words*4 - ipv4Size - len(options); pad > 0; pad-- {
		b = append(b, 0)
	}
	return b
}

// Size returns the bytes of the header, 20 to 60.
func (h *IPv4) Size() int { return ipv4Size + (min(len(h.Options), ipv4Options)+3)&^3 }

// CheckIPv4 reports whether the checksum of the header at the start of b is right
// (RFC 791 §3.1: it covers header and options, not the payload).
func CheckIPv4(header []byte) bool {
	size := ipv4HeaderSize(header)
	return size != 0 && Fold(Sum(header[:size], 0)) == 0
}

// FillIPv4 sets total length and checksum of a packet that starts with a header
// and ends with its payload. A packet above 65535 bytes gets the total length 0,
// as Linux gives it (BIG TCP); one that starts with no header is left alone.
func FillIPv4(packet []byte) {
	size := ipv4HeaderSize(packet)
	if size == 0 {
		return
	}
	total := len(packet)
	if total > 0xffff {
		total = 0
	}
	binary.BigEndian.PutUint16(packet[2:], uint16(total))
	fill(packet[:size], 10, 0)
}

// ipv4HeaderSize returns the bytes of the header at the start of b, 0 for none.
func ipv4HeaderSize(b []byte) int {
	if len(b) < ipv4Size || b[0]>>4 != 4 {
		return 0
	}
	size := int(b[0]&15) * 4
	if size < ipv4Size || size > len(b) {
		return 0
	}
	return size
}
