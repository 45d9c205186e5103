package internet

import (
	"encoding/binary"
	"math/bits"
)

// Sum adds b to the partial sum initial: the one's-complement sum of 16-bit
// words in network order that IPv4, ICMP, IGMP, TCP and UDP share (RFC 1071 §1).
// An odd last byte counts as the high half of a word, so only the last of several
// pieces that are summed after each other may have an odd length.
func Sum(b []byte, initial uint32) uint32 {
	// The sum does not depend on byte order nor on the width of the additions
	// (RFC 1071 §2 B, C): eight bytes at a time as they lie in memory, each carry
	// into the next addition, and the bytes swapped once, at the end.
	var sum, carry uint64
	for len(b) >= 32 {
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b[8:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b[16:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b[24:]), carry)
		b = b[32:]
	}
	for len(b) >= 8 {
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b), carry)
		b = b[8:]
	}
	sum, carry = bits.Add64(sum, sumTail(b), carry)
	// A tail is small: where it carries, sum is small too and has room for the carry.
	word := bits.ReverseBytes16(fold64(sum + carry))

	total := uint64(initial) + uint64(word)
	return uint32(total) + uint32(total>>32)
}

// sumTail sums fewer than eight bytes as little-endian words.
func sumTail(b []byte) (sum uint64) {
	if len(b) >= 4 {
		sum = uint64(binary.LittleEndian.Uint32(b))
		b = b[4:]
	}
	if len(b) >= 2 {
		sum += uint64(binary.LittleEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint64(b[0])
	}
	return sum
}

// fold64 adds the four 16-bit words of sum; only a sum of zero folds to zero.
func fold64(sum uint64) uint16 {
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return uint16(sum)
}

// Fold makes the checksum of a partial sum: folded to 16 bits and complemented.
// Over bytes that have their right checksum among them it is 0.
func Fold(sum uint32) uint16 {
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum>>16 + sum)
}

// Update returns what a checksum becomes when one 16-bit word that it covers, at
// an even offset, changes from before to after (RFC 1624 §3, equation 3).
func Update(checksum, before, after uint16) uint16 {
	return Fold(uint32(^checksum) + uint32(^before) + uint32(after))
}

// fill writes the checksum of b, over the partial sum of a pseudo-header, at
// b[at:at+2]; of bytes that end before there it leaves all as they are.
func fill(b []byte, at int, pseudo uint32) {
	if len(b) < at+2 {
		return
	}
	// The field counts as zero while the checksum is computed (RFC 791 §3.1, RFC 792).
	b[at], b[at+1] = 0, 0
	binary.BigEndian.PutUint16(b[at:], Fold(Sum(b, pseudo)))
}
