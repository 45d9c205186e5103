package tcp

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestSendRingIsItsBytes holds a ring against a slice.
func TestSendRingIsItsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := sendRing{base: Seq(rapid.Uint32().Draw(t, "base"))}
		var want []byte
		next := byte(0)
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				p := make([]byte, rapid.IntRange(0, 700).Draw(t, "bytes"))
				for i := range p {
					next++
					p[i] = next
				}
				limit := rapid.IntRange(0, 3000).Draw(t, "limit")
				n := r.write(p, limit)
				if n != max(min(len(p), limit-len(want)), 0) {
					t.Fatalf("took %d of %d with %d in a limit of %d", n, len(p), len(want), limit)
				}
				want = append(want, p[:n]...)
			},
			"reserve": func(t *rapid.T) {
				p := r.reserve(rapid.IntRange(0, 700).Draw(t, "bytes"))
				for i := range p {
					next++
					p[i] = next
				}
				n := rapid.IntRange(0, len(p)).Draw(t, "commit")
				r.n += uint32(n)
				want = append(want, p[:n]...)
			},
			"release": func(t *rapid.T) {
				n := rapid.IntRange(0, len(want)).Draw(t, "bytes")
				r.release(r.base.Add(n))
				want = want[n:]
			},
			"": func(t *rapid.T) {
				from := rapid.IntRange(0, len(want)).Draw(t, "from")
				n := rapid.IntRange(0, len(want)-from).Draw(t, "n")
				if n == 0 {
					return
				}
				head, tail := r.view(r.base.Add(from), n)
				if got := slices.Concat(head, tail); !bytes.Equal(got, want[from:from+n]) {
					t.Fatalf("%d bytes from %d are %v, want %v", n, from, got, want[from:from+n])
				}
			},
		})
	})
}

// TestRecvRingTakesAnyOrder writes pieces of a stream at random places.
func TestRecvRingTakesAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := Seq(rapid.Uint32().Draw(t, "first"))
		r := recvRing{base: first}
		var islands spans
		nxt, p := first, make([]byte, 5000)
		for nxt.Sub(first) < 3000 {
			from := nxt.Add(rapid.IntRange(0, 600).Draw(t, "gap"))
			piece := p[:rapid.IntRange(1, 500).Draw(t, "length")]
			for i := range piece {
				piece[i] = byteAt(from.Sub(first) + i)
			}
			held := nxt
			if len(islands) > 0 {
				held = islands[len(islands)-1].to
			}
			r.put(from, piece, held.Sub(r.base))
			islands.add(from, from.Add(len(piece)))
			nxt = islands.advance(nxt)
			if rapid.Bool().Draw(t, "read") {
				at := r.base.Sub(first)
				if seen := r.peek(nxt); len(seen) > 0 && seen[0] != byteAt(at) {
					t.Fatalf("peek at %d shows %d", at, seen[0])
				}
				n := r.take(p[:rapid.IntRange(0, 700).Draw(t, "bytes")], nxt)
				for i, b := range p[:n] {
					if b != byteAt(at+i) {
						t.Fatalf("byte %d is %d, want %d", at+i, b, byteAt(at+i))
					}
				}
			}
		}
	})
}

// TestSpansAreASet holds islands against a set of numbers.
func TestSpansAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := Seq(rapid.Uint32().Draw(t, "base"))
		var s spans
		var have [200]bool
		for range rapid.IntRange(1, 30).Draw(t, "runs") {
			from := rapid.IntRange(0, 190).Draw(t, "from")
			to := rapid.IntRange(from+1, min(from+40, 200)).Draw(t, "to")
			known := s.overlap(base.Add(from), base.Add(to))
			if any := slices.Contains(have[from:to], true); any == known.empty() {
				t.Fatalf("overlap of %d to %d is %v", from, to, known)
			}
			if !known.empty() && !have[known.from.Sub(base)] {
				t.Fatalf("overlap %v is not there", known)
			}
			s.add(base.Add(from), base.Add(to))
			for i := from; i < to; i++ {
				have[i] = true
			}
		}
		for i, want := range have {
			seq := base.Add(i)
			in := slices.ContainsFunc(s, func(s span) bool { return seq.In(s.from, s.to) })
			if in != want {
				t.Fatalf("%d is in: %v, want %v of %v", i, in, want, s)
			}
		}
		for i := 1; i < len(s); i++ {
			if !s[i-1].to.Less(s[i].from) {
				t.Fatalf("%v touch", s)
			}
		}
		if got := s.advance(base); got != base.Add(slices.Index(append(have[:], false), false)) {
			t.Fatalf("advance comes to %d", got.Sub(base))
		}
	})
}

func TestSpansAreBounded(t *testing.T) {
	var s spans
	for i := range 2 * maxSpans {
		s.add(Seq(3*i), Seq(3*i+1))
	}
	if len(s) != maxSpans {
		t.Errorf("%d islands, want %d", len(s), maxSpans)
	}
	if !s.add(0, 100) {
		t.Error("what joins islands is refused")
	}
}

// TestSacksAreASet holds the marks of runs against a set of bytes: those of segments
// that lie wholly in a block.
func TestSacksAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		una := Seq(rapid.Uint32().Draw(t, "una"))
		c := &Conn{state: Established}
		c.snd.una, c.snd.nxt = una, una
		c.rack = newRack(una)
		edges := []int{0}
		for range rapid.IntRange(1, 40).Draw(t, "runs") {
			c.snd.nxt = c.snd.nxt.Add(rapid.IntRange(1, 100).Draw(t, "size"))
			c.runs.push(sentRun{end: c.snd.nxt})
			edges = append(edges, c.snd.nxt.Sub(una))
		}
		n := c.snd.nxt.Sub(una)
		have := make([]bool, n)
		s := arrived{h: &Header{}}
		for range rapid.IntRange(1, 30).Draw(t, "blocks") {
			from := rapid.IntRange(0, n-1).Draw(t, "from")
			to := rapid.IntRange(from+1, n).Draw(t, "to")
			d := delivery{ack: &s}
			c.sackBlock(1, una.Add(from), una.Add(to), &d)
			fresh := 0
			for i, end := range edges[1:] {
				begin := edges[i]
				if from <= begin && end <= to && !have[begin] {
					fresh += end - begin
					for at := begin; at < end; at++ {
						have[at] = true
					}
				}
			}
			if d.bytes != fresh {
				t.Fatalf("%d bytes are new, want %d", d.bytes, fresh)
			}
		}
		start := una
		for i := range int(c.runs.n) {
			r := c.runs.at(i)
			for seq := start; seq != r.end; seq++ {
				if got := r.marks&markSacked != 0; got != have[seq.Sub(una)] {
					t.Fatalf("byte %d is sacked: %v", seq.Sub(una), got)
				}
			}
			if i > 0 && r.marks&c.runs.at(i-1).marks&markSacked != 0 {
				t.Fatalf("runs %d and %d are sacked and not joined", i-1, i)
			}
			start = r.end
		}
		if err := c.checkRuns(); err != nil {
			t.Fatal(err)
		}
	})
}
