package transfer

// job is what a stream does next.
type job struct {
	kind  jobKind
	files []*outgoing // jobPack
	file  *outgoing   // the others
	chunk int64
	again bool // the chunk was sent before
}

type jobKind uint8

const (
	jobNone    jobKind = iota
	jobPack            // small files, whole
	jobChunk           // one chunk of a file
	jobStream          // a file of unknown size, to its end
	jobCompare         // hash a file and say the sum
)

// next waits for work for a stream; jobNone is the end.
func (s *sender) next() job {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.ended:
			return job{}
		case s.urgent.len() > 0:
			return s.urgent.pop()
		}
		if j, ok := s.smallLocked(); ok {
			return j
		}
		if j, ok := s.largeLocked(); ok {
			return j
		}
		s.changed.Wait()
	}
}

// smallLocked takes as many small files as one chunk holds.
func (s *sender) smallLocked() (job, bool) {
	j := job{kind: jobPack}
	var bytes int64
	for s.small.len() > 0 && len(j.files) < packFiles {
		o := s.small.front()
		if bytes+o.entry.Size > s.chunk {
			break
		}
		bytes += o.entry.Size
		j.files = append(j.files, s.small.pop())
	}
	return j, len(j.files) > 0
}

// largeLocked takes the next chunk of the first large file that has one.
func (s *sender) largeLocked() (job, bool) {
	for s.large.len() > 0 && s.large.front().gone {
		s.large.pop()
	}
	if s.large.len() == 0 {
		return job{}, false
	}
	o := s.large.front()
	if o.entry.Size < 0 {
		s.large.pop()
		return job{kind: jobStream, file: o}, true
	}
	if len(o.ranges) == 0 { // nothing is missing but the end
		s.large.pop()
		return job{kind: jobChunk, file: o, chunk: -1}, true
	}
	r := &o.ranges[0]
	j := job{kind: jobChunk, file: o, chunk: r[0]}
	if r[0]++; r[0] == r[1] {
		if o.ranges = o.ranges[1:]; len(o.ranges) == 0 {
			s.large.pop()
		}
	}
	return j, true
}

// fifo is a queue.
type fifo[T any] struct {
	list []T
	head int
}

func (q *fifo[T]) len() int   { return len(q.list) - q.head }
func (q *fifo[T]) front() T   { return q.list[q.head] }
func (q *fifo[T]) push(x T)   { q.list = append(q.list, x) }
func (q *fifo[T]) items() []T { return q.list[q.head:] }

// pop takes the first out. The list moves to its front when half of it is empty,
// so that a queue costs nothing for its length.
func (q *fifo[T]) pop() T {
	x := q.list[q.head]
	var none T
	q.list[q.head] = none
	q.head++
	if q.head == len(q.list) || q.head > 1024 && q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	return x
}

// waiting returns how many bytes are wanted and not yet taken.
func (s *sender) waiting() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for _, o := range s.small.items() {
		n += o.entry.Size
	}
	for _, o := range s.large.items() {
		for _, r := range o.ranges {
			n += (r[1] - r[0]) * s.chunk
		}
	}
	return n
}
