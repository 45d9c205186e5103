package host

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"dialtone/internet"
	"dialtone/transport"
	"dialtone/transport/tcp"
)

// A flow is a connection's name: the four-tuple, seen from here (RFC 9293 §3.3.1).
// It is a map's key of 36 bytes without a pointer; IPv4 addresses are those mapped
// into IPv6.
type flow struct {
	localAddr, remoteAddr [16]byte
	localPort, remotePort uint16
}

func newFlow(local, remote netip.AddrPort) flow {
	return flow{local.Addr().As16(), remote.Addr().As16(), local.Port(), remote.Port()}
}

func (f *flow) local() netip.AddrPort  { return endpoint(f.localAddr, f.localPort) }
func (f *flow) remote() netip.AddrPort { return endpoint(f.remoteAddr, f.remotePort) }

func endpoint(addr [16]byte, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(addr).Unmap(), port)
}

// pseudo is the partial sum of the pseudo-header but for the length, which is still to
// be added. Sums do not care about the order of the ends. It is to be taken once for a
// run: each time it would wait until all that was written before is in memory.
func (f *flow) pseudo() uint32 {
	if mapped := [12]byte{10: 0xff, 11: 0xff}; [12]byte(f.localAddr[:12]) == mapped { // RFC 4291 §2.5.5.2
		return transport.PseudoSum4([4]byte(f.localAddr[12:]), [4]byte(f.remoteAddr[12:]), internet.TCP, 0)
	}
	return transport.PseudoSum6(f.localAddr, f.remoteAddr, internet.TCP, 0)
}

// flowOf says whose segment it is that has arrived.
func flowOf(p *packet) (f flow, ok bool) {
	if len(p.data) < tcp.HeaderLen {
		return f, false
	}
	src, dst := binary.BigEndian.Uint16(p.data), binary.BigEndian.Uint16(p.data[2:])
	return flow{p.dst.As16(), p.src.As16(), dst, src}, true
}

// flowOfQuoted says whose segment it was that an ICMP error quotes: one from here.
func flowOfQuoted(u *unreachable) (f flow, ok bool) {
	// RFC 792: 64 bits of the transport header, which are ports and sequence number.
	if len(u.quoted) < 8 {
		return f, false
	}
	src, dst := binary.BigEndian.Uint16(u.quoted), binary.BigEndian.Uint16(u.quoted[2:])
	return flow{u.local.As16(), u.remote.As16(), src, dst}, true
}

// sameFlow says whether b, of any length, is of the flow that a is.
func sameFlow(a, b *packet) bool {
	return len(b.data) >= tcp.HeaderLen && bytes.Equal(a.data[:4], b.data[:4]) &&
		a.src == b.src && a.dst == b.dst
}

// segmentLen is the length of a segment with data bytes, and with the options padded.
func segmentLen(h *tcp.Header, data int) int {
	return tcp.HeaderLen + (min(len(h.Options), tcp.MaxOptions)+3)&^3 + data
}
