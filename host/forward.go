package host

import (
	"encoding/binary"
	"net/netip"
	"syscall"

	"dialtone/internet"
	"dialtone/link"
)

// forwardIPv4 sends a packet of others on (RFC 1812 §5.2.1):
//
//  1. is there a hop left
//  2. the route; and never to the link itself, nor to many
//  3. does it fit: else it is cut, or its sender told
//  4. one hop less
func (h *Host) forwardIPv4(p *packet, header *internet.IPv4, out *outbox) {
	// RFC 1812 §5.3.1: if the TTL is reduced to zero (or less), the packet MUST be discarded.
	if header.TTL <= 1 {
		h.drop(DropTTL, p.whole)
		h.report(p, internet.ICMPv4TimeExceeded, internet.ICMPv4HopsExceeded, 0, out)
		return
	}
	r, err := h.cached(addrPair{forwarded, p.dst}, h.findForward)
	if err != nil {
		h.drop(DropNoRoute, p.whole)
		h.report(p, internet.ICMPv4Unreachable, internet.ICMPv4NetUnreachable, 0, out)
		return
	}
	// RFC 1812 §5.3.5.2, and RFC 1191 §4: the error MUST say the MTU of the next link.
	if len(p.whole) > r.mtu && header.Flags&internet.DontFragment != 0 {
		h.drop(DropTooBig, p.whole)
		h.report(p, internet.ICMPv4Unreachable, internet.ICMPv4FragmentationNeeded, uint32(r.mtu), out)
		return
	}
	h.count(countForwarded)
	decrementTTL(p.whole)
	// A link on which segments are left to be cut or summed ends here.
	f := p.take()
	f.Data = f.Data[:link.EthernetLen+len(p.whole)]
	f.Complete()
	out.forward(r, f)
}

// decrementTTL takes one hop off a packet, and brings its checksum along (RFC 1141).
func decrementTTL(packet []byte) {
	before := binary.BigEndian.Uint16(packet[8:])
	packet[8]--
	sum := internet.Update(binary.BigEndian.Uint16(packet[10:]), before, binary.BigEndian.Uint16(packet[8:]))
	binary.BigEndian.PutUint16(packet[10:], sum)
}

// forwarded stands for the source of what others have sent, in the cache of routes: the
// way, unlike that of what is sent from here, has no source address.
var forwarded = netip.IPv4Unspecified()

// findForward is the route of a packet that somebody else has sent.
func (h *Host) findForward(pair addrPair) (*route, error) {
	r := &route{dst: pair.dst, hop: pair.dst}
	if err := h.direct(r); err != nil {
		return nil, err
	}
	if r.kind != toHost || r.nic.index == 0 || r.dst.As4()[0] >= 240 {
		return nil, syscall.ENETUNREACH
	}
	r.mtu = r.nic.mtu
	return r, nil
}
