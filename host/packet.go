package host

import (
	"net/netip"

	"dialtone/link"
)

// A packet is one on its way up, behind its IP header. It and its data are lent for
// the time of a call; who keeps data takes the frame out of it.
type packet struct {
	src, dst netip.Addr
	data     []byte        // from the transport header to the end of the packet
	whole    []byte        // the same with the IP header, for ICMP errors to quote
	checksum link.Checksum // Unknown: for the transport to check
	tos, ttl uint8
	toMany   bool        // a broadcast or a multicast, of the link or of IP
	nic      *nic        // that it came by
	frame    *link.Frame // that data lies in; nil where somebody has taken it
}

// take makes the frame the caller's, and data with it.
func (p *packet) take() *link.Frame {
	f := p.frame
	p.frame = nil
	return f
}

// free ends the frame, unless somebody has taken it.
func (p *packet) free() {
	if p.frame != nil {
		p.take().Free()
	}
}

// unreachable is what a router, the peer or the host's own link has to say about a
// packet that was sent from here.
type unreachable struct {
	from          netip.Addr // who says it
	local, remote netip.Addr // source and destination of the packet
	quoted        []byte     // its transport header: 8 bytes of it at least
	err           error      // syscall.ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EMSGSIZE, …
	hard          bool       // it will not do to try again (RFC 1122 §4.2.3.9)

	// Of EMSGSIZE: what the next link carries, 0 where the router does not say, and how
	// large the packet was. Whoever finds that the packet was really his calls learnMTU.
	mtu, size int
}
