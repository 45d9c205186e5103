package tcp

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"
)

// An ISN makes initial sequence numbers that nobody off the path can guess, and that
// still grow from one connection between two ports to the next (RFC 6528).
type ISN struct {
	Secret [16]byte // random, from the owner, and never told
}

// Next is the number for a connection that begins now.
//
// RFC 6528 §3: ISN = M + F(localip, localport, remoteip, remoteport, secretkey); M is
// a clock of 4 microseconds, RFC 9293 §3.4.1.
func (g *ISN) Next(now time.Duration, local, remote netip.AddrPort) Seq {
	return Seq(now/(4*time.Microsecond)) + Seq(g.hash(0, local, remote))
}

// TimestampOffset is a connection's Config.TimestampOffset, as unguessable as Next and
// the same for later connections between two addresses, so that their timestamps grow
// (RFC 7323 §5.4).
func (g *ISN) TimestampOffset(local, remote netip.Addr) uint32 {
	return g.hash(1, netip.AddrPortFrom(local, 0), netip.AddrPortFrom(remote, 0))
}

func (g *ISN) hash(use byte, local, remote netip.AddrPort) uint32 {
	var text [16 + 1 + 2*18]byte
	b := append(append(text[:0], g.Secret[:]...), use)
	for _, a := range [...]netip.AddrPort{local, remote} {
		addr := a.Addr().As16()
		b = append(b, addr[:]...)
		b = binary.BigEndian.AppendUint16(b, a.Port())
	}
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint32(sum[:])
}
