package ladder

// Index remembers where the frames of each conversation are: twelve bytes a frame
// and eight a conversation. Conversation 0 is the frames of none.
type Index struct {
	offsets []int64  // of each record, as in capture.Record
	next    []uint32 // the frame of the same conversation that comes next, counted from 1; 0 for none
	talks   []ends   // by conversation
}

// ends are the first and the last frame of a conversation, counted from 1.
type ends struct{ first, last uint32 }

// MaxFrames is how many frames an Index holds.
const MaxFrames = 1<<32 - 2

// Add puts a frame behind those of a conversation. It reports false when the index
// is full.
func (x *Index) Add(conversation int, offset int64) bool {
	if len(x.offsets) >= MaxFrames {
		return false
	}
	for len(x.talks) <= conversation {
		x.talks = append(x.talks, ends{})
	}
	x.offsets, x.next = append(x.offsets, offset), append(x.next, 0)
	n, t := uint32(len(x.offsets)), &x.talks[conversation]
	if t.first == 0 {
		t.first = n
	} else {
		x.next[t.last-1] = n
	}
	t.last = n
	return true
}

// Conversations returns one more than the highest number of a conversation.
func (x *Index) Conversations() int { return len(x.talks) }

// Frames calls yield for each frame of a conversation, in the order in which they
// were added, with its offset.
func (x *Index) Frames(conversation int) func(yield func(frame, offset int64) bool) {
	return func(yield func(frame, offset int64) bool) {
		if conversation >= len(x.talks) {
			return
		}
		for n := x.talks[conversation].first; n != 0; n = x.next[n-1] {
			if !yield(int64(n), x.offsets[n-1]) {
				return
			}
		}
	}
}
