package link

import "encoding/binary"

// Ethernet is the header of a frame: Ethernet II, or IEEE 802.3 with a length.
type Ethernet struct {
	Dst, Src MAC
	Tags     []byte    // 802.1Q and 802.1ad tags as on the wire, four bytes each, outermost first: ParseTag
	Type     EtherType // 0 when the frame has a length instead
	Length   uint16    // of an 802.3 frame's LLC payload; 0 for Ethernet II
}

// EthernetLen is the length of an Ethernet header without tags.
const EthernetLen = 14

var (
	errEthernetShort = &HeaderError{"Ethernet", 0, "fewer than 14 bytes"}
	errTagShort      = &HeaderError{"Ethernet", 12, "a tag without a type behind it"}
	errType          = &HeaderError{"Ethernet", 12, "neither a length up to 1500 nor a type from 1536"}
	errTypeTagged    = &HeaderError{"Ethernet", 16, "behind tags neither a length up to 1500 nor a type from 1536"}
)

// ParseEthernet reads a frame's header, with any number of 802.1Q and 802.1ad tags.
// The payload of an 802.3 frame is cut to its length: what is behind is padding.
// There is no frame check sequence.
func ParseEthernet(b []byte) (h Ethernet, payload []byte, err error) {
	payload, err = h.Parse(b)
	return h, payload, err
}

// Parse is [ParseEthernet] in place, for who has millions of frames: no copy is made
// of fields that were just written. After an error h is as it was.
func (h *Ethernet) Parse(b []byte) (payload []byte, err error) {
	if len(b) < EthernetLen {
		return nil, errEthernetShort
	}
	end := 12
	t := EtherType(binary.BigEndian.Uint16(b[end:]))
	for t.IsTag() {
		end += TagLen
		if len(b) < end+2 {
			return nil, errTagShort
		}
		t = EtherType(binary.BigEndian.Uint16(b[end:]))
	}
	payload = b[end+2:]
	switch {
	case t >= minType:
		h.Type, h.Length = t, 0
	case t <= maxLength:
		h.Type, h.Length = 0, uint16(t)
		payload = payload[:min(len(payload), int(t))]
	case end > 12:
		return nil, errTypeTagged
	default:
		return nil, errType
	}
	h.Dst, h.Src, h.Tags = MAC(b[0:6]), MAC(b[6:12]), nil
	if end > 12 {
		h.Tags = b[12:end:end]
	}
	return payload, nil
}

// Append writes the header behind b: with Length where Type is 0.
func (h *Ethernet) Append(b []byte) []byte {
	b = append(b, h.Dst[:]...)
	b = append(b, h.Src[:]...)
	b = append(b, h.Tags...)
	if h.Type == 0 {
		return binary.BigEndian.AppendUint16(b, h.Length)
	}
	return binary.BigEndian.AppendUint16(b, uint16(h.Type))
}
