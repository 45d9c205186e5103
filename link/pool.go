package link

import "sync"

// Buffers come in classes, each with a free list: for what has no payload or hardly
// any (acknowledgements), for an MTU of 1500, of 9000, and for super-segments of
// 64 KiB. The garbage collector shortens lists that are not used, so that they are as
// long as the frames that are under way at a time, and no longer. Sizes fill what the
// allocator would round them up to.
const (
	bufSmall = 256
	bufMTU   = 1792
	bufJumbo = 9472
	bufSuper = 72 << 10
)

var freeSmall, freeMTU, freeJumbo, freeSuper sync.Pool

// NewFrame returns a frame whose Data is payload bytes, with Room in front. What the
// bytes are is undefined: the caller fills in all of them. More than 73,568 bytes are
// possible, but not kept in a free list.
func NewFrame(payload int) *Frame {
	size, free := class(Room + payload)
	var f *Frame
	if free != nil {
		f, _ = free.Get().(*Frame)
	}
	if f == nil {
		f = &Frame{buf: make([]byte, size)}
	}
	f.Data = f.buf[Room : Room+payload]
	return f
}

// Free ends a frame: its buffer becomes another's, and neither it nor Data may be used
// any more. To free it twice panics. Tests with the race detector find it overwritten.
func (f *Frame) Free() {
	if f.Data == nil {
		panic("link: frame freed twice")
	}
	f.Data, f.Offload = nil, Offload{}
	poison(f.buf)
	if _, free := class(len(f.buf)); free != nil {
		free.Put(f)
	}
}

// FreeAll frees the frames of a batch.
func FreeAll(frames []*Frame) {
	for _, f := range frames {
		f.Free()
	}
}

// class returns the size of buffers that hold size bytes, and their free list.
func class(size int) (int, *sync.Pool) {
	switch {
	case size <= bufSmall:
		return bufSmall, &freeSmall
	case size <= bufMTU:
		return bufMTU, &freeMTU
	case size <= bufJumbo:
		return bufJumbo, &freeJumbo
	case size <= bufSuper:
		return bufSuper, &freeSuper
	}
	return size, nil
}
