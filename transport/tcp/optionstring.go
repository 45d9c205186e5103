package tcp

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// String says what the option says: "MSS 1460", "SACK 1000-2448", "MPTCP MP_JOIN".
// Where its length is none that its kind has, and where there is nothing to add, it is
// the kind and how many bytes of data there are.
func (opt Option) String() string {
	d := opt.Data
	if !opt.Kind.allows(len(d)) {
		return fmt.Sprintf("%v (%d bytes)", opt.Kind, len(d))
	}
	switch opt.Kind {
	case KindEnd, KindNop, KindSACKPermitted:
		return opt.Kind.String()
	case KindMSS:
		return fmt.Sprintf("MSS %d", binary.BigEndian.Uint16(d))
	case KindWindowScale:
		return fmt.Sprintf("window scale %d (×%d)", d[0], 1<<min(d[0], MaxWindowScale))
	case KindTimestamps:
		return fmt.Sprintf("timestamps %d, echo %d", binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:]))
	case KindSACK:
		return opt.sack()
	case KindUserTimeout:
		return userTimeout(binary.BigEndian.Uint16(d))
	case KindAO:
		return fmt.Sprintf("authentication (AO) key %d, next key %d, code of %d bytes", d[0], d[1], len(d)-2)
	case KindMPTCP:
		return "MPTCP " + MPTCPSubtype(d[0]>>4).String()
	case KindFastOpen:
		return fastOpen(d)
	case KindExperiment1, KindExperiment2:
		return "experiment: " + experiment(d)
	}
	return fmt.Sprintf("%v (%d bytes)", opt.Kind, len(d))
}

func (opt Option) sack() string {
	var text strings.Builder
	text.WriteString("SACK")
	for b := opt.Data; len(b) >= 8; b = b[8:] {
		edges := block(b)
		fmt.Fprintf(&text, " %d-%d", edges[0], edges[1])
	}
	return text.String()
}

// userTimeout has minutes where the highest bit is set, else seconds (RFC 5482 §3.1).
func userTimeout(v uint16) string {
	unit := "s"
	if v&0x8000 != 0 {
		unit = "min"
	}
	return fmt.Sprintf("user timeout %d %s", v&0x7fff, unit)
}

func fastOpen(cookie []byte) string {
	if len(cookie) == 0 {
		return "fast open: asks for a cookie"
	}
	return fmt.Sprintf("fast open: cookie %x", cookie)
}

// experiment names what shares the two experimental kinds by its first bytes (RFC
// 6994 §3 and the registry of experiment identifiers).
func experiment(d []byte) string {
	if len(d) >= 4 && binary.BigEndian.Uint32(d) == 0xe2d4c3d9 {
		return "SMC-R"
	}
	switch id := binary.BigEndian.Uint16(d); id {
	case 0x0ed0:
		return "extended data offset (EDO)"
	case 0x454e:
		return "encryption negotiation (ENO)"
	case 0xacc0, 0xacc1, 0xacce:
		return "accurate ECN"
	case 0xf989:
		return fastOpen(d[2:])
	default:
		return fmt.Sprintf("0x%04x (%d bytes)", id, len(d)-2)
	}
}

// MPTCPSubtype says what an MPTCP option is (RFC 8684 §8).
type MPTCPSubtype uint8

// String is the subtype's name in the RFC, or "subtype 11".
func (s MPTCPSubtype) String() string {
	names := [...]string{"MP_CAPABLE", "MP_JOIN", "DSS", "ADD_ADDR", "REMOVE_ADDR", "MP_PRIO", "MP_FAIL", "MP_FASTCLOSE", "MP_TCPRST"}
	switch {
	case int(s) < len(names):
		return names[s]
	case s == 0xf:
		return "MP_EXPERIMENTAL"
	}
	return fmt.Sprintf("subtype %d", uint8(s))
}
