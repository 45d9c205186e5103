package capture

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Blocks are small, because even a block of one frame is taken up until Next is
// done with it, and large enough for any super-packet.
const blockSize = 256 << 10

// ring walks the frames in the memory that is shared with the kernel:
//
//	block 0                                  block 1                    …
//	| block header | frame | frame | …      | block header | frame …
//
// Each frame has a header, the address of the socket's peer, and then its bytes. All
// numbers are in the machine's order.
type ring struct {
	memory []byte
	block  int   // where the current block starts
	at     int   // where the current frame starts
	left   int   // frames behind it in the block
	held   bool  // the block is ours
	taken  int64 // frames so far
}

// Offsets in a block's header (struct tpacket_block_desc) and in a frame's
// (struct tpacket3_hdr, and the struct sockaddr_ll behind it).
const (
	blockStatus = 8
	blockFrames = 12
	blockFirst  = 16

	frameNext    = 0
	frameSec     = 4
	frameNsec    = 8
	frameSnaplen = 12
	frameLen     = 16
	frameStatus  = 20
	frameMac     = 24
	frameTCI     = 32
	frameTPID    = 36
	frameAddr    = 48
)

// status is the word by which a block changes hands.
func (r *ring) status() *uint32 {
	return (*uint32)(unsafe.Pointer(&r.memory[r.block+blockStatus]))
}

// ready reports whether the current block is there to be read.
func (r *ring) ready() bool {
	return atomic.LoadUint32(r.status())&unix.TP_STATUS_USER != 0
}

// next moves on to the next frame, giving back a block that has no more, or returns
// false where none is there yet.
func (r *ring) next() bool {
	if r.left > 0 {
		r.at += int(r.uint32(r.at + frameNext))
		r.left--
		r.taken++
		return true
	}
	if r.held {
		atomic.StoreUint32(r.status(), unix.TP_STATUS_KERNEL)
		r.held = false
		r.block = (r.block + blockSize) % len(r.memory)
	}
	if !r.ready() {
		return false
	}
	r.held = true
	r.at, r.left = r.block+int(r.uint32(r.block+blockFirst)), int(r.uint32(r.block+blockFrames))
	if r.left == 0 {
		return r.next()
	}
	r.left--
	r.taken++
	return true
}

func (r *ring) uint32(at int) uint32 { return binary.NativeEndian.Uint32(r.memory[at:]) }

// frame returns the current frame: its header, with the rest of its block behind.
func (r *ring) frame() []byte { return r.memory[r.at : r.block+blockSize] }
