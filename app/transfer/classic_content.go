package transfer

import (
	"sync"

	"dialtone/app/digest"
)

// classicChunk is how much content is read, hashed and written at once: as much
// as stays in a processor's cache meanwhile.
const classicChunk = 256 << 10

var classicBuffers = sync.Pool{New: func() any { return new([classicChunk]byte) }}

// classicContent hashes a stream that passes through its buffer: each part is read into
// room, used where it lies, and counted by took.
type classicContent struct {
	buf  *[classicChunk]byte
	n    int // of buf, not hashed yet
	tree *digest.Tree
	next int64 // chunk number of buf

	first digest.Sum // the hash, should the first chunk be all
}

func newClassicContent() *classicContent {
	return &classicContent{buf: classicBuffers.Get().(*[classicChunk]byte), tree: digest.NewTree()}
}

// free gives the buffer back. Nothing else is called after it.
func (c *classicContent) free() { classicBuffers.Put(c.buf) }

// room returns where the next part goes: at least one byte, at most max unless
// max is negative.
func (c *classicContent) room(max int64) []byte {
	if c.n == classicChunk {
		if c.next == 0 {
			c.first = digest.Of(c.buf[:])
		}
		c.tree.Add(c.next, digest.Chunk(c.buf[:], c.next*classicChunk))
		c.next, c.n = c.next+1, 0
	}
	p := c.buf[c.n:]
	if max >= 0 && max < int64(len(p)) {
		p = p[:max]
	}
	return p
}

func (c *classicContent) took(n int) { c.n += n }

// sum returns the BLAKE3 of all that was taken.
func (c *classicContent) sum() (digest.Sum, error) {
	switch {
	case c.next == 0:
		return digest.Of(c.buf[:c.n]), nil
	case c.next == 1 && c.n == 0:
		return c.first, nil
	}
	if c.n > 0 {
		c.tree.Add(c.next, digest.Chunk(c.buf[:c.n], c.next*classicChunk))
	}
	return c.tree.Root()
}
