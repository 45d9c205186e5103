package internet

import (
	"encoding/binary"
	"errors"
	"strconv"

	"dialtone/link"
)

// ErrEnd is what the Next of a list of options or records returns behind the last.
var ErrEnd = errors.New("no more options")

// IPv4Options is a header's list of options: IPv4Options(h.Options).
//
//	for option, rest, err := list.Next(); err == nil; option, rest, err = rest.Next() {
type IPv4Options []byte

// IPv4Option is one option (RFC 791 §3.1).
type IPv4Option struct {
	Kind IPv4OptionKind
	Data []byte // behind kind and length; of EndOfOptions the padding
}

// IPv4OptionKind says what an option is: copied flag, class and number (IANA).
type IPv4OptionKind uint8

// The options that this module takes apart.
const (
	EndOfOptions  IPv4OptionKind = 0
	NoOperation   IPv4OptionKind = 1
	RecordRoute   IPv4OptionKind = 7
	TimestampOpt  IPv4OptionKind = 68
	LooseRoute    IPv4OptionKind = 131 // loose source and record route
	StrictRoute   IPv4OptionKind = 137 // strict source and record route
	RouterAlertV4 IPv4OptionKind = 148 // RFC 2113
)

var (
	errOptionLength = &link.HeaderError{Layer: "IPv4 option", Offset: 1, Rule: "length below 2 bytes"}
	errOptionCut    = &link.HeaderError{Layer: "IPv4 option", Offset: 1, Rule: "length beyond the header"}
	errOptionNone   = &link.HeaderError{Layer: "IPv4 option", Offset: 1, Rule: "no length: the header ends behind the kind"}
)

// Next takes the first option off the list. The error is ErrEnd where there is
// none, or a *link.HeaderError; no option can be told behind that.
func (o IPv4Options) Next() (option IPv4Option, rest IPv4Options, err error) {
	if len(o) == 0 {
		return option, nil, ErrEnd
	}
	option.Kind = IPv4OptionKind(o[0])
	switch {
	case option.Kind == EndOfOptions: // what follows is padding
		option.Data = o[1:]
		return option, nil, nil
	case option.Kind == NoOperation:
		return option, o[1:], nil
	case len(o) < 2:
		return option, nil, errOptionNone
	case o[1] < 2:
		return option, nil, errOptionLength
	case int(o[1]) > len(o):
		return option, nil, errOptionCut
	}
	option.Data = o[2:o[1]]
	return option, o[o[1]:], nil
}

// Append puts the option behind b.
func (o IPv4Option) Append(b []byte) []byte {
	b = append(b, byte(o.Kind))
	if o.Kind != EndOfOptions && o.Kind != NoOperation {
		b = append(b, byte(len(o.Data)+2))
	}
	return append(b, o.Data...)
}

// Route is what RecordRoute, LooseRoute and StrictRoute hold: a pointer to the next
// address, counted from 1 at the option's kind, so that the first is at 4, and
// addresses of four bytes each.
func (o IPv4Option) Route() (pointer uint8, addresses []byte, ok bool) {
	switch o.Kind {
	case RecordRoute, LooseRoute, StrictRoute:
		if len(o.Data) >= 1 {
			return o.Data[0], o.Data[1 : 1+(len(o.Data)-1)&^3], true
		}
	}
	return 0, nil, false
}

// Times is what TimestampOpt holds: a pointer as in Route, the number of hosts that
// found no room, 0 for times only, 1 for addresses and times, 3 for the addresses
// that are asked, and the words of four bytes that those flags speak of. A time is
// in milliseconds since midnight UT.
func (o IPv4Option) Times() (pointer, overflow, flags uint8, words []byte, ok bool) {
	if o.Kind != TimestampOpt || len(o.Data) < 2 {
		return 0, 0, 0, nil, false
	}
	return o.Data[0], o.Data[1] >> 4, o.Data[1] & 15, o.Data[2 : 2+(len(o.Data)-2)&^3], true
}

// RouterAlert is what RouterAlertV4 holds: 0 for "every router looks at this
// packet" (RFC 2113 §2.1).
func (o IPv4Option) RouterAlert() (value uint16, ok bool) {
	if o.Kind != RouterAlertV4 || len(o.Data) != 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(o.Data), true
}

// String gives the option's usual name, "record route", or "option 200".
func (k IPv4OptionKind) String() string {
	switch k {
	case EndOfOptions:
		return "end of options"
	case NoOperation:
		return "no operation"
	case RecordRoute:
		return "record route"
	case TimestampOpt:
		return "timestamp"
	case LooseRoute:
		return "loose source route"
	case StrictRoute:
		return "strict source route"
	case RouterAlertV4:
		return "router alert"
	case 25:
		return "quick-start"
	case 82:
		return "traceroute"
	case 130:
		return "security"
	case 133:
		return "extended security"
	case 134:
		return "commercial security"
	case 136:
		return "stream ID"
	}
	return "option " + strconv.Itoa(int(k))
}
