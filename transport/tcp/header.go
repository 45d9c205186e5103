package tcp

import (
	"encoding/binary"

	"dialtone/internet"
	"dialtone/link"
)

// Header is a segment's header.
type Header struct {
	SrcPort, DstPort uint16
	Seq, Ack         Seq
	Flags            Flags
	Window           uint16 // as on the wire: not scaled
	Checksum         uint16
	Urgent           uint16
	Options          Options
}

// The lengths of a header: without options, and with as many as it can have.
const (
	HeaderLen    = 20
	MaxHeaderLen = 60
	MaxOptions   = MaxHeaderLen - HeaderLen
)

var (
	errShort  = &link.HeaderError{Layer: "TCP", Offset: 0, Rule: "fewer than 20 bytes"}
	errOffset = &link.HeaderError{Layer: "TCP", Offset: 12, Rule: "data offset below 5 words"}
	errBeyond = &link.HeaderError{Layer: "TCP", Offset: 12, Rule: "data offset beyond the segment"}
)

// Parse reads a segment's header; what is in its options is for [Options.Next] and
// [Options.Check] to say.
func Parse(b []byte) (h Header, payload []byte, err error) {
	payload, err = h.Parse(b)
	return h, payload, err
}

// Parse is [Parse] in place, for who has millions of segments: no copy is made of
// fields that were just written. After an error h is as it was.
func (h *Header) Parse(b []byte) (payload []byte, err error) {
	if len(b) < HeaderLen {
		return nil, errShort
	}
	// RFC 9293 §3.1: data offset, the number of 32-bit words in the header.
	n := int(b[12]>>4) * 4
	switch {
	case n < HeaderLen:
		return nil, errOffset
	case n > len(b):
		return nil, errBeyond
	case n > HeaderLen:
		h.Options = Options(b[HeaderLen:n:n])
	default:
		h.Options = nil
	}
	h.SrcPort = binary.BigEndian.Uint16(b)
	h.DstPort = binary.BigEndian.Uint16(b[2:])
	h.Seq = Seq(binary.BigEndian.Uint32(b[4:]))
	h.Ack = Seq(binary.BigEndian.Uint32(b[8:]))
	h.Flags = Flags(binary.BigEndian.Uint16(b[12:]) & 0xfff)
	h.Window = binary.BigEndian.Uint16(b[14:])
	h.Checksum = binary.BigEndian.Uint16(b[16:])
	h.Urgent = binary.BigEndian.Uint16(b[18:])
	return b[n:], nil
}

// Append writes the header behind b, its options padded to whole words with zeros
// ([Options.Pad]). Of options beyond 40 bytes, which the builders of [Options] never
// make, it writes the first 40.
func (h *Header) Append(b []byte) []byte {
	options := h.Options[:min(len(h.Options), MaxOptions)]
	words := (HeaderLen + len(options) + 3) / 4
	b = binary.BigEndian.AppendUint16(b, h.SrcPort)
	b = binary.BigEndian.AppendUint16(b, h.DstPort)
	b = binary.BigEndian.AppendUint32(b, uint32(h.Seq))
	b = binary.BigEndian.AppendUint32(b, uint32(h.Ack))
	b = binary.BigEndian.AppendUint16(b, uint16(words)<<12|uint16(h.Flags)&0xfff)
	b = binary.BigEndian.AppendUint16(b, h.Window)
	b = binary.BigEndian.AppendUint16(b, h.Checksum)
	b = binary.BigEndian.AppendUint16(b, h.Urgent)
	b = append(b, options...)
	for range words*4 - HeaderLen - len(options) {
		b = append(b, byte(KindEnd))
	}
	return b
}

// Check says whether the checksum of the whole segment b is right; pseudo is the
// partial sum of its pseudo-header.
func Check(pseudo uint32, b []byte) bool {
	return len(b) >= HeaderLen && internet.Fold(internet.Sum(b, pseudo)) == 0
}

// ChecksumAt is where a header has its checksum.
const ChecksumAt = 16

// Fill sets the checksum of the segment b, header and data, in place; pseudo is the
// partial sum of its pseudo-header. Bytes too few for a header stay as they are.
func Fill(pseudo uint32, b []byte) {
	if len(b) < HeaderLen {
		return
	}
	b[16], b[17] = 0, 0
	binary.BigEndian.PutUint16(b[16:], internet.Fold(internet.Sum(b, pseudo)))
}
