package tcp

import (
	"fmt"
	"strings"
)

// Flags are the control bits and the reserved ones: the low 12 bits of the
// header's bytes 12 and 13 (RFC 9293 §3.1, RFC 3168, RFC 9768).
type Flags uint16

// The control bits.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	AE
)

// flagNames are those of bits 0 to 8.
const flagNames = "FIN SYN RST PSH ACK URG ECE CWR AE "

// Has says whether all of want are set.
func (f Flags) Has(want Flags) bool { return f&want == want }

// String lists what is set, in the order of the bits from the lowest: "SYN ACK",
// "FIN PSH ACK"; bits without a name as "0x200"; "none" for none.
func (f Flags) String() string {
	if f == 0 {
		return "none"
	}
	var text strings.Builder
	names := flagNames
	for bit := FIN; bit <= AE; bit <<= 1 {
		end := strings.IndexByte(names, ' ') + 1
		if f.Has(bit) {
			text.WriteString(names[:end])
		}
		names = names[end:]
	}
	if rest := f &^ (AE<<1 - 1); rest != 0 {
		fmt.Fprintf(&text, "%#x ", uint16(rest))
	}
	return strings.TrimSuffix(text.String(), " ")
}
