package flow

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"dialtone/observe/capture"
)

// key is what the packets of one conversation have in common, whichever way they go:
// both ends' addresses and ports, the lower end first, and what keeps others apart.
type key struct {
	low, high [2]uint64 // addresses
	ports     uint32    // of low, and of high in the upper half
	vlan      uint32
	kind      uint32 // version of IP and protocol
}

// keyOf returns the key of a packet with ports; turned says that its source is the
// key's high end.
func keyOf(p *capture.Packet) (k key, turned bool) {
	src, dst := p.Src.As16(), p.Dst.As16()
	k.kind = uint32(p.Version)<<8 | uint32(p.Protocol)
	return k.order(&src, &dst, p.SrcPort, p.DstPort, p.VLAN)
}

// order fills in both ends.
func (k key) order(src, dst *[16]byte, sport, dport uint16, vlan uint32) (_ key, turned bool) {
	k.vlan = vlan
	s := [2]uint64{binary.BigEndian.Uint64(src[:]), binary.BigEndian.Uint64(src[8:])}
	d := [2]uint64{binary.BigEndian.Uint64(dst[:]), binary.BigEndian.Uint64(dst[8:])}
	if before(s, d) || s == d && sport <= dport {
		k.low, k.high, k.ports = s, d, uint32(sport)|uint32(dport)<<16
		return k, false
	}
	k.low, k.high, k.ports = d, s, uint32(dport)|uint32(sport)<<16
	return k, true
}

func before(a, b [2]uint64) bool { return a[0] < b[0] || a[0] == b[0] && a[1] < b[1] }

// seed makes the places in a table unpredictable, so that a capture cannot be made
// whose conversations all fall into one.
type seed [4]uint64

func newSeed() seed {
	return seed{rand.Uint64() | 1, rand.Uint64() | 1, rand.Uint64() | 1, rand.Uint64() | 1}
}

func (s *seed) hash(k *key) uint32 {
	a := mix(k.low[1]^s[0], k.high[1]^s[1]^uint64(k.ports)<<32)
	b := mix(k.low[0]^s[2]^uint64(k.ports), k.high[0]^s[3]^uint64(k.vlan)<<16^uint64(k.kind)<<48)
	h := mix(a^s[1], b^s[2])
	return uint32(h) ^ uint32(h>>32)
}

// mix folds the 128 bits of a product.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
