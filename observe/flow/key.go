package flow

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"

	"dialtone/observe/capture"
)

// key is what the packets of one conversation have in common, whichever way they go:
// both ends' addresses and ports, the lower end first, and what keeps others apart.
//
// It is made in place, of words that are read as wide as they were written: with
// narrower fields, or a copy, a processor waits for its own stores, which took longer
// than all the rest of finding a conversation.
type key struct {
	low, high [2]uint64 // addresses; of IPv4 in the last word
	ports     uint64    // of low, and of high from bit 32
	kind      uint64    // VLAN; protocol from bit 32, version of IP from bit 40
}

// of makes k the key of a packet with ports; turned says that its source is the key's
// high end.
func (k *key) of(p *capture.Packet) (turned bool) {
	k.kind = uint64(p.VLAN) | uint64(p.Protocol)<<32 | uint64(p.Version)<<40
	return k.between(p.Src, p.Dst, uint64(p.SrcPort), uint64(p.DstPort))
}

// between fills in both ends.
func (k *key) between(src, dst netip.Addr, sport, dport uint64) (turned bool) {
	s0, s1 := words(src)
	d0, d1 := words(dst)
	turned = s0 > d0 || s0 == d0 && (s1 > d1 || s1 == d1 && sport > dport)
	if turned {
		s0, s1, sport, d0, d1, dport = d0, d1, dport, s0, s1, sport
	}
	k.low[0], k.low[1], k.high[0], k.high[1], k.ports = s0, s1, d0, d1, sport|dport<<32
	return turned
}

func words(a netip.Addr) (high, low uint64) {
	if a.Is4() {
		b := a.As4()
		return 0, uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

func (k *key) is(o *key) bool {
	return k.low[1] == o.low[1] && k.high[1] == o.high[1] && k.ports == o.ports &&
		k.low[0] == o.low[0] && k.high[0] == o.high[0] && k.kind == o.kind
}

// seed makes the places in a table unpredictable, so that a capture cannot be made
// whose conversations all fall into one.
type seed [4]uint64

func newSeed() seed {
	return seed{rand.Uint64() | 1, rand.Uint64() | 1, rand.Uint64() | 1, rand.Uint64() | 1}
}

func (s *seed) hash(k *key) uint32 {
	a := mix(k.low[1]^s[0], k.high[1]^s[1]^k.ports<<32)
	b := mix(k.low[0]^s[2]^k.ports, k.high[0]^s[3]^k.kind)
	h := mix(a^s[1], b^s[2])
	return uint32(h) ^ uint32(h>>32)
}

// mix folds the 128 bits of a product.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
