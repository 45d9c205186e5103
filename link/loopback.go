package link

import "encoding/binary"

// LoopbackLen is the length of a loopback header.
const LoopbackLen = 4

// Loopback is the header of the BSDs' loopback device: the address family that the
// capturing system has for what follows (LINKTYPE_NULL, LINKTYPE_LOOP).
type Loopback struct {
	Family       uint32
	LittleEndian bool // how Family is written: some systems write it as their processor does
}

var errLoopbackShort = &HeaderError{"loopback", 0, "fewer than 4 bytes"}

// ParseLoopback reads the header in either byte order: families are small numbers, so
// that only one of the two makes one of the bytes.
func ParseLoopback(b []byte) (h Loopback, payload []byte, err error) {
	if len(b) < LoopbackLen {
		return h, nil, errLoopbackShort
	}
	h.Family = binary.BigEndian.Uint32(b)
	if h.Family > 0xffff {
		h.Family, h.LittleEndian = binary.LittleEndian.Uint32(b), true
	}
	return h, b[LoopbackLen:], nil
}

// Append writes the header behind b.
func (h Loopback) Append(b []byte) []byte {
	if h.LittleEndian {
		return binary.LittleEndian.AppendUint32(b, h.Family)
	}
	return binary.BigEndian.AppendUint32(b, h.Family)
}

// Type is TypeIPv4 or TypeIPv6, or 0 for another family. IPv4 has the same number
// everywhere; IPv6 has one on Linux, on NetBSD and OpenBSD, on FreeBSD, and on macOS.
func (h Loopback) Type() EtherType {
	switch h.Family {
	case 2:
		return TypeIPv4
	case 10, 24, 28, 30:
		return TypeIPv6
	}
	return 0
}
