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
//
// A payload ends where its header's own length says, or where the bytes end if that is
// before: a capture that cuts frames short is not the header's fault.
//
// The headers, and what follows each of them:
//
//	Ethernet   what Type says; without a type, LLC (IEEE 802.3)
//	Tag        one of the Tags of an Ethernet header
//	LLC        SNAP where both access points are SAPSNAP
//	SNAP       what Type says, if OUI is 0
//	SLL, SLL2  what Type says
//	Loopback   what Type says
//	ARP        padding
//
// There is no frame check sequence: devices take it off before anyone sees the frame.
//
// A host on this module's own TCP/IP moves a [Frame] with one owner at a time through a
// [Port], which is a cable's end (package sim) or a TAP device (package tap), and asks
// [Neighbors] where to send it.
package link
