package link

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// ARPLen is the length of an ARP packet for IPv4 over Ethernet.
const ARPLen = 28

// What an ARP packet does (RFC 826), and an RARP packet (RFC 903).
const (
	OpRequest        uint16 = 1
	OpReply          uint16 = 2
	OpReverseRequest uint16 = 3
	OpReverseReply   uint16 = 4
)

// ARP is a packet of the Address Resolution Protocol, or of the reverse one, for
// IPv4 over Ethernet (RFC 826, RFC 903).
type ARP struct {
	Op        uint16 // OpRequest and so on, or another as on the wire
	SenderMAC MAC
	SenderIP  [4]byte
	TargetMAC MAC // of a request: not looked at, mostly 0
	TargetIP  [4]byte
}

var (
	errARPShort    = &HeaderError{"ARP", 0, "fewer than 28 bytes"}
	errARPHardware = &HeaderError{"ARP", 0, "hardware type is not Ethernet"}
	errARPProtocol = &HeaderError{"ARP", 2, "protocol type is not IPv4"}
	errARPLengths  = &HeaderError{"ARP", 4, "address lengths are not 6 and 4"}
)

// ParseARP reads a packet. What is behind it is the frame's padding.
func ParseARP(b []byte) (h ARP, padding []byte, err error) {
	switch {
	case len(b) < ARPLen:
		return h, nil, errARPShort
	case binary.BigEndian.Uint16(b) != 1:
		return h, nil, errARPHardware
	case EtherType(binary.BigEndian.Uint16(b[2:])) != TypeIPv4:
		return h, nil, errARPProtocol
	case b[4] != 6 || b[5] != 4:
		return h, nil, errARPLengths
	}
	h.Op = binary.BigEndian.Uint16(b[6:])
	h.SenderMAC, h.SenderIP = MAC(b[8:]), [4]byte(b[14:])
	h.TargetMAC, h.TargetIP = MAC(b[18:]), [4]byte(b[24:])
	return h, b[ARPLen:], nil
}

// Append writes the packet behind b.
func (h *ARP) Append(b []byte) []byte {
	b = append(b, 0, 1, byte(TypeIPv4>>8), byte(TypeIPv4&0xff), 6, 4)
	b = binary.BigEndian.AppendUint16(b, h.Op)
	b = append(b, h.SenderMAC[:]...)
	b = append(b, h.SenderIP[:]...)
	b = append(b, h.TargetMAC[:]...)
	return append(b, h.TargetIP[:]...)
}

// IsProbe says whether a machine asks if anyone has the address that it would like
// to take: its own is 0 (RFC 5227 §1.1).
func (h *ARP) IsProbe() bool { return h.Op == OpRequest && h.SenderIP == [4]byte{} }

// IsAnnouncement says whether the sender tells all what address it has, be it as a
// request (RFC 5227 §1.1) or as a reply that nobody asked for.
func (h *ARP) IsAnnouncement() bool {
	return (h.Op == OpRequest || h.Op == OpReply) && h.SenderIP == h.TargetIP && !h.IsProbe()
}

// EtherType is the type of a frame that carries the packet: RARP has one of its own.
func (h *ARP) EtherType() EtherType {
	if h.Op == OpReverseRequest || h.Op == OpReverseReply {
		return TypeRARP
	}
	return TypeARP
}

// String says what the packet asks or tells, in words.
func (h *ARP) String() string {
	sender, target := netip.AddrFrom4(h.SenderIP), netip.AddrFrom4(h.TargetIP)
	switch {
	case h.IsProbe():
		return fmt.Sprintf("is anyone %v? asks %v", target, h.SenderMAC)
	case h.IsAnnouncement():
		return fmt.Sprintf("%v is at %v, told to all", sender, h.SenderMAC)
	case h.Op == OpRequest:
		return fmt.Sprintf("who has %v? tell %v", target, sender)
	case h.Op == OpReply:
		return fmt.Sprintf("%v is at %v", sender, h.SenderMAC)
	case h.Op == OpReverseRequest:
		return fmt.Sprintf("who is %v? tell %v", h.TargetMAC, h.SenderMAC)
	case h.Op == OpReverseReply:
		return fmt.Sprintf("%v is %v", h.TargetMAC, target)
	}
	return fmt.Sprintf("operation %d from %v", h.Op, h.SenderMAC)
}
