package transport

import (
	"encoding/binary"

	"dialtone/internet"
)

// PseudoSum4 is the partial sum of the pseudo-header over IPv4 (RFC 768, RFC 9293
// §3.1), to go on with over the segment: length is that of its header and data in
// bytes, 0 to 65535.
func PseudoSum4(src, dst [4]byte, proto internet.Protocol, length int) uint32 {
	return words(src[:]) + words(dst[:]) + uint32(proto) + uint32(uint16(length))
}

// PseudoSum6 is the partial sum of the pseudo-header over IPv6 (RFC 8200 §8.1). Its
// length has 32 bits, of which a jumbogram uses more than 16. Behind a routing header
// dst is the last destination.
func PseudoSum6(src, dst [16]byte, proto internet.Protocol, length int) uint32 {
	// The upper-layer packet length is two words of the sum.
	n := uint32(length)
	return words(src[:]) + words(dst[:]) + n>>16 + n&0xffff + uint32(proto)
}

// words adds up to 16 bytes as words; their sum is far from an overflow.
func words(b []byte) (sum uint32) {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	return sum
}
