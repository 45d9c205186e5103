package ladder

// Index remembers where the frames of each conversation are, in sixteen bytes a frame
// and sixteen a conversation. Conversation 0 is the frames of none.
type Index struct {
	frames list[place]
	talks  list[chain] // by conversation
}

// place is where a frame is.
type place struct {
	offset int64  // of its record, as in capture.Record
	number uint32 // in the capture; with moved set, it is in another chain too
	next   uint32 // the frame of the same conversation that comes next, counted from 1; 0 for none
}

// chain is the frames of a conversation.
type chain struct {
	first, last uint32 // counted from 1; 0 for none
	reuses      uint32 // the conversation whose addresses and ports it has again; 0 for none
	isn         uint32 // the initial number of that one
}

const (
	moved     = 1 << 31
	maxFrames = moved - 1
)

// Add puts a frame behind those of a conversation, and returns its place, from 1. What
// does not fit in any more, behind two thousand million frames, is left out, at 0.
func (x *Index) Add(conversation int, number, offset int64) (at uint32) {
	if number > maxFrames || x.frames.n == maxFrames {
		return 0
	}
	c := x.chain(conversation)
	x.frames.add(place{offset: offset, number: uint32(number)})
	n := uint32(x.frames.n)
	if c.first == 0 {
		c.first = n
	} else {
		x.frames.at(int(c.last - 1)).next = n
	}
	c.last = n
	return n
}

// Move takes the frame at a place, one of none, to a conversation, behind those that it
// has; to conversation 0 it takes it out.
func (x *Index) Move(at uint32, conversation int) {
	p := x.frames.at(int(at - 1))
	number, offset := int64(p.number), p.offset
	p.number |= moved
	if conversation > 0 {
		x.Add(conversation, number, offset)
	}
}

func (x *Index) chain(conversation int) *chain {
	for x.talks.n <= conversation {
		x.talks.add(chain{})
	}
	return x.talks.at(conversation)
}

// Conversations returns one more than the highest number of a conversation.
func (x *Index) Conversations() int { return x.talks.n }

// Frames calls yield for each frame of a conversation, in the order in which they
// were added, with its number and offset.
func (x *Index) Frames(conversation int) func(yield func(number, offset int64) bool) {
	return func(yield func(number, offset int64) bool) {
		if conversation >= x.talks.n {
			return
		}
		for n := x.talks.at(conversation).first; n != 0; {
			p := x.frames.at(int(n - 1))
			if n = p.next; p.number&moved == 0 && !yield(int64(p.number), p.offset) {
				return
			}
		}
	}
}

// list is a slice that grows without being copied, so that it never takes room for
// twice what it has.
type list[T any] struct {
	chunks [][]T
	n      int
}

const chunkSize = 4096

func (l *list[T]) add(v T) {
	if l.n%chunkSize == 0 {
		l.chunks = append(l.chunks, make([]T, chunkSize))
	}
	*l.at(l.n) = v
	l.n++
}

func (l *list[T]) at(i int) *T { return &l.chunks[i/chunkSize][i%chunkSize] }
