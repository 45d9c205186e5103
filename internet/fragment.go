package internet

import (
	"encoding/binary"
	"iter"
)

// FragmentsIPv4 cuts a packet, which may be a fragment itself, into pieces of at most
// mtu bytes, 68 or more (RFC 791 §3.2): their headers, complete with checksum, and their
// data, a view of packet. A header is valid until the next. It does not ask whether the
// packet may be cut. What is no packet has no pieces; where no data fits, neither.
func FragmentsIPv4(packet []byte, mtu int) iter.Seq2[[]byte, []byte] {
	return func(yield func(header, data []byte) bool) {
		h, data, err := ParseIPv4(packet)
		if err != nil {
			return
		}
		whole, last := h, h.Flags&MoreFragments == 0
		var room [ipv4Size + ipv4Options]byte
		for first := true; first || len(data) > 0; first = false {
			n := len(data)
			if fits := mtu - h.Size(); n > fits {
				if n = fits &^ 7; n <= 0 {
					return
				}
			}
			h.Flags = whole.Flags | MoreFragments
			if last && n == len(data) {
				h.Flags = whole.Flags
			}
			if !yield(fragmentHeader(&h, room[:0], n), data[:n]) {
				return
			}
			data, h.Offset = data[n:], h.Offset+uint16(n/8)
			if first {
				h.Options = copiedOptions(h.Options)
			}
		}
	}
}

// fragmentHeader writes the header of n bytes of data.
func fragmentHeader(h *IPv4, room []byte, n int) []byte {
	h.Checksum, h.TotalLength = 0, uint16(h.Size()+n)
	b := h.Append(room)
	binary.BigEndian.PutUint16(b[10:], Fold(Sum(b, 0)))
	return b
}

// copiedOptions are those that every fragment has: the others are in the first alone
// (RFC 791 §3.1, the copied flag).
func copiedOptions(options []byte) (copied []byte) {
	list := IPv4Options(options)
	for option, rest, err := list.Next(); err == nil; option, rest, err = rest.Next() {
		if option.Kind&0x80 != 0 {
			copied = option.Append(copied)
		}
	}
	return copied
}
