package link

// A Frame is one frame on its way, in one flat buffer with room in front: every
// layer below prepends its header where the payload lies, and nothing is copied.
// It has one owner at a time, who hands it on or frees it.
type Frame struct {
	Data    []byte  // from the outermost header that is there, to the last byte
	Offload Offload // what is left to the link, or was found out by it

	buf []byte // what Data lies in
}

// An Offload is what the two ends of a link leave undone for one another: a zero
// Offload is a frame as it is on a wire, complete and unchecked. (The same as
// Linux's virtio_net_hdr, by which a TAP device passes it on.)
type Offload struct {
	SegmentSize uint16 // bytes of transport payload in each segment that this one is to be cut into; 0: it is one
	HeaderLen   uint16 // of all headers in front of that payload, where SegmentSize is not 0

	Checksum  Checksum
	SumStart  uint16 // where the transport header begins, for ChecksumPartial, in bytes from Data's start
	SumOffset uint16 // of the checksum field, from SumStart
}

// Checksum says what is known of a transport checksum.
type Checksum uint8

const (
	ChecksumUnknown Checksum = iota // filled in by the sender, not looked at by anyone yet
	ChecksumGood                    // found right, or on a link that cannot spoil it
	ChecksumPartial                 // the pseudo-header's sum only: whoever puts the frame on a wire fills it in
)

// Room is how many bytes are left free in front of the payload of a new Frame: for
// Ethernet with two tags, an IP header with options and a TCP header with options.
const Room = 160
