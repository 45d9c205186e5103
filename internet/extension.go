package internet

import (
	"encoding/binary"

	"dialtone/link"
)

// Extension is an extension header of IPv6 with a length of its own: hop-by-hop
// and destination options, routing, AH, mobility, HIP or Shim6 (RFC 7045 §4).
type Extension struct {
	Next Protocol // what follows it
	Kind Protocol // what it is, as the header before it said
	Body []byte   // behind the length; with its two bytes before a multiple of 8, of AH of 4
}

var (
	errExtensionKind = &link.HeaderError{Layer: "IPv6 extension", Offset: 0, Rule: "no extension header of this format"}
	errExtensionCut  = &link.HeaderError{Layer: "IPv6 extension", Offset: 0, Rule: "cut short: fewer than 8 bytes"}
	errExtensionLong = &link.HeaderError{Layer: "IPv6 extension", Offset: 1, Rule: "length beyond the bytes that are there"}
	errAuthLength    = &link.HeaderError{Layer: "AH", Offset: 1, Rule: "length below 12 bytes"}
	errFragmentCut   = &link.HeaderError{Layer: "IPv6 fragment", Offset: 0, Rule: "cut short: fewer than 8 bytes"}
)

// IsExtension reports whether p is an extension header that ParseExtension takes
// apart. IPv6Frag is none of them (ParseFragment), nor is ESP, behind which all is
// encrypted.
func (p Protocol) IsExtension() bool {
	switch p {
	case HopByHop, Routing, AH, Destination, Mobility, HIP, Shim6:
		return true
	}
	return false
}

// ParseExtension takes an extension header of the given kind off b.
func ParseExtension(kind Protocol, b []byte) (e Extension, payload []byte, err error) {
	switch {
	case !kind.IsExtension():
		return e, nil, errExtensionKind
	case len(b) < 8:
		return e, nil, errExtensionCut
	}
	size := (int(b[1]) + 1) * 8 // RFC 8200 §4.3: in units of 8 bytes, without the first
	if kind == AH {
		size = (int(b[1]) + 2) * 4 // RFC 4302 §2.2: in units of 4 bytes, minus 2
		if size < 12 {
			return e, nil, errAuthLength
		}
	}
	if size > len(b) {
		return e, nil, errExtensionLong
	}
	return Extension{Next: Protocol(b[0]), Kind: kind, Body: b[2:size:size]}, b[size:], nil
}

// Append puts the header behind b, padded with zeros to its unit of 8 or 4 bytes.
// That is no valid padding for options: pad those with options (AppendPad).
func (e *Extension) Append(b []byte) []byte {
	unit, less, least := 8, 1, 1
	if e.Kind == AH {
		unit, less, least = 4, 2, 3
	}
	units := max((2+len(e.Body)+unit-1)/unit, least)
	b = append(b, byte(e.Next), byte(units-less))
	b = append(b, e.Body...)
	for pad := units*unit - 2 - len(e.Body); pad > 0; pad-- {
		b = append(b, 0)
	}
	return b
}

// Options is the list that a hop-by-hop or destination header holds; nil for others.
func (e *Extension) Options() IPv6Options {
	if e.Kind == HopByHop || e.Kind == Destination {
		return e.Body
	}
	return nil
}

// Route is what a routing header holds (RFC 8200 §4.4).
type Route struct {
	Type uint8 // 0: deprecated (RFC 5095), 2: mobility, 3: RPL, 4: segment routing
	Left uint8 // segments that are still to be visited
	Data []byte
}

// Route is the view of a routing header.
func (e *Extension) Route() (r Route, ok bool) {
	if e.Kind != Routing || len(e.Body) < 2 {
		return r, false
	}
	return Route{Type: e.Body[0], Left: e.Body[1], Data: e.Body[2:]}, true
}

// Addresses are the addresses of a route, 16 bytes each; nil for a type that packs
// them (RPL) or that is not known. Those of segment routing are in reverse order
// (RFC 8754 §2), the last to be visited first.
func (r Route) Addresses() []byte {
	if len(r.Data) < 4 {
		return nil
	}
	list := r.Data[4:] // behind what is reserved, or last entry, flags and tag
	switch r.Type {
	case 0, 2:
		return list[:len(list)&^15]
	case 4:
		return list[:min(len(list)&^15, (int(r.Data[0])+1)*16)]
	}
	return nil
}

// Auth is what AH holds (RFC 4302 §2).
type Auth struct {
	SPI, Seq uint32 // security parameters index; sequence number
	ICV      []byte // integrity check value and its padding
}

// Auth is the view of an AH.
func (e *Extension) Auth() (a Auth, ok bool) {
	if e.Kind != AH || len(e.Body) < 10 {
		return a, false
	}
	return Auth{
		SPI: binary.BigEndian.Uint32(e.Body[2:]),
		Seq: binary.BigEndian.Uint32(e.Body[6:]),
		ICV: e.Body[10:],
	}, true
}

// Fragment is the fragment header of IPv6 (RFC 8200 §4.5).
type Fragment struct {
	Next     Protocol
	Reserved uint8
	Offset   uint16 // in units of 8 bytes, 13 bits
	Flags    uint8  // 3 bits: two reserved, MoreFragments
	ID       uint32
}

// ParseFragment takes a fragment header off b.
func ParseFragment(b []byte) (f Fragment, payload []byte, err error) {
	if len(b) < 8 {
		return f, nil, errFragmentCut
	}
	offset := binary.BigEndian.Uint16(b[2:])
	return Fragment{
		Next:     Protocol(b[0]),
		Reserved: b[1],
		Offset:   offset >> 3,
		Flags:    uint8(offset & 7),
		ID:       binary.BigEndian.Uint32(b[4:]),
	}, b[8:], nil
}

// Append puts the header behind b.
func (f *Fragment) Append(b []byte) []byte {
	b = append(b, byte(f.Next), f.Reserved)
	b = binary.BigEndian.AppendUint16(b, f.Offset<<3|uint16(f.Flags&7))
	return binary.BigEndian.AppendUint32(b, f.ID)
}
