// Package ascii upper-cases eight bytes at a time: the kernel that the faster
// peers use, so that they are compared at their best.
package ascii

import "encoding/binary"

const (
	ones = 0x0101010101010101
	low7 = 0x7f * ones
)

// Upper turns the letters a to z in p into A to Z, in place; other bytes stay.
func Upper(p []byte) {
	for ; len(p) >= 8; p = p[8:] {
		w := binary.LittleEndian.Uint64(p)
		low := w & low7
		// The top bit of each byte says whether its low seven bits reach
		// 'a', and whether they pass 'z'; no sum carries into its neighbour.
		fromA, pastZ := low+(0x80-'a')*ones, low+(0x7f-'z')*ones
		letters := fromA &^ pastZ &^ w &^ low7
		binary.LittleEndian.PutUint64(p, w^letters>>2)
	}
	for i, c := range p {
		if 'a' <= c && c <= 'z' {
			p[i] = c - ('a' - 'A')
		}
	}
}
