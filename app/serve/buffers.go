package serve

import (
	"bytes"
	"sync"
)

const (
	burstSize  = 64 << 10          // the most that one read takes
	answerSize = burstSize         // where an answer stops growing
	answerRoom = burstSize * 3 / 2 // upper case needs up to half as much again
)

// buffers are what a conversation holds while it has something to do.
type buffers struct {
	in     [burstSize]byte
	out    [answerRoom]byte
	header header
}

var pool = sync.Pool{New: func() any { return new(buffers) }}

func getBuffers() *buffers { return pool.Get().(*buffers) }
func (b *buffers) put()    { pool.Put(b) }

func indexLF(p []byte) int { return bytes.IndexByte(p, '\n') }
