package internet

import "net/netip"

// The codes of errors that hosts and routers send (RFC 792, RFC 1812 §5.2.7.1).
const (
	ICMPv4NetUnreachable      uint8 = 0
	ICMPv4HostUnreachable     uint8 = 1
	ICMPv4ProtocolUnreachable uint8 = 2

	ICMPv4HopsExceeded       uint8 = 0 // of ICMPv4TimeExceeded
	ICMPv4ReassemblyExceeded uint8 = 1
)

// MayReport says whether an ICMP error may be sent about an IPv4 packet. Whoever got
// it as a broadcast or multicast of the link, or knows its addresses for broadcasts of
// an attached network, must not either.
//
// RFC 1122 §3.2.2: an ICMP error message MUST NOT be sent as the result of receiving
// an ICMP error message, a datagram destined to an IP broadcast or IP multicast
// address, a non-initial fragment, or a datagram whose source address does not define
// a single host.
func MayReport(packet []byte) bool {
	h, data, err := ParseIPv4(packet)
	if err != nil || h.Offset != 0 || !isSingle(h.Src) || !isSingle(h.Dst) {
		return false
	}
	if h.Protocol != ICMP {
		return true
	}
	// What is cut before its type may be one.
	icmp, _, err := ParseICMP(data)
	return err == nil && !icmp.IsError(ICMP)
}

// isSingle says whether an address can be a single host's.
func isSingle(addr [4]byte) bool {
	a := netip.AddrFrom4(addr)
	// Not class E either, and with it the limited broadcast. Loopback addresses are those
	// of a single host where they are seen at all (RFC 1122 §3.2.1.3 (g)): inside it.
	return !a.IsUnspecified() && !a.IsMulticast() && addr[0] < 240
}

// maxICMPError is the most bytes of an ICMP error with its IP header: RFC 1812
// §4.3.2.3 asks for as much of the packet as fits that, and Linux does so.
const maxICMPError = 576

// AppendICMPv4Error puts an error message about a packet behind b, complete with
// checksum, without an IP header of its own: rest is the word behind the checksum,
// the MTU of a "fragmentation needed". It does not ask MayReport.
func AppendICMPv4Error(b []byte, kind, code uint8, rest uint32, packet []byte) []byte {
	start := len(b)
	h := ICMPHeader{Type: kind, Code: code, Rest: [4]byte{byte(rest >> 24), byte(rest >> 16), byte(rest >> 8), byte(rest)}}
	b = h.Append(b)
	b = append(b, packet[:min(len(packet), maxICMPError-ipv4Size-icmpSize)]...)
	FillICMPv4(b[start:])
	return b
}

// ICMPv4ErrorSize is how many bytes AppendICMPv4Error adds.
func ICMPv4ErrorSize(packet []byte) int {
	return icmpSize + min(len(packet), maxICMPError-ipv4Size-icmpSize)
}
