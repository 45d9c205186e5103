// Package udp is the User Datagram Protocol (RFC 768). Its header has the verbs
// that package link describes.
package udp

import (
	"encoding/binary"

	"dialtone/internet"
	"dialtone/link"
)

// Header is a datagram's header.
type Header struct {
	SrcPort, DstPort uint16
	Length           uint16 // of header and data; 0 only in an IPv6 jumbogram (RFC 2675)
	Checksum         uint16 // 0 for none, over IPv4
}

// HeaderLen is the length of a header.
const HeaderLen = 8

var (
	errShort  = &link.HeaderError{Layer: "UDP", Offset: 0, Rule: "fewer than 8 bytes"}
	errLength = &link.HeaderError{Layer: "UDP", Offset: 4, Rule: "length below 8 bytes"}
)

// Parse reads a datagram's header. The payload is cut to Length where b is longer:
// what is behind is no data. Where b is shorter the datagram was cut on its way here,
// and the payload is what there is.
func Parse(b []byte) (h Header, payload []byte, err error) {
	if len(b) < HeaderLen {
		return h, nil, errShort
	}
	h = Header{
		SrcPort:  binary.BigEndian.Uint16(b),
		DstPort:  binary.BigEndian.Uint16(b[2:]),
		Length:   binary.BigEndian.Uint16(b[4:]),
		Checksum: binary.BigEndian.Uint16(b[6:]),
	}
	payload = b[HeaderLen:]
	switch {
	case h.Length == 0: // a jumbogram goes on to the end of its packet (RFC 2675 §4)
	case h.Length < HeaderLen:
		return Header{}, nil, errLength
	default:
		payload = payload[:min(len(payload), int(h.Length)-HeaderLen)]
	}
	return h, payload, nil
}

// Append writes the header behind b.
func (h *Header) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, h.SrcPort)
	b = binary.BigEndian.AppendUint16(b, h.DstPort)
	b = binary.BigEndian.AppendUint16(b, h.Length)
	return binary.BigEndian.AppendUint16(b, h.Checksum)
}

// Check says whether the checksum of the whole datagram b, which ends where its
// Length says, is right; pseudo is the partial sum of its pseudo-header. Over IPv4 a
// checksum of 0 means that there is none, which is right; over IPv6 it is not allowed
// but in tunnels that say so (RFC 8200 §8.1, RFC 6935): that is for the caller to know.
func Check(pseudo uint32, b []byte) bool {
	if len(b) < HeaderLen {
		return false
	}
	return b[6] == 0 && b[7] == 0 || internet.Fold(internet.Sum(b, pseudo)) == 0
}

// Fill sets length and checksum of the datagram b, header and data, in place; pseudo
// is the partial sum of its pseudo-header. Bytes too few for a header stay as they are.
func Fill(pseudo uint32, b []byte) {
	if len(b) < HeaderLen {
		return
	}
	n := len(b)
	if n > 0xffff { // a jumbogram's length is 0 (RFC 2675 §4)
		n = 0
	}
	binary.BigEndian.PutUint16(b[4:], uint16(n))
	b[6], b[7] = 0, 0
	sum := internet.Fold(internet.Sum(b, pseudo))
	if sum == 0 { // RFC 768: sent as all ones, since all zeros is no checksum
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(b[6:], sum)
}
