// Package internet is the layer of packets between machines: IPv4 and IPv6, ICMP,
// IGMP and MLD. Its headers have the verbs that package link describes:
//
//	h, payload, err := internet.ParseIPv4(b) // a view: payload and h.Options lie in b
//	b = h.Append(b[:0])                      // the same bytes again
//	internet.FillIPv4(packet)                // total length and checksum, once the payload is there
//	ok := internet.CheckIPv4(b)
//
// A list of options or records is walked with Next, or one Parse after another,
// each a view of its own. What a number means in words is its String or Name.
//
// A Parse does not check a checksum nor whether an address or a type makes sense:
// only that the header is whole and that its lengths are true.
//
// What a host does between packets is in machines without goroutine, lock or clock:
// packets and the time go in, packets and the next deadline come out.
//
//	Routes       the network with the longest prefix that an address belongs to
//	Reassembler  datagrams out of fragments, which FragmentsIPv4 makes
//	PathMTU      what routers have said about the size of packets
//	ErrorLimit   how many ICMP errors may be sent; MayReport says about what
//	Membership   what multicast routers are told of the host's groups
package internet
