package link

import "encoding/binary"

// TagLen is the length of a VLAN tag.
const TagLen = 4

// Tag is a VLAN tag (IEEE 802.1Q §9.3).
type Tag struct {
	Type    EtherType // TypeVLAN, TypeQinQ or TypeQinQOld: the tag protocol identifier
	Control uint16    // priority, drop eligibility and VLAN: see the methods
}

var (
	errTagCut  = &HeaderError{"VLAN tag", 0, "fewer than 4 bytes"}
	errTagType = &HeaderError{"VLAN tag", 0, "not a tag's type"}
)

// ParseTag reads the outermost of tags, which are those of an [Ethernet] header;
// inner are the others.
func ParseTag(tags []byte) (t Tag, inner []byte, err error) {
	if len(tags) < TagLen {
		return t, nil, errTagCut
	}
	t = Tag{EtherType(binary.BigEndian.Uint16(tags)), binary.BigEndian.Uint16(tags[2:])}
	if !t.Type.IsTag() {
		return Tag{}, nil, errTagType
	}
	return t, tags[TagLen:], nil
}

// Append writes the tag behind b: behind the outer ones in Tags of an [Ethernet] header.
func (t Tag) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(t.Type))
	return binary.BigEndian.AppendUint16(b, t.Control)
}

// ID is the VLAN's number, 0 to 4095; 0 is a tag for its priority alone.
func (t Tag) ID() uint16 { return t.Control & 0xfff }

// Priority is the frame's priority code point, 0 to 7.
func (t Tag) Priority() uint8 { return uint8(t.Control >> 13) }

// DropEligible says whether the frame goes first when a queue is full.
func (t Tag) DropEligible() bool { return t.Control&0x1000 != 0 }
