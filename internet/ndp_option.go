package internet

import (
	"encoding/binary"
	"strconv"

	"dialtone/link"
)

// NDPOptions is the list of options behind a message of neighbour discovery; see
// IPv4Options for how it is walked.
type NDPOptions []byte

// NDPOption is one option (RFC 4861 §4.6).
type NDPOption struct {
	Kind NDPOptionKind
	Data []byte // behind kind and length; with its two bytes before a multiple of 8
}

// NDPOptionKind says what an option is (IANA).
type NDPOptionKind uint8

// The options that this module takes apart.
const (
	SourceLinkAddress NDPOptionKind = 1
	TargetLinkAddress NDPOptionKind = 2
	PrefixInformation NDPOptionKind = 3
	RedirectedHeader  NDPOptionKind = 4
	LinkMTU           NDPOptionKind = 5
	RecursiveDNS      NDPOptionKind = 25 // RFC 8106
)

var (
	errNDPOptionCut  = &link.HeaderError{Layer: "NDP option", Offset: 0, Rule: "cut short: fewer than 2 bytes"}
	errNDPOptionZero = &link.HeaderError{Layer: "NDP option", Offset: 1, Rule: "length is 0"}
	errNDPOptionLong = &link.HeaderError{Layer: "NDP option", Offset: 1, Rule: "length beyond the message"}
)

// Next takes the first option off the list. The error is ErrEnd where there is
// none, or a *link.HeaderError; no option can be told behind that.
func (o NDPOptions) Next() (option NDPOption, rest NDPOptions, err error) {
	switch {
	case len(o) == 0:
		return option, nil, ErrEnd
	case len(o) < 2:
		return option, nil, errNDPOptionCut
	case o[1] == 0: // RFC 4861 §4.6: a node MUST discard such a packet
		return option, nil, errNDPOptionZero
	}
	size := int(o[1]) * 8
	if size > len(o) {
		return option, nil, errNDPOptionLong
	}
	return NDPOption{Kind: NDPOptionKind(o[0]), Data: o[2:size]}, o[size:], nil
}

// Append puts the option behind b, padded with zeros to a multiple of 8 bytes.
func (o NDPOption) Append(b []byte) []byte {
	units := max((2+len(o.Data)+7)/8, 1)
	b = append(b, byte(o.Kind), byte(units))
	b = append(b, o.Data...)
	for pad := units*8 - 2 - len(o.Data); pad > 0; pad-- {
		b = append(b, 0)
	}
	return b
}

// LinkAddress is what the two link address options hold on an Ethernet
// (RFC 2464 §6).
func (o NDPOption) LinkAddress() (mac link.MAC, ok bool) {
	if (o.Kind != SourceLinkAddress && o.Kind != TargetLinkAddress) || len(o.Data) != 6 {
		return mac, false
	}
	return link.MAC(o.Data), true
}

// NDPPrefix is what PrefixInformation holds (RFC 4861 §4.6.2).
type NDPPrefix struct {
	Bits             uint8 // of the prefix that are valid, 0 to 128
	OnLink, Auto     bool  // addresses of it are on the link; hosts may make their own
	Valid, Preferred uint32
	Address          [16]byte
}

// Prefix is the view of a PrefixInformation. The lifetimes are in seconds, with all
// bits set for ever.
func (o NDPOption) Prefix() (p NDPPrefix, ok bool) {
	if o.Kind != PrefixInformation || len(o.Data) != 30 {
		return p, false
	}
	return NDPPrefix{
		Bits:      o.Data[0],
		OnLink:    o.Data[1]&0x80 != 0,
		Auto:      o.Data[1]&0x40 != 0,
		Valid:     binary.BigEndian.Uint32(o.Data[2:]),
		Preferred: binary.BigEndian.Uint32(o.Data[6:]),
		Address:   [16]byte(o.Data[14:]), // behind four reserved bytes
	}, true
}

// MTU is what LinkMTU holds, in bytes.
func (o NDPOption) MTU() (mtu uint32, ok bool) {
	if o.Kind != LinkMTU || len(o.Data) != 6 {
		return 0, false
	}
	return binary.BigEndian.Uint32(o.Data[2:]), true
}

// Redirected is what RedirectedHeader holds: as much of the packet that caused the
// redirect as fits, and padding (RFC 4861 §4.6.3).
func (o NDPOption) Redirected() (packet []byte, ok bool) {
	if o.Kind != RedirectedHeader || len(o.Data) < 6 {
		return nil, false
	}
	return o.Data[6:], true
}

// DNS is what RecursiveDNS holds: seconds for which the servers may be used, and
// their addresses, 16 bytes each (RFC 8106 §5.1).
func (o NDPOption) DNS() (lifetime uint32, servers []byte, ok bool) {
	if o.Kind != RecursiveDNS || len(o.Data) < 6 {
		return 0, nil, false
	}
	servers = o.Data[6:]
	return binary.BigEndian.Uint32(o.Data[2:]), servers[:len(servers)&^15], true
}

// String gives the option's usual name, "prefix information", or "option 200".
func (k NDPOptionKind) String() string {
	switch k {
	case SourceLinkAddress:
		return "source link-layer address"
	case TargetLinkAddress:
		return "target link-layer address"
	case PrefixInformation:
		return "prefix information"
	case RedirectedHeader:
		return "redirected header"
	case LinkMTU:
		return "MTU"
	case RecursiveDNS:
		return "recursive DNS servers"
	case 14:
		return "nonce"
	case 24:
		return "route information"
	case 26:
		return "router advertisement flags"
	case 31:
		return "DNS search list"
	case 37:
		return "captive portal"
	case 38:
		return "PREF64"
	}
	return "option " + strconv.Itoa(int(k))
}
