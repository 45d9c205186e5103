package transfer

import (
	"testing"

	"pgregory.net/rapid"
)

// TestQueueKeepsItsOrder and holds nothing that was taken out.
func TestQueueKeepsItsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q fifo[int]
		in, out := 0, 0
		for range rapid.IntRange(0, 20).Draw(t, "turns") {
			for range rapid.IntRange(0, 3000).Draw(t, "in") {
				in++
				q.push(in)
			}
			for range rapid.IntRange(0, q.len()).Draw(t, "out") {
				out++
				if front, x := q.front(), q.pop(); x != out || front != out {
					t.Fatalf("%d and %d, want %d", front, x, out)
				}
			}
			if q.len() != in-out || len(q.items()) != in-out || len(q.list) > 2*(in-out)+1025 {
				t.Fatalf("%d in, %d out: %d, in %d", in, out, q.len(), len(q.list))
			}
			for i, x := range q.list[:cap(q.list)] {
				if (i < q.head || i >= len(q.list)) && x != 0 {
					t.Fatalf("%d is held at %d", x, i)
				}
			}
		}
	})
}
