package link

// MAC is an EUI-48 address (IEEE 802).
type MAC [6]byte

// EtherType says what an Ethernet frame carries (IEEE 802 numbers).
type EtherType uint16

// The types that the layers above know.
const (
	TypeIPv4 EtherType = 0x0800
	TypeARP  EtherType = 0x0806
	TypeRARP EtherType = 0x8035
	TypeVLAN EtherType = 0x8100 // 802.1Q
	TypeIPv6 EtherType = 0x86dd
	TypeQinQ EtherType = 0x88a8 // 802.1ad
)

// Ethernet is the header of a frame: Ethernet II, or IEEE 802.3 with a length.
type Ethernet struct {
	Dst, Src MAC
	Tags     []byte    // 802.1Q and 802.1ad tags as on the wire, four bytes each, outermost first
	Type     EtherType // 0 when the frame has a length instead
	Length   uint16    // of an 802.3 frame's LLC payload; 0 for Ethernet II
}
