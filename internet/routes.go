package internet

import (
	"cmp"
	"net/netip"
	"slices"
)

// Routes is a table of networks, and what is known of each: the way to it, mostly. An
// address belongs to the network with the longest prefix that contains it (RFC 1812
// §5.2.4.3). The zero table is empty; it is not changed while others look things up.
type Routes[T any] struct {
	of      map[netip.Prefix]T
	lengths []int // of the prefixes, the longest first: how often to look
}

// Add says what is known of a network, in place of what was. Of the prefix only the
// network counts; an invalid one is in no table.
func (r *Routes[T]) Add(network netip.Prefix, v T) {
	if !network.IsValid() {
		return
	}
	if r.of == nil {
		r.of = map[netip.Prefix]T{}
	}
	r.of[network.Masked()] = v
	at, found := slices.BinarySearchFunc(r.lengths, network.Bits(), func(a, b int) int { return cmp.Compare(b, a) })
	if !found {
		r.lengths = slices.Insert(r.lengths, at, network.Bits())
	}
}

// Lookup returns what is known of the network that addr belongs to. An IPv4 address in
// IPv6's clothes is an IPv6 address; a zone counts for nothing.
func (r *Routes[T]) Lookup(addr netip.Addr) (v T, ok bool) {
	for _, bits := range r.lengths {
		network, err := addr.Prefix(bits)
		if err != nil { // longer than addr is
			continue
		}
		if v, ok = r.of[network]; ok {
			return v, true
		}
	}
	return v, false
}

// All visits every network, those with the longest prefixes first and else in order.
func (r *Routes[T]) All(visit func(network netip.Prefix, v T) bool) {
	networks := make([]netip.Prefix, 0, len(r.of))
	for network := range r.of {
		networks = append(networks, network)
	}
	slices.SortFunc(networks, func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(b.Bits(), a.Bits()), a.Addr().Compare(b.Addr()))
	})
	for _, network := range networks {
		if !visit(network, r.of[network]) {
			return
		}
	}
}
