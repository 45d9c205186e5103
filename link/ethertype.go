package link

import "fmt"

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

// Types that are seen on real links and that no layer above takes apart.
const (
	TypeQinQOld  EtherType = 0x9100 // what tags of a provider had before 802.1ad
	TypeMPLS     EtherType = 0x8847
	TypeMPLSMany EtherType = 0x8848 // MPLS with an upstream-assigned label
	TypeLLDP     EtherType = 0x88cc
)

// minType is the least value that is a type; up to maxLength it is a length, and
// between them it is neither (IEEE 802.3 §3.2.6).
const (
	maxLength = 1500
	minType   = 1536
)

// String names the type, or writes it as 0x88cc where it has no name here.
func (t EtherType) String() string {
	switch t {
	case TypeIPv4:
		return "IPv4"
	case TypeARP:
		return "ARP"
	case 0x0842:
		return "Wake-on-LAN"
	case TypeRARP:
		return "RARP"
	case TypeVLAN:
		return "802.1Q"
	case TypeIPv6:
		return "IPv6"
	case 0x8809:
		return "slow protocols"
	case TypeMPLS, TypeMPLSMany:
		return "MPLS"
	case 0x8863:
		return "PPPoE discovery"
	case 0x8864:
		return "PPPoE session"
	case 0x888e:
		return "EAPOL"
	case TypeQinQ:
		return "802.1ad"
	case TypeLLDP:
		return "LLDP"
	case 0x88e5:
		return "MACsec"
	case 0x88f7:
		return "PTP"
	case 0x9000:
		return "Ethernet loopback"
	case TypeQinQOld:
		return "QinQ 0x9100"
	}
	return fmt.Sprintf("0x%04x", uint16(t))
}

// IsTag says whether the type is that of a VLAN tag, behind which there is another type.
func (t EtherType) IsTag() bool { return t == TypeVLAN || t == TypeQinQ || t == TypeQinQOld }
