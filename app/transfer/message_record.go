package transfer

import (
	"math"

	"dialtone/app/digest"
)

// A data frame's head is a byte of flags and its records; its body is what the
// records hold, one after another, all together compressed or not.
const bodyZstd = 1 // the body is one zstd frame

// record is a piece of content in a data frame: of which file, where, how long.
type record struct {
	entry int64
	flags byte
	chunk int64      // its number
	raw   int64      // length in the file, holes included
	sum   digest.Sum // recordWhole: the file's hash; else the chunk's chaining value

	extents [][2]int64 // recordSparse: data in the chunk, [start, end); the rest is hole
}

const (
	recordWhole  = 1 << iota // the whole file, of at most one chunk
	recordSparse             // only the data between the holes travels
	recordSummed             // the sum is there
	recordEnd                // no content: all chunks are sent; raw is the file's size, the sum its hash, if known
)

func appendRecord(b []byte, r *record) []byte {
	b = appendUint(b, r.entry)
	b = append(b, r.flags)
	b = appendUint(b, r.chunk)
	b = appendUint(b, r.raw)
	if r.flags&recordSummed != 0 {
		b = append(b, r.sum[:]...)
	}
	if r.flags&recordSparse != 0 {
		b = appendUint(b, int64(len(r.extents)))
		at := int64(0)
		for _, x := range r.extents {
			b = appendUint(appendUint(b, x[0]-at), x[1]-x[0])
			at = x[1]
		}
	}
	return b
}

// parseRecord reads a record of a transfer with the given chunk size.
func parseRecord(d *decoder, chunk int64) (r record) {
	r.entry = d.int(math.MaxInt64)
	r.flags = d.byte()
	r.chunk = d.int(math.MaxInt64/chunk - 1)
	most := chunk
	if r.flags&recordEnd != 0 {
		most = maxSize
	}
	r.raw = d.int(most)
	if r.flags&recordSummed != 0 {
		r.sum = d.sum()
	}
	if r.flags&recordSparse != 0 {
		n := d.int(maxExtents)
		at := int64(0)
		for i := int64(0); i < n && d.err == nil; i++ {
			from := at + d.int(max(r.raw-at, 0))
			to := from + d.int(max(r.raw-from, 0))
			r.extents = append(r.extents, [2]int64{from, to})
			at = to
		}
	}
	return r
}

// dataLen returns how many bytes of the record are data, not hole.
func (r *record) dataLen() int64 {
	switch {
	case r.flags&recordEnd != 0:
		return 0
	case r.flags&recordSparse == 0:
		return r.raw
	}
	var n int64
	for _, x := range r.extents {
		n += x[1] - x[0]
	}
	return n
}
