package tcp

import (
	"slices"
	"sort"
)

// A span is a run of sequence numbers, from the first to the one behind the last.
type span struct{ from, to Seq }

func (s span) empty() bool { return s.from == s.to }

// maxSpans is how many islands of out-of-order data are kept: a window of 6 MiB that
// lost every fifth segment has fewer. A peer that makes more has the rest dropped.
const maxSpans = 1024

// spans are islands beyond RCV.NXT: in order, apart from one another.
type spans []span

// find is the index of the first island that ends at seq or behind it.
func (s spans) find(seq Seq) int {
	return sort.Search(len(s), func(i int) bool { return seq.LessEq(s[i].to) })
}

// covers says whether all of from to to lies on one island, and which.
func (s spans) covers(from, to Seq) (span, bool) {
	i := s.find(from)
	if i < len(s) && s[i].from.LessEq(from) && to.LessEq(s[i].to) {
		return s[i], true
	}
	return span{}, false
}

// overlap is the first part of from to to that lies on an island.
func (s spans) overlap(from, to Seq) span {
	i := s.find(from + 1)
	if i == len(s) || !s[i].from.Less(to) {
		return span{}
	}
	if from.Less(s[i].from) {
		from = s[i].from
	}
	if s[i].to.Less(to) {
		to = s[i].to
	}
	return span{from, to}
}

// add puts in a run, joining what it touches; false if there are too many islands.
func (s *spans) add(from, to Seq) bool {
	i := s.find(from)
	j := i
	for j < len(*s) && (*s)[j].from.LessEq(to) {
		j++
	}
	if i == j {
		if len(*s) >= maxSpans {
			return false
		}
		*s = slices.Insert(*s, i, span{from, to})
		return true
	}
	joined := &(*s)[i]
	if from.Less(joined.from) {
		joined.from = from
	}
	if last := (*s)[j-1].to; to.Less(last) {
		to = last
	}
	joined.to = to
	*s = slices.Delete(*s, i+1, j)
	return true
}

// advance is nxt, or the end of the island that begins there or before; islands up to
// it are removed.
func (s *spans) advance(nxt Seq) Seq {
	n := 0
	for n < len(*s) && (*s)[n].from.LessEq(nxt) {
		if nxt.Less((*s)[n].to) {
			nxt = (*s)[n].to
		}
		n++
	}
	*s = slices.Delete(*s, 0, n)
	return nxt
}
