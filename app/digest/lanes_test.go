package digest

import (
	"math/rand/v2"
	"testing"

	"lukechampine.com/blake3/guts"
	"pgregory.net/rapid"
)

// TestLanesDoWhatTheLibraryDoes, for every length and where counters carry.
func TestLanesDoWhatTheLibraryDoes(t *testing.T) {
	if !haveLanes {
		t.Skip("no vector code for this processor")
	}
	p := make([]byte, part)
	rand.NewChaCha8([32]byte{1}).Read(p)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(MinChunk+1, part).Draw(t, "length")
		counter := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(1<<32-64, 1<<32)).Draw(t, "counter")
		if got, want := partTop(p[:n:n], counter), plainTop(p[:n:n], counter); got != want {
			t.Fatalf("%d bytes at leaf %d: %v, want %v", n, counter, got, want)
		}
	})
}

// plainTop is subtree one leaf at a time.
func plainTop(p []byte, counter uint64) guts.Node {
	if len(p) <= MinChunk {
		return guts.CompressChunk(p, &guts.IV, counter, 0)
	}
	left := leftPart(len(p))
	return guts.ParentNode(
		guts.ChainingValue(plainTop(p[:left], counter)),
		guts.ChainingValue(plainTop(p[left:], counter+uint64(left)/MinChunk)),
		&guts.IV, 0)
}
