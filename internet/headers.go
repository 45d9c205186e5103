package internet

// Protocol says what a packet carries (IANA protocol numbers).
type Protocol uint8

// The protocols that this module knows.
const (
	ICMP   Protocol = 1
	IGMP   Protocol = 2
	TCP    Protocol = 6
	UDP    Protocol = 17
	ICMPv6 Protocol = 58
	NoNext Protocol = 59
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

// IPv6 is a fixed header (RFC 8200 §3).
type IPv6 struct {
	TrafficClass  uint8
	FlowLabel     uint32 // 20 bits
	PayloadLength uint16
	NextHeader    Protocol
	HopLimit      uint8
	Src, Dst      [16]byte
}
