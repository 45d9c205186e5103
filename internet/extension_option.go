package internet

import (
	"encoding/binary"
	"strconv"

	"dialtone/link"
)

// IPv6Options is the list of options in a hop-by-hop or destination header; see
// IPv4Options for how it is walked.
type IPv6Options []byte

// IPv6Option is one option (RFC 8200 §4.2).
type IPv6Option struct {
	Kind IPv6OptionKind
	Data []byte // behind kind and length
}

// IPv6OptionKind says what an option is; its three highest bits say what a node
// does that does not know it, and whether routers may change it.
type IPv6OptionKind uint8

// The options that this module takes apart.
const (
	Pad1          IPv6OptionKind = 0
	PadN          IPv6OptionKind = 1
	RouterAlertV6 IPv6OptionKind = 5    // RFC 2711
	JumboPayload  IPv6OptionKind = 0xc2 // RFC 2675
)

var (
	errOption6None = &link.HeaderError{Layer: "IPv6 option", Offset: 1, Rule: "no length: the header ends behind the kind"}
	errOption6Cut  = &link.HeaderError{Layer: "IPv6 option", Offset: 1, Rule: "length beyond the header"}
)

// Next takes the first option off the list. The error is ErrEnd where there is
// none, or a *link.HeaderError; no option can be told behind that.
func (o IPv6Options) Next() (option IPv6Option, rest IPv6Options, err error) {
	if len(o) == 0 {
		return option, nil, ErrEnd
	}
	option.Kind = IPv6OptionKind(o[0])
	switch {
	case option.Kind == Pad1: // the one without a length
		return option, o[1:], nil
	case len(o) < 2:
		return option, nil, errOption6None
	case 2+int(o[1]) > len(o):
		return option, nil, errOption6Cut
	}
	size := 2 + int(o[1])
	option.Data = o[2:size]
	return option, o[size:], nil
}

// Append puts the option behind b.
func (o IPv6Option) Append(b []byte) []byte {
	b = append(b, byte(o.Kind))
	if o.Kind == Pad1 {
		return b
	}
	b = append(b, byte(len(o.Data)))
	return append(b, o.Data...)
}

// AppendPad puts one option behind the options b that fills an extension header up
// to a multiple of 8 bytes, where one is needed; b starts behind the header's
// length field.
func AppendPad(b []byte) []byte {
	switch n := -(len(b) + 2) & 7; n {
	case 0:
		return b
	case 1:
		return append(b, byte(Pad1))
	default:
		var zeros [6]byte
		return IPv6Option{Kind: PadN, Data: zeros[:n-2]}.Append(b)
	}
}

// RouterAlert is what RouterAlertV6 holds: 0 for MLD, 1 for RSVP (RFC 2711 §2.1).
func (o IPv6Option) RouterAlert() (value uint16, ok bool) {
	if o.Kind != RouterAlertV6 || len(o.Data) != 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(o.Data), true
}

// Jumbo is what JumboPayload holds: the packet's bytes behind the fixed header,
// above 65535 (RFC 2675 §2).
func (o IPv6Option) Jumbo() (length uint32, ok bool) {
	if o.Kind != JumboPayload || len(o.Data) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(o.Data), true
}

// String gives the option's usual name, "router alert", or "option 0x9f".
func (k IPv6OptionKind) String() string {
	switch k {
	case Pad1:
		return "Pad1"
	case PadN:
		return "PadN"
	case RouterAlertV6:
		return "router alert"
	case JumboPayload:
		return "jumbo payload"
	case 0x04:
		return "tunnel encapsulation limit"
	case 0x07:
		return "CALIPSO"
	case 0x08:
		return "SMF duplicate detection"
	case 0x11, 0x31:
		return "IOAM"
	case 0x23, 0x63:
		return "RPL"
	case 0x26:
		return "quick-start"
	case 0x30:
		return "path MTU record"
	case 0x6d:
		return "MPL"
	case 0x8b:
		return "ILNP nonce"
	case 0xc9:
		return "home address"
	}
	return "option 0x" + strconv.FormatUint(uint64(k), 16)
}
