package transfer

import (
	"sync"

	"dialtone/app/digest"
)

// contentChunk is how much content is read, hashed and written at once: as much
// as stays in a processor's cache meanwhile.
const contentChunk = 256 << 10

var contentBuffers = sync.Pool{New: func() any { return new([contentChunk]byte) }}

// content hashes a stream that passes through its buffer: each part is read into
// room, used where it lies, and counted by took.
type content struct {
	buf  *[contentChunk]byte
	n    int // of buf, not hashed yet
	tree *digest.Tree
	next int64 // chunk number of buf

	first digest.Sum // the hash, should the first chunk be all
}

func newContent() *content {
	return &content{buf: contentBuffers.Get().(*[contentChunk]byte), tree: digest.NewTree()}
}

// free gives the buffer back. Nothing else is called after it.
func (c *content) free() { contentBuffers.Put(c.buf) }

// room returns where the next part goes: at least one byte, at most max unless
// max is negative.
func (c *content) room(max int64) []byte {
	if c.n == contentChunk {
		if c.next == 0 {
			c.first = digest.Of(c.buf[:])
		}
		c.tree.Add(c.next, digest.Chunk(c.buf[:], c.next*contentChunk))
		c.next, c.n = c.next+1, 0
	}
	p := c.buf[c.n:]
	if max >= 0 && max < int64(len(p)) {
		p = p[:max]
	}
	return p
}

func (c *content) took(n int) { c.n += n }

// sum returns the BLAKE3 of all that was taken.
func (c *content) sum() (digest.Sum, error) {
	switch {
	case c.next == 0:
		return digest.Of(c.buf[:c.n]), nil
	case c.next == 1 && c.n == 0:
		return c.first, nil
	}
	if c.n > 0 {
		c.tree.Add(c.next, digest.Chunk(c.buf[:c.n], c.next*contentChunk))
	}
	return c.tree.Root()
}
