package internet

import "strconv"

// Protocol says what a packet carries, or an IPv6 header is followed by (IANA
// protocol numbers).
type Protocol uint8

// The protocols that this module knows. Those from HopByHop to Shim6 are the
// extension headers of IPv6 (RFC 7045 §4).
const (
	ICMP   Protocol = 1
	IGMP   Protocol = 2
	InIPv4 Protocol = 4 // an IPv4 packet inside
	TCP    Protocol = 6
	UDP    Protocol = 17
	InIPv6 Protocol = 41 // an IPv6 packet inside
	GRE    Protocol = 47
	ICMPv6 Protocol = 58
	NoNext Protocol = 59 // nothing follows (RFC 8200 §4.7)

	HopByHop    Protocol = 0
	Routing     Protocol = 43
	IPv6Frag    Protocol = 44
	ESP         Protocol = 50 // encrypted from here on (RFC 4303): no header follows that can be read
	AH          Protocol = 51
	Destination Protocol = 60
	Mobility    Protocol = 135
	HIP         Protocol = 139
	Shim6       Protocol = 140
)

// String gives the protocol's usual name, "TCP", or "protocol 200".
func (p Protocol) String() string {
	if name := protocolName(p); name != "" {
		return name
	}
	return "protocol " + strconv.Itoa(int(p))
}

func protocolName(p Protocol) string {
	switch p {
	case ICMP:
		return "ICMP"
	case IGMP:
		return "IGMP"
	case InIPv4:
		return "IPv4"
	case TCP:
		return "TCP"
	case UDP:
		return "UDP"
	case InIPv6:
		return "IPv6"
	case GRE:
		return "GRE"
	case ICMPv6:
		return "ICMPv6"
	case NoNext:
		return "no next header"
	case 33:
		return "DCCP"
	case 88:
		return "EIGRP"
	case 89:
		return "OSPF"
	case 103:
		return "PIM"
	case 112:
		return "VRRP"
	case 115:
		return "L2TP"
	case 132:
		return "SCTP"
	case 136:
		return "UDP-Lite"
	case 137:
		return "MPLS"
	}
	return extensionName(p)
}

func extensionName(p Protocol) string {
	switch p {
	case HopByHop:
		return "hop-by-hop options"
	case Routing:
		return "routing"
	case IPv6Frag:
		return "fragment"
	case ESP:
		return "ESP"
	case AH:
		return "AH"
	case Destination:
		return "destination options"
	case Mobility:
		return "mobility"
	case HIP:
		return "HIP"
	case Shim6:
		return "Shim6"
	}
	return ""
}
