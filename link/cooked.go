package link

import (
	"encoding/binary"
	"fmt"
)

// The lengths of the cooked headers.
const (
	SLLLen  = 16
	SLL2Len = 20
)

// PacketType says whom a cooked frame was for, as the capturing kernel saw it.
type PacketType uint16

// The packet types (LINKTYPE_LINUX_SLL).
const (
	ToUs PacketType = iota
	ToAll
	ToGroup
	ToOther
	FromUs
)

// String says it in words.
func (t PacketType) String() string {
	switch t {
	case ToUs:
		return "to us"
	case ToAll:
		return "broadcast"
	case ToGroup:
		return "multicast"
	case ToOther:
		return "to another"
	case FromUs:
		return "from us"
	}
	return fmt.Sprintf("packet type %d", uint16(t))
}

// SLL is the header that Linux puts in place of a link layer's own where it captures
// several interfaces or one without Ethernet (LINKTYPE_LINUX_SLL).
type SLL struct {
	PacketType PacketType
	Hardware   uint16    // kind of device: an ARPHRD_ value
	AddrLen    uint16    // bytes of the sender's address: may be more than the 8 there is room for
	Addr       [8]byte   // those that fit, and whatever was behind them
	Type       EtherType // below 1536 by Linux's own numbers: 4 for LLC
}

// SLL2 is version 2 of SLL, which knows the interface (LINKTYPE_LINUX_SLL2).
type SLL2 struct {
	Type       EtherType  // as in SLL
	Reserved   uint16     // must be zero
	Interface  uint32     // its index on the capturing machine
	Hardware   uint16     // as in SLL
	PacketType PacketType // only its low 8 bits are on the wire
	AddrLen    uint8
	Addr       [8]byte
}

var (
	errSLLShort  = &HeaderError{"Linux cooked", 0, "fewer than 16 bytes"}
	errSLL2Short = &HeaderError{"Linux cooked v2", 0, "fewer than 20 bytes"}
)

// ParseSLL reads the header.
func ParseSLL(b []byte) (h SLL, payload []byte, err error) {
	if len(b) < SLLLen {
		return h, nil, errSLLShort
	}
	h.PacketType = PacketType(binary.BigEndian.Uint16(b))
	h.Hardware = binary.BigEndian.Uint16(b[2:])
	h.AddrLen = binary.BigEndian.Uint16(b[4:])
	h.Addr = [8]byte(b[6:])
	h.Type = EtherType(binary.BigEndian.Uint16(b[14:]))
	return h, b[SLLLen:], nil
}

// Append writes the header behind b.
func (h *SLL) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(h.PacketType))
	b = binary.BigEndian.AppendUint16(b, h.Hardware)
	b = binary.BigEndian.AppendUint16(b, h.AddrLen)
	b = append(b, h.Addr[:]...)
	return binary.BigEndian.AppendUint16(b, uint16(h.Type))
}

// Sender is the part of Addr that is the sender's address: 6 bytes for Ethernet, none
// for a tunnel. It is a view of h.
func (h *SLL) Sender() []byte { return h.Addr[:min(int(h.AddrLen), len(h.Addr))] }

// ParseSLL2 reads the header.
func ParseSLL2(b []byte) (h SLL2, payload []byte, err error) {
	if len(b) < SLL2Len {
		return h, nil, errSLL2Short
	}
	h.Type = EtherType(binary.BigEndian.Uint16(b))
	h.Reserved = binary.BigEndian.Uint16(b[2:])
	h.Interface = binary.BigEndian.Uint32(b[4:])
	h.Hardware = binary.BigEndian.Uint16(b[8:])
	h.PacketType, h.AddrLen = PacketType(b[10]), b[11]
	h.Addr = [8]byte(b[12:])
	return h, b[SLL2Len:], nil
}

// Append writes the header behind b.
func (h *SLL2) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(h.Type))
	b = binary.BigEndian.AppendUint16(b, h.Reserved)
	b = binary.BigEndian.AppendUint32(b, h.Interface)
	b = binary.BigEndian.AppendUint16(b, h.Hardware)
	b = append(b, byte(h.PacketType), h.AddrLen)
	return append(b, h.Addr[:]...)
}

// Sender is as that of [SLL].
func (h *SLL2) Sender() []byte { return h.Addr[:min(int(h.AddrLen), len(h.Addr))] }
