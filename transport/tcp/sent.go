package tcp

import (
	"sort"
	"time"
)

// A sentRun is a run of sequence numbers that was sent as one segment, or several
// such that the peer has all of. It begins where the one before ends.
type sentRun struct {
	at    time.Duration // when it was sent last
	end   Seq           // behind its last number
	marks mark
	again uint8 // how often it was sent again, up to 255
}

type mark uint8

// What is known of a run. One that is in flight has none of these, or lost and
// inFlight: it was lost and is under way again.
const (
	markSacked   mark = 1 << iota // selectively acknowledged
	markLost                      // held for lost
	markInFlight                  // lost and sent again since
)

// sentRuns are the runs from SND.UNA to SND.NXT, in a ring that starts empty and
// doubles; and how many bytes have which mark (RFC 6675 §4 has the scoreboard that
// they are together).
//
//	SND.UNA                                           SND.NXT
//	   │ lost │ sacked │ lost, in flight │ in flight │
type sentRuns struct {
	ring []sentRun // a power of two long
	head uint32    // where the first is
	n    uint32

	sacked, lost, inFlight int32 // bytes with the mark
}

// maxRuns bounds the memory of the ring; a window of 4 MiB has less than 3,000
// segments of an ordinary size.
const maxRuns = 1 << 14

func (s *sentRuns) at(i int) *sentRun {
	return &s.ring[(s.head+uint32(i))&uint32(len(s.ring)-1)]
}

// start is where run i begins.
func (s *sentRuns) start(i int, una Seq) Seq {
	if i == 0 {
		return una
	}
	return s.at(i - 1).end
}

// push appends a run that is sent now.
func (s *sentRuns) push(r sentRun) {
	s.room()
	s.n++
	*s.at(int(s.n) - 1) = r
}

func (s *sentRuns) room() {
	if int(s.n) < len(s.ring) {
		return
	}
	fresh := make([]sentRun, max(2*len(s.ring), 8))
	for i := range int(s.n) {
		fresh[i] = *s.at(i)
	}
	s.ring, s.head = fresh, 0
}

func (s *sentRuns) full() bool { return s.n >= maxRuns }

// pop removes the first run, of n bytes.
func (s *sentRuns) pop(n int) {
	s.count(s.at(0).marks, -n)
	s.head++
	s.n--
}

// count adds n bytes with these marks.
func (s *sentRuns) count(m mark, n int) {
	if m&markSacked != 0 {
		s.sacked += int32(n)
	}
	if m&markLost != 0 {
		s.lost += int32(n)
	}
	if m&markInFlight != 0 {
		s.inFlight += int32(n)
	}
}

// remark sets the marks of run i, which has n bytes.
func (s *sentRuns) remark(i, n int, m mark) {
	r := s.at(i)
	s.count(r.marks, -n)
	s.count(m, n)
	r.marks = m
}

// find is the index of the run that seq lies in: the first that ends behind it.
func (s *sentRuns) find(seq Seq) int {
	return sort.Search(int(s.n), func(i int) bool { return seq.Less(s.at(i).end) })
}

// split cuts run i at seq, which lies inside it.
func (s *sentRuns) split(i int, seq Seq) {
	s.room()
	s.n++
	if i < int(s.n)/2 {
		s.head--
		for j := range i + 1 {
			*s.at(j) = *s.at(j + 1)
		}
	} else {
		for j := int(s.n) - 1; j > i; j-- {
			*s.at(j) = *s.at(j - 1)
		}
	}
	s.at(i).end = seq
}

// shift gives run i the first k bytes of the one behind it, which has the same marks.
func (s *sentRuns) shift(i, k int) {
	r, next := s.at(i), s.at(i+1)
	r.again = max(r.again, next.again)
	if r.end = r.end.Add(k); r.end == next.end {
		s.join(i + 1)
	}
}

// join takes run i into the one before it: both are sacked.
func (s *sentRuns) join(i int) {
	s.at(i - 1).end = s.at(i).end
	s.n--
	if i < int(s.n)/2 {
		for j := i; j > 0; j-- {
			*s.at(j) = *s.at(j - 1)
		}
		s.head++
		return
	}
	for j := i; j < int(s.n); j++ {
		*s.at(j) = *s.at(j + 1)
	}
}

// pipe is how many bytes are thought to be under way (RFC 6675 §4): what was sent
// less what has arrived or was lost, and what of that was sent again.
func (s *sentRuns) pipe(una, nxt Seq) int {
	return nxt.Sub(una) - int(s.sacked) - int(s.lost) + int(s.inFlight)
}
