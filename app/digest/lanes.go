package digest

import (
	"unsafe"

	"lukechampine.com/blake3/guts"
)

const (
	width = 16        // lanes
	part  = 128 << 10 // bytes that are hashed with their tree in a core's nearest cache
)

// cv is a chaining value in words.
type cv = [8]uint32

// lanes are the inputs of compress16, whose layout it knows.
type lanes struct {
	in      [width]*byte  // where each lane's blocks stand one after the other
	low, hi [width]uint32 // the lane's counter
}

// partTop returns the top node over p, of two leaves up to part bytes, whose first
// leaf is number counter.
func partTop(p []byte, counter uint64) guts.Node {
	var cvs [part/MinChunk + width]cv // width: a call writes all lanes
	n := leafValues(cvs[:], p, counter)
	for ; n > 2; n = n/2 + n%2 {
		parentValues(cvs[:], n)
	}
	return guts.ParentNode(cvs[0], cvs[1], &guts.IV, 0)
}

// leafValues puts the chaining values of p's leaves into cvs.
func leafValues(cvs []cv, p []byte, counter uint64) (n int) {
	var l lanes
	whole := len(p) / MinChunk
	for n < whole {
		for i := range width {
			leaf := min(n+i, whole-1) // lanes too many repeat the last
			l.in[i] = unsafe.SliceData(p[leaf*MinChunk:])
			at := counter + uint64(leaf)
			l.low[i], l.hi[i] = uint32(at), uint32(at>>32)
		}
		compress16((*[width]cv)(cvs[n:]), &l, MinChunk/guts.BlockSize, 0, guts.FlagChunkStart, guts.FlagChunkEnd)
		n += min(width, whole-n)
	}
	if rest := p[whole*MinChunk:]; len(rest) > 0 {
		cvs[n] = guts.ChainingValue(guts.CompressChunk(rest, &guts.IV, counter+uint64(n), 0))
		n++
	}
	return n
}

// parentValues replaces the first n of cvs by their parents'; an odd one stays as
// it is, the last, which makes BLAKE3's tree, level by level (paper, §2.1).
func parentValues(cvs []cv, n int) {
	last := cvs[n-1]
	pairs := n / 2
	var l lanes
	for done := 0; done < pairs; done += width {
		for i := range width {
			l.in[i] = (*byte)(unsafe.Pointer(&cvs[2*min(done+i, pairs-1)]))
		}
		compress16((*[width]cv)(cvs[done:]), &l, 1, guts.FlagParent, 0, 0)
	}
	if n%2 == 1 {
		cvs[pairs] = last
	}
}
