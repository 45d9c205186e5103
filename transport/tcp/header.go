package tcp

// Seq is a sequence number: a point on a circle of 2³² (RFC 9293 §3.4).
type Seq uint32

// Flags are the control bits and the reserved ones: the low 12 bits of the
// header's bytes 12 and 13 (RFC 9293 §3.1, RFC 3168, RFC 9768).
type Flags uint16

// The control bits.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	AE
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

// Options are a header's options as on the wire, padded to 4 bytes, at most 40.
type Options []byte
