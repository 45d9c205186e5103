package capture

import (
	"net/netip"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/transport/tcp"
)

// LinkType says what a record's first header is (the LINKTYPE_ values of the
// pcap formats).
type LinkType uint16

// The link types that Decode knows.
const (
	LinkNull     LinkType = 0   // BSD loopback, the family in the capturing machine's order
	LinkEthernet LinkType = 1   //
	LinkRaw      LinkType = 101 // an IPv4 or IPv6 packet
	LinkLoop     LinkType = 108 // OpenBSD loopback, the family in network order
	LinkSLL      LinkType = 113 // Linux cooked
	LinkIPv4     LinkType = 228
	LinkIPv6     LinkType = 229
	LinkSLL2     LinkType = 276 // Linux cooked, version 2
)

// A Record is one frame as it was captured.
type Record struct {
	Number    int64    // from 1, over all interfaces of the source
	Time      int64    // nanoseconds since 1970, UTC
	Wire      int      // bytes that the frame had on the wire
	Data      []byte   // what was captured of it; valid until the source's next record
	Link      LinkType //
	Interface int      // of a pcapng file or of several devices, from 0
	Offset    int64    // of the record in its source, for Archive.At; -1 where it cannot be read again
	Comment   string   // a pcapng comment
	Hints     Hints    // what the capturing kernel said of the frame
}

// Hints are what a capturing kernel knows of a frame and the wire does not show.
type Hints uint8

const (
	// HintPartial says that the transport checksum is not filled in yet: the device does it.
	HintPartial Hints = 1 << iota
	// HintGood says that a device or the kernel has found the checksum right.
	HintGood
	// HintSuper says that the frame is several segments joined by GRO, or not yet cut by TSO or GSO.
	HintSuper
	// HintOut says that this machine sent the frame.
	HintOut
)

// A Source hands out records in the order in which they were captured.
type Source interface {
	// Next returns the next record, which is valid until the call after: io.EOF at
	// the end, another error where the source is broken, with the frames so far intact.
	Next() (*Record, error)
}

// An Archive is a Source that can go back.
type Archive interface {
	Source
	// At returns the record of an Offset again, with Number 0: an index need keep
	// no more of a frame than its Offset. It is valid until the call after, to At or
	// Next, and leaves alone what Next goes on with.
	At(offset int64) (*Record, error)
}

// Kind is a sort of layer.
type Kind uint8

// The kinds. What is inside one of them is named by its header.
const (
	KindNone Kind = iota
	KindEthernet
	KindVLAN
	KindLLC
	KindSNAP
	KindSLL
	KindSLL2
	KindLoopback
	KindARP
	KindRARP
	KindIPv4
	KindIPv6
	KindHopByHop
	KindRouting
	KindFragment
	KindDestination
	KindAuth
	KindICMPv4
	KindICMPv6
	KindIGMP
	KindUDP
	KindTCP
	KindPayload // the bytes that no header of ours explains
	KindTrailer // padding behind the packet that the link layer added
)

// A Layer is where one header, or what is left for the application, lies in a
// record's bytes: Data[Start:End]. The layers of a packet lie behind each other,
// outermost first; the packet that an ICMP error quotes follows the ICMP header,
// one level deeper.
type Layer struct {
	Kind       Kind
	Quoted     bool   // part of what an ICMP error quotes
	Start, End uint32 // a super-packet of GRO is longer than 65535 bytes
}

// MaxLayers bounds how many layers Decode takes apart.
const MaxLayers = 24

// Verdict is what is known of a checksum.
type Verdict uint8

// The verdicts. Unknown is one that was not looked at: the segment is cut short, a
// fragment, or there is none (UDP over IPv4).
const (
	ChecksumUnknown Verdict = iota
	ChecksumGood
	ChecksumBad
	ChecksumPartial // left to the device: the frame was captured before it was filled in
)

// Packet is a record taken apart: its layers, and the fields by which flows are
// followed. Decode reuses one, so that nothing is allocated for a packet.
type Packet struct {
	*Record
	layers [MaxLayers]Layer
	count  int

	ip, transport, end int // where the IP header, what it carries, and the packet's captured bytes begin and end in Data; ip -1 for none

	VLAN     uint32 // of the tags: 0 for none, else outer ID | inner ID<<16, each plus 1
	Version  uint8  // of IP: 4, 6, or 0 for none
	Src, Dst netip.Addr
	Protocol internet.Protocol // behind extension headers
	ID       uint32            // IPv4 identification, or that of an IPv6 fragment header
	TTL      uint8             // or hop limit
	DF       bool              // don't fragment; always for IPv6
	More     bool              // more fragments follow
	FragOff  int               // of a fragment, in bytes; a whole packet has 0 and not More
	Total    int               // bytes of the IP packet by its own header, at most those of its frame

	SrcPort, DstPort uint16     // of TCP and UDP
	TCP              tcp.Header // for Protocol TCP with a whole header: HasTCP
	HasTCP, HasUDP   bool
	Len              int     // bytes that the transport carries, by the IP header: may exceed what was captured
	Payload          []byte  // what was captured of those bytes
	IPChecksum       Verdict // filled by Verify, as Checksum is
	Checksum         Verdict // of TCP, UDP, ICMP or IGMP
	Fragments        []int64 // numbers of the frames that a Reassembler put together; else nil

	Err *link.HeaderError // the first header that is none, or is cut short; layers before it are there
	At  int               // where that header starts in Data
}

// Layers are what is nested in what, outermost first; valid until the next Decode.
func (p *Packet) Layers() []Layer { return p.layers[:p.count] }
