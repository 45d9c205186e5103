package internet

import "strconv"

// Name says what the message is in words: "port unreachable", "echo request", or
// "type 200 code 3".
func (h *ICMPHeader) Name(p Protocol) string {
	name := ""
	if p == ICMPv6 {
		name = icmpv6Name(h.Type, h.Code)
	} else {
		name = icmpv4Name(h.Type, h.Code)
	}
	if name == "" {
		name = "type " + strconv.Itoa(int(h.Type)) + " code " + strconv.Itoa(int(h.Code))
	}
	return name
}

// pick returns the word for code, or the general one.
func pick(code uint8, general string, words ...string) string {
	if int(code) < len(words) {
		return words[code]
	}
	return general + ", code " + strconv.Itoa(int(code))
}

func icmpv4Name(kind, code uint8) string {
	switch kind {
	case ICMPv4EchoReply:
		return "echo reply"
	case ICMPv4Unreachable:
		// RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1.
		return pick(code, "unreachable",
			"network unreachable", "host unreachable", "protocol unreachable", "port unreachable",
			"fragmentation needed", "source route failed", "network unknown", "host unknown",
			"source host isolated", "network prohibited", "host prohibited",
			"network unreachable for type of service", "host unreachable for type of service",
			"communication prohibited", "host precedence violation", "precedence cutoff")
	case ICMPv4SourceQuench:
		return "source quench"
	case ICMPv4Redirect:
		return pick(code, "redirect", "redirect for network", "redirect for host",
			"redirect for type of service and network", "redirect for type of service and host")
	case ICMPv4Echo:
		return "echo request"
	case 9:
		return "router advertisement"
	case 10:
		return "router solicitation"
	case ICMPv4TimeExceeded:
		return pick(code, "time exceeded", "time to live exceeded in transit", "fragment reassembly time exceeded")
	case ICMPv4ParameterProblem:
		return pick(code, "parameter problem", "parameter problem", "required option missing", "bad length")
	case ICMPv4Timestamp:
		return "timestamp request"
	case ICMPv4TimestampReply:
		return "timestamp reply"
	case 17:
		return "address mask request"
	case 18:
		return "address mask reply"
	case 42:
		return "extended echo request"
	case 43:
		return "extended echo reply"
	}
	return ""
}

func icmpv6Name(kind, code uint8) string {
	switch kind {
	case ICMPv6Unreachable:
		// RFC 4443 §3.1, RFC 6550 §20.13, RFC 8883.
		return pick(code, "unreachable",
			"no route to destination", "communication prohibited", "beyond scope of source address",
			"address unreachable", "port unreachable", "source address failed policy",
			"reject route to destination", "error in source routing header", "headers too long")
	case ICMPv6PacketTooBig:
		return "packet too big"
	case ICMPv6TimeExceeded:
		return pick(code, "time exceeded", "hop limit exceeded in transit", "fragment reassembly time exceeded")
	case ICMPv6ParameterProblem:
		return pick(code, "parameter problem",
			"erroneous header field", "unrecognized next header", "unrecognized option",
			"incomplete header chain in first fragment")
	case ICMPv6Echo:
		return "echo request"
	case ICMPv6EchoReply:
		return "echo reply"
	case 160:
		return "extended echo request"
	case 161:
		return "extended echo reply"
	}
	return discoveryName(kind)
}

// discoveryName is for the types that manage neighbours and groups.
func discoveryName(kind uint8) string {
	switch kind {
	case MLDQuery:
		return "multicast listener query"
	case MLDReport:
		return "multicast listener report"
	case MLDDone:
		return "multicast listener done"
	case MLDv2Report:
		return "multicast listener report v2"
	case ICMPv6RouterSolicitation:
		return "router solicitation"
	case ICMPv6RouterAdvertisement:
		return "router advertisement"
	case ICMPv6NeighborSolicitation:
		return "neighbor solicitation"
	case ICMPv6NeighborAdvertisement:
		return "neighbor advertisement"
	case ICMPv6Redirect:
		return "redirect"
	case 151:
		return "multicast router advertisement"
	case 155:
		return "RPL control"
	}
	return ""
}
