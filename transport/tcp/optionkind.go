package tcp

import "fmt"

// OptionKind says what an option is (IANA TCP parameters).
type OptionKind uint8

// The kinds that are in use.
const (
	KindEnd           OptionKind = 0   // RFC 9293 §3.2
	KindNop           OptionKind = 1   // RFC 9293 §3.2
	KindMSS           OptionKind = 2   // RFC 9293 §3.2
	KindWindowScale   OptionKind = 3   // RFC 7323 §2
	KindSACKPermitted OptionKind = 4   // RFC 2018 §2
	KindSACK          OptionKind = 5   // RFC 2018 §3
	KindTimestamps    OptionKind = 8   // RFC 7323 §3
	KindMD5           OptionKind = 19  // RFC 2385
	KindUserTimeout   OptionKind = 28  // RFC 5482
	KindAO            OptionKind = 29  // RFC 5925
	KindMPTCP         OptionKind = 30  // RFC 8684
	KindFastOpen      OptionKind = 34  // RFC 7413
	KindENO           OptionKind = 69  // RFC 8547
	KindAccECN0       OptionKind = 172 // RFC 9768
	KindAccECN1       OptionKind = 174 // RFC 9768
	KindExperiment1   OptionKind = 253 // RFC 6994
	KindExperiment2   OptionKind = 254 // RFC 6994
)

// String names the kind as the registry has it, in short; or writes "kind 99".
func (k OptionKind) String() string {
	if name := k.name(); name != "" {
		return name
	}
	if name := k.historic(); name != "" {
		return name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

func (k OptionKind) name() string {
	switch k {
	case KindEnd:
		return "end of options"
	case KindNop:
		return "no-operation"
	case KindMSS:
		return "MSS"
	case KindWindowScale:
		return "window scale"
	case KindSACKPermitted:
		return "SACK permitted"
	case KindSACK:
		return "SACK"
	case KindTimestamps:
		return "timestamps"
	case KindMD5:
		return "MD5 signature"
	case KindUserTimeout:
		return "user timeout"
	case KindAO:
		return "authentication (AO)"
	case KindMPTCP:
		return "MPTCP"
	case KindFastOpen:
		return "fast open"
	case KindENO:
		return "encryption negotiation (ENO)"
	case KindAccECN0, KindAccECN1:
		return "accurate ECN"
	case KindExperiment1, KindExperiment2:
		return "experiment"
	}
	return ""
}

// historic names kinds that are registered and no longer sent.
func (k OptionKind) historic() string {
	switch k {
	case 6:
		return "echo"
	case 7:
		return "echo reply"
	case 9:
		return "partial order permitted"
	case 10:
		return "partial order profile"
	case 11:
		return "connection count (CC)"
	case 12:
		return "CC.NEW"
	case 13:
		return "CC.ECHO"
	case 14:
		return "alternate checksum request"
	case 15:
		return "alternate checksum"
	case 16:
		return "Skeeter"
	case 17:
		return "Bubba"
	case 18:
		return "trailer checksum"
	case 20:
		return "SCPS capabilities"
	case 21:
		return "selective negative ACK"
	case 22:
		return "record boundaries"
	case 23:
		return "corruption experienced"
	case 24:
		return "SNAP"
	case 26:
		return "compression filter"
	case 27:
		return "quick-start response"
	}
	return ""
}

// allows says whether an option of this kind can have n bytes of data.
func (k OptionKind) allows(n int) bool {
	switch k {
	case KindSACKPermitted:
		return n == 0
	case KindWindowScale:
		return n == 1
	case KindMSS, KindUserTimeout:
		return n == 2
	case KindSACK: // RFC 2018 §3: 8*n + 2 bytes for n blocks, and at most 4 have room
		return n >= 8 && n <= 32 && n%8 == 0
	case KindTimestamps:
		return n == 8
	case KindMD5:
		return n == 16
	case KindAO, KindExperiment1, KindExperiment2: // key IDs; RFC 6994 §3: an ExID of 2 bytes at least
		return n >= 2
	case KindMPTCP: // RFC 8684 §3: a subtype at least
		return n >= 1
	case KindFastOpen: // RFC 7413 §4.1.1: no cookie, or one of an even length from 4 to 16 bytes
		return n == 0 || n >= 4 && n <= 16 && n%2 == 0
	case KindAccECN0, KindAccECN1: // RFC 9768 §3.2.3: up to three counters of three bytes
		return n <= 9 && n%3 == 0
	}
	return true
}
