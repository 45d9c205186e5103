package tap

import "net/netip"

// Config is what a device is opened with. It needs CAP_NET_ADMIN, but for a persistent
// device that is the user's and is up.
type Config struct {
	Name   string       // of the kernel's interface, at most 15 bytes; "": the first free of tap0, tap1, …
	Netns  string       // path of the network namespace that it is in, as /run/netns/NAME; "": the process's
	MTU    int          // 68 to 65521; 0: as it is, 1500 for a new one
	Prefix netip.Prefix // the kernel's IPv4 address; the zero Prefix: as it is

	// SuperFrames lets the kernel hand over TCP segments of up to 64 KiB, which it would
	// have cut: [link.Offload.SegmentSize] says into what. The other way, segments that
	// follow one another in a Send are handed to the kernel as one.
	SuperFrames bool
}

// Counts are what a device has done.
type Counts struct {
	Sent, Received uint64 // frames
	Refused        uint64 // frames that the kernel did not take: it is down, or they were none
	Malformed      uint64 // frames of the kernel's with an impossible header in front

	SupersSent, SupersReceived uint64 // super-frames; Sent counts what is in one, Received does not
}
