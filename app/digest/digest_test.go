package digest_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"dialtone/app/digest"

	"pgregory.net/rapid"
)

// The first bytes of the official test vectors: input byte i is i mod 251.
var vectors = []struct {
	n    int
	want string
}{
	{0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
	{1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
	{1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"},
	{1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
	{1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
	{31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"},
	{102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"},
}

func input(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i % 251)
	}
	return p
}

func TestOfFollowsTheOfficialVectors(t *testing.T) {
	for _, v := range vectors {
		if got := digest.Of(input(v.n)).String(); got != v.want {
			t.Errorf("%d bytes: %s, want %s", v.n, got, v.want)
		}
	}
}

// TestTreeIsTheHashOfTheWhole: chunks in any order give what Of gives.
func TestTreeIsTheHashOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chunk := 1024 << rapid.IntRange(0, 6).Draw(t, "chunk")
		p := input(rapid.IntRange(chunk+1, 40*chunk).Draw(t, "length"))
		n := (len(p) + chunk - 1) / chunk
		tree := digest.NewTree()
		for _, i := range rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Perm(n) {
			part := p[i*chunk : min((i+1)*chunk, len(p))]
			tree.Add(int64(i), digest.Chunk(part, int64(i*chunk)))
		}
		got, err := tree.Root()
		if err != nil || got != digest.Of(p) {
			t.Fatalf("%d bytes in chunks of %d: %v, %v, want %v", len(p), chunk, got, err, digest.Of(p))
		}
	})
}

func TestRootNeedsEveryChunk(t *testing.T) {
	tree := digest.NewTree()
	for _, i := range []int64{0, 1, 3, 4} {
		tree.Add(i, digest.Sum{})
	}
	if _, err := tree.Root(); err == nil {
		t.Error("a root without chunk 2")
	}
	if _, err := digest.NewTree().Root(); err == nil {
		t.Error("a root without chunks")
	}
}

// TestHashingAllocatesNothing, whatever the capacity behind the bytes.
func TestHashingAllocatesNothing(t *testing.T) {
	p := input(1 << 20)
	var sink digest.Sum
	for _, n := range []int{1, 4097, 35_000, 1 << 20} {
		q := p[:n:n]
		if a := testing.AllocsPerRun(10, func() { sink = digest.Chunk(q, 0) }); a != 0 {
			t.Errorf("%d bytes: %v allocations", n, a)
		}
	}
	_ = sink
}

func BenchmarkChunk(b *testing.B) {
	for _, n := range []int{35_000, 256 << 10, 1 << 20} {
		p := input(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				digest.Chunk(p, 0)
			}
		})
	}
}

func Example() {
	const chunk = 1 << 20
	file := make([]byte, 2*chunk+5)
	tree := digest.NewTree()
	for _, i := range []int{2, 0, 1} { // as they come
		part := file[i*chunk : min((i+1)*chunk, len(file))]
		tree.Add(int64(i), digest.Chunk(part, int64(i*chunk)))
	}
	sum, err := tree.Root()
	fmt.Println(sum == digest.Of(file), err)
	// Output: true <nil>
}

func ExampleOf() {
	s := digest.Of([]byte("abc"))
	fmt.Println(hex.EncodeToString(s[:4]))
	// Output: 6437b3ac
}
