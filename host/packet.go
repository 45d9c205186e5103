package host

import (
	"net/netip"

	"dialtone/link"
)

// A packet is one on its way up, behind its IP header. It and its data are lent for
// the time of a call; data may be kept by whoever takes the frame out of it.
type packet struct {
	src, dst netip.Addr
	data     []byte        // from the transport header on, to the end of the packet
	checksum link.Checksum // Unknown: for the transport to check
	tos      uint8
	ttl      uint8
	nic      *nic        // that it came by
	frame    *link.Frame // that data lies in; nil for nobody's
	header   []byte      // the IP header, for ICMP errors to quote
}

// unreachable is what a router, the peer or the host's own link has to say about a
// packet that was sent from here.
type unreachable struct {
	local, remote netip.Addr // its source and destination
	quoted        []byte     // its transport header: 8 bytes of it at least
	err           error      // syscall.ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EMSGSIZE, …
	hard          bool       // it will not do to try again (RFC 1122 §4.2.3.9)
	mtu           int        // of the path, with the IP header, where err is EMSGSIZE; the route is stale already
}
