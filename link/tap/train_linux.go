package tap

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"dialtone/link"
)

// A train is a row of frames that the kernel gets as one super-frame, in one call: TCP
// segments of IPv4 that follow one another, with the same headers but for what counts
// up. Their payloads stay where they are.
//
//	│ vnet │ Ethernet │ IP │ TCP │ payload │  first
//	                             │ payload │  second
//	                             │ payload │  …, the last may be shorter

// Where headers and their fields begin in a frame of a train: IP has no options.
const (
	ipAt     = link.EthernetLen
	tcpAt    = ipAt + 20
	ipLength = ipAt + 2
	ipID     = ipAt + 4
	ipSum    = ipAt + 10
	tcpSeq   = tcpAt + 4
	tcpFlags = tcpAt + 13
)

const (
	flagFIN = 1
	flagPSH = 8
	flagACK = 16

	mostTrain = 65535 // bytes of its IP packet
)

// headersOf returns where the payload of a segment begins; not ok for a frame that
// cannot be in a train.
func headersOf(f *link.Frame) (end int, ok bool) {
	b := f.Data
	if f.Offload.SegmentSize != 0 || len(b) < tcpAt+20 || b[12] != 8 || b[13] != 0 ||
		b[ipAt] != 0x45 || b[ipAt+6]&^0x40 != 0 || b[ipAt+7] != 0 || b[ipAt+9] != unix.IPPROTO_TCP ||
		int(binary.BigEndian.Uint16(b[ipLength:])) != len(b)-ipAt {
		return 0, false
	}
	end = tcpAt + int(b[tcpAt+tcpLength]>>4)*4
	return end, end >= tcpAt+20 && end < len(b) && b[tcpFlags]&^(flagFIN|flagPSH) == flagACK
}

// trainOf returns how many of the frames, from the first on, make a train.
func trainOf(frames []*link.Frame) (n, headers int) {
	headers, ok := headersOf(frames[0])
	if !ok {
		return 1, 0
	}
	size := len(frames[0].Data) - headers
	total := len(frames[0].Data) - ipAt
	for n = 1; n < len(frames); n++ {
		prev, next := frames[n-1].Data, frames[n].Data
		end, ok := headersOf(frames[n])
		if !ok || end != headers || len(prev)-headers != size || len(next)-headers > size ||
			prev[tcpFlags] != flagACK || !follows(prev, next, headers) {
			break
		}
		if total += len(next) - headers; total > mostTrain {
			break
		}
	}
	return n, headers
}

// follows says whether two segments have the same headers but for what counts up, and
// what is to be filled in.
func follows(prev, next []byte, headers int) bool {
	same := func(from, to int) bool { return bytes.Equal(prev[from:to], next[from:to]) }
	order := binary.BigEndian
	return order.Uint16(next[ipID:]) == order.Uint16(prev[ipID:])+1 &&
		order.Uint32(next[tcpSeq:]) == order.Uint32(prev[tcpSeq:])+uint32(len(prev)-headers) &&
		same(0, ipLength) && same(ipID+2, ipSum) && same(ipSum+2, tcpSeq) && // addresses of both layers, ports
		same(tcpSeq+4, tcpFlags) && same(tcpFlags+1, tcpAt+tcpSum) && same(tcpAt+tcpSum+2, headers)
}

// couple makes the first frame of a train the front of a super-frame.
func couple(train []*link.Frame, headers int) {
	first, last := train[0], train[len(train)-1]
	b := first.Data
	total := len(b) - ipAt
	for _, f := range train[1:] {
		total += len(f.Data) - headers
	}
	first.Offload = link.Offload{
		SegmentSize: uint16(len(b) - headers), HeaderLen: uint16(headers),
		Checksum: link.ChecksumPartial, SumStart: tcpAt, SumOffset: tcpSum,
	}
	b[tcpFlags] = last.Data[tcpFlags]
	order := binary.BigEndian
	order.PutUint16(b[ipLength:], uint16(total))
	order.PutUint16(b[ipSum:], 0)
	order.PutUint16(b[ipSum:], ^fold(sum(b[ipAt:tcpAt])))
	// The pseudo-header's sum (RFC 9293 §3.1), of which the kernel takes the length out
	// again that each segment has not.
	order.PutUint16(b[tcpAt+tcpSum:], fold(sum(b[ipAt+12:tcpAt])+unix.IPPROTO_TCP+uint32(total-(tcpAt-ipAt))))
}

// sum adds up an even number of bytes, a header's, as 16-bit words.
func sum(b []byte) (total uint32) {
	for ; len(b) >= 2; b = b[2:] {
		total += uint32(binary.BigEndian.Uint16(b))
	}
	return total
}

func fold(sum uint32) uint16 {
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// writeTrain writes a train in one call.
func (d *Device) writeTrain(fd int, train []*link.Frame, headers int) error {
	couple(train, headers)
	pushHeader(train[0])
	d.parts = append(d.parts[:0], part(train[0].Data))
	for _, f := range train[1:] {
		d.parts = append(d.parts, part(f.Data[headers:]))
	}
	_, _, failed := unix.Syscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&d.parts[0])), uintptr(len(d.parts)))
	clear(d.parts)
	if failed != 0 {
		return failed
	}
	return nil
}

// part is bytes as writev takes them; package unix would allocate a list of them.
func part(b []byte) unix.Iovec {
	v := unix.Iovec{Base: &b[0]}
	v.SetLen(len(b))
	return v
}
