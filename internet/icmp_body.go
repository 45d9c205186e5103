package internet

import "encoding/binary"

// Echo is what an echo, its reply, and the IPv4 timestamp messages have in Rest.
func (h *ICMPHeader) Echo() (id, seq uint16) {
	return binary.BigEndian.Uint16(h.Rest[:]), binary.BigEndian.Uint16(h.Rest[2:])
}

// SetEcho sets what Echo returns.
func (h *ICMPHeader) SetEcho(id, seq uint16) {
	binary.BigEndian.PutUint16(h.Rest[:], id)
	binary.BigEndian.PutUint16(h.Rest[2:], seq)
}

// MTU is the next hop's MTU in bytes that a "fragmentation needed" (RFC 1191 §4; 0
// from a router that does not say) or a "packet too big" (RFC 4443 §3.2) reports.
func (h *ICMPHeader) MTU(p Protocol) (mtu uint32, ok bool) {
	switch {
	case p == ICMPv6 && h.Type == ICMPv6PacketTooBig:
		return binary.BigEndian.Uint32(h.Rest[:]), true
	case p == ICMP && h.Type == ICMPv4Unreachable && h.Code == ICMPv4FragmentationNeeded:
		return uint32(binary.BigEndian.Uint16(h.Rest[2:])), true
	}
	return 0, false
}

// Pointer is where in the quoted packet a parameter problem lies, in bytes from its
// start (RFC 792, RFC 4443 §3.4).
func (h *ICMPHeader) Pointer(p Protocol) (offset uint32, ok bool) {
	switch {
	case p == ICMPv6 && h.Type == ICMPv6ParameterProblem:
		return binary.BigEndian.Uint32(h.Rest[:]), true
	case p == ICMP && h.Type == ICMPv4ParameterProblem:
		return uint32(h.Rest[0]), true
	}
	return 0, false
}

// Gateway is the router that an IPv4 redirect names. That of IPv6 is an NDP.
func (h *ICMPHeader) Gateway() (router [4]byte, ok bool) {
	return h.Rest, h.Type == ICMPv4Redirect
}

// Quoted splits the payload of an error message into the packet that it quotes,
// which is cut short nearly always, and what a router adds behind it (extension
// objects, RFC 4884). Both are views; packet is nil for a message that is no error.
func (h *ICMPHeader) Quoted(p Protocol, payload []byte) (packet, rest []byte) {
	if !h.IsError(p) {
		return nil, payload
	}
	// RFC 4884 §4: a length of 0 is a message without extension objects, of which
	// the quoted packet is all.
	n := h.quotedLength(p)
	if n == 0 || n > len(payload) {
		return payload, nil
	}
	return payload[:n:n], payload[n:]
}

// quotedLength is the length attribute in bytes, 0 for none (RFC 4884 §4.1-4.5):
// words of 4 bytes in the second byte of Rest, in IPv6 of 8 bytes in the first.
func (h *ICMPHeader) quotedLength(p Protocol) int {
	if p == ICMPv6 {
		if h.Type == ICMPv6Unreachable || h.Type == ICMPv6TimeExceeded {
			return int(h.Rest[0]) * 8
		}
		return 0
	}
	switch h.Type {
	case ICMPv4Unreachable, ICMPv4TimeExceeded, ICMPv4ParameterProblem:
		return int(h.Rest[1]) * 4
	}
	return 0
}

// Times are the three times of an IPv4 timestamp or its reply, in milliseconds
// since midnight UT (RFC 792).
type Times struct{ Originate, Receive, Transmit uint32 }

// ParseTimes takes the times off b, the payload of a timestamp message.
func ParseTimes(b []byte) (t Times, payload []byte, err error) {
	if len(b) < 12 {
		return t, nil, errTimesCut
	}
	return Times{
		Originate: binary.BigEndian.Uint32(b),
		Receive:   binary.BigEndian.Uint32(b[4:]),
		Transmit:  binary.BigEndian.Uint32(b[8:]),
	}, b[12:], nil
}

// Append puts the times behind b.
func (t *Times) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, t.Originate)
	b = binary.BigEndian.AppendUint32(b, t.Receive)
	return binary.BigEndian.AppendUint32(b, t.Transmit)
}
