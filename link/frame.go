package link

import "encoding/binary"

// A Frame is one frame on its way, in one flat buffer with room in front: every
// layer below prepends its header where the payload lies, and nothing is copied.
// It has one owner at a time, who hands it on or frees it.
//
//	│ room │ Ethernet │ IP │ TCP │ payload │ unused │
//	└─buf  └─Data ─────────────────────────┘
type Frame struct {
	Data    []byte  // from the outermost header that is there, to the last byte: cut by slicing, never its capacity; lengthened by Prepend
	Offload Offload // what is left to the link, or was found out by it

	buf []byte // what Data lies in; their capacities end at the same byte
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

// Prepend lengthens Data by n bytes at its front, and returns those for a header to be
// written to. What Offload counts from Data's start moves along: a transport layer
// that leaves its checksum to the link says where it is in its own header. It panics
// where there is no room: [Frame.Room] says how much there is.
func (f *Frame) Prepend(n int) []byte {
	start := f.Room() - n
	f.Data = f.buf[start : start+n+len(f.Data)]
	f.moved(n)
	return f.Data[:n:n]
}

// TrimFront takes n bytes off the front of Data, a header that has been read; they
// become room. What Offload counts from Data's start moves along.
func (f *Frame) TrimFront(n int) {
	f.Data = f.Data[n:]
	f.moved(-n)
}

// Room returns how many bytes can be prepended.
func (f *Frame) Room() int { return cap(f.buf) - cap(f.Data) }

func (f *Frame) moved(n int) {
	if f.Offload.Checksum == ChecksumPartial {
		f.Offload.SumStart += uint16(n)
	}
	if f.Offload.SegmentSize != 0 {
		f.Offload.HeaderLen += uint16(n)
	}
}

// Clone returns a frame of its own with the same bytes, and Room in front.
func (f *Frame) Clone() *Frame {
	c := NewFrame(len(f.Data))
	copy(c.Data, f.Data)
	c.Offload = f.Offload
	return c
}

// Complete fills in the checksum of a frame that has ChecksumPartial: it sums from
// SumStart to the end of Data, which the pseudo-header's sum in the field is part of
// (RFC 1071 §1). Of a frame that lies about where its checksum is, it is left as it is.
func (f *Frame) Complete() {
	if f.Offload.Checksum != ChecksumPartial {
		return
	}
	f.Offload.Checksum = ChecksumUnknown
	field := int(f.Offload.SumStart) + int(f.Offload.SumOffset)
	if field+2 > len(f.Data) {
		return
	}
	sum := ^sum16(f.Data[f.Offload.SumStart:])
	if sum == 0 && f.Offload.SumOffset == udpSum {
		sum = 0xffff // RFC 768: a computed zero is sent as all ones; 0 says that there is none
	}
	binary.BigEndian.PutUint16(f.Data[field:], sum)
}

// udpSum is where UDP has its checksum; TCP's and ICMP's are elsewhere.
const udpSum = 6

// sum16 is the one's complement sum of b's 16-bit words.
func sum16(b []byte) uint16 {
	var sum uint64
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) >= 2 {
		sum += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
