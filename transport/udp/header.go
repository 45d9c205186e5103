// Package udp is the User Datagram Protocol (RFC 768). Its header has the verbs
// that package link describes.
package udp

// Header is a datagram's header.
type Header struct {
	SrcPort, DstPort uint16
	Length           uint16 // of header and data; 0 only in an IPv6 jumbogram (RFC 2675)
	Checksum         uint16 // 0 for none, over IPv4
}
