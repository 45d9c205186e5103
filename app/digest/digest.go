// Package digest computes the BLAKE3 of a file from its chunks, in whatever
// order they come and whichever connection brings them.
//
// BLAKE3 is itself a tree over the file (paper of 2020, §2.1): the chaining
// value of an aligned part whose length is a power of two is an inner node of
// it. So a chunk is verified on its own, by the 32 bytes of its chaining value,
// and the chaining values alone give the hash of the whole, which is the one
// that b3sum prints:
//
//	t := digest.NewTree(1 << 20)
//	t.Add(1, digest.Chunk(second, 1<<20))
//	t.Add(0, digest.Chunk(first, 0))
//	sum, ok := t.Root()
//
// A part of at most one chunk that is the whole file has no chaining value worth
// sending: [Of] is its hash.
package digest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"

	"lukechampine.com/blake3/guts"
)

// Size is the length of a hash and of a chaining value in bytes.
const Size = 32

// MinChunk is the smallest chunk: the leaf of BLAKE3's own tree (§2.4).
const MinChunk = guts.ChunkSize

// lane is what one call of the vector code hashes: 16 leaves.
const lane = guts.MaxSIMD * guts.ChunkSize

// A Sum is a hash or a chaining value.
type Sum [Size]byte

// String returns s in hexadecimal.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// Of returns the BLAKE3 of p.
func Of(p []byte) Sum {
	n := subtree(p, 0)
	n.Flags |= guts.FlagRoot
	return Sum(wordBytes(first8(guts.CompressNode(n))))
}

// Chunk returns the chaining value of p, which stands at offset bytes in its
// file. The offset is a multiple of the file's chunk size, and p one chunk, or
// less at the end of the file; it is not empty.
func Chunk(p []byte, offset int64) Sum {
	return Sum(wordBytes(guts.ChainingValue(subtree(p, uint64(offset)/MinChunk))))
}

// subtree returns the top node over p, whose first leaf is number counter.
func subtree(p []byte, counter uint64) guts.Node {
	switch {
	case haveLanes && len(p) > MinChunk && len(p) <= part:
		return partTop(p, counter)
	case len(p) <= lane:
		return leaves(p, counter)
	}
	left := leftPart(len(p))
	return guts.ParentNode(
		guts.ChainingValue(subtree(p[:left], counter)),
		guts.ChainingValue(subtree(p[left:], counter+uint64(left)/MinChunk)),
		&guts.IV, 0)
}

// leaves returns the top node over at most one lane.
func leaves(p []byte, counter uint64) guts.Node {
	if cap(p) >= lane { // the vector code reads a whole lane and ignores what is behind p
		return guts.CompressBuffer((*[lane]byte)(p[:lane]), len(p), &guts.IV, counter, 0)
	}
	var buf [lane]byte
	copy(buf[:], p)
	return guts.CompressBuffer(&buf, len(p), &guts.IV, counter, 0)
}

// leftPart returns how much of n > MinChunk bytes is the left subtree: the
// largest power of two of leaves that leaves at least one byte (§2.1).
func leftPart(n int) int {
	return 1 << (bits.Len(uint(n-1)) - 1)
}

func first8(w [16]uint32) [8]uint32 { return [8]uint32(w[:8]) }

func wordBytes(w [8]uint32) (b [Size]byte) {
	for i, v := range w {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
	return b
}

func byteWords(b Sum) (w [8]uint32) {
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return w
}

// Tree computes a file's hash from the chaining values of its chunks. It holds
// one node for each run of chunks that is complete and aligned, so that its size
// follows the disorder in which they come, not the file's.
// Its methods are not for use by several goroutines at once.
type Tree struct {
	runs map[run]guts.Node
	next int64 // one more than the highest chunk's number
}

// run is a complete aligned subtree: 1<<level chunks from number first<<level.
type run struct {
	level int
	first int64
}

// NewTree returns the tree of a file without chunks yet.
func NewTree() *Tree { return &Tree{runs: map[run]guts.Node{}} }

// Add gives the tree the chaining value of chunk number index, from 0 on. Each
// chunk is added once.
func (t *Tree) Add(index int64, cv Sum) {
	t.next = max(t.next, index+1)
	// A chunk's own node is not known, only its chaining value. It is enough:
	// a file of several chunks never ends in a chunk.
	at, value := run{0, index}, byteWords(cv)
	node := guts.Node{CV: value}
	for {
		sibling, ok := t.runs[run{at.level, at.first ^ 1}]
		if !ok {
			t.runs[at] = node
			return
		}
		delete(t.runs, run{at.level, at.first ^ 1})
		left, right := sibling, node
		if at.first&1 == 0 {
			left, right = node, sibling
		}
		node = guts.ParentNode(value0(left, at.level), value0(right, at.level), &guts.IV, 0)
		at = run{at.level + 1, at.first >> 1}
	}
}

// value0 returns a node's chaining value; at level 0 the node is only that.
func value0(n guts.Node, level int) [8]uint32 {
	if level == 0 {
		return n.CV
	}
	return guts.ChainingValue(n)
}

// Chunks returns one more than the highest chunk's number.
func (t *Tree) Chunks() int64 { return t.next }

// Root returns the hash of the file, whose chunks are all those up to the
// highest that was added. It returns an error when one of them is missing, or
// when there are fewer than two: see [Of].
func (t *Tree) Root() (Sum, error) {
	if t.next < 2 {
		return Sum{}, fmt.Errorf("digest: a tree of %d chunks has no root", t.next)
	}
	// The complete runs of n chunks are n's binary digits, the longest first;
	// the tree leans left, so they are joined from the right (§2.1).
	var node guts.Node
	level, have := 0, false
	end := t.next
	for end > 0 {
		l := bits.TrailingZeros64(uint64(end))
		n, ok := t.runs[run{l, (end >> l) - 1}]
		if !ok {
			return Sum{}, fmt.Errorf("digest: chunks below %d are missing", end)
		}
		if !have {
			node, level, have = n, l, true
		} else {
			node = guts.ParentNode(value0(n, l), value0(node, level), &guts.IV, 0)
			level = l + 1
		}
		end &= end - 1
	}
	node.Flags |= guts.FlagRoot
	return Sum(wordBytes(first8(guts.CompressNode(node)))), nil
}
