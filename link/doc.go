// Package link is the lowest layer: Ethernet frames and their tags, MAC
// addresses, ARP and RARP, and the headers that captures have where there was no
// Ethernet.
//
// A header is a struct with the same verbs in every layer of this module:
//
//	h, payload, err := link.ParseEthernet(frame) // up: a view, nothing copied or allocated
//	frame = h.Append(frame[:0])                  // down: the header's bytes behind frame
//
// What Parse took apart Append puts together again, bit for bit. Fields are as they
// are on the wire; what is derived (a length, a checksum) is checked and filled by
// functions of its own, so that a header that lies can be shown as it is. Bytes that
// cannot be a header are a *HeaderError, never a panic.
package link
