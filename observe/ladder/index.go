package ladder

import "slices"

// Index remembers where the frames of each conversation are: sixteen bytes a frame
// and eight a conversation. Conversation 0 is the frames of none.
type Index struct {
	offsets []int64  // of each record, as in capture.Record
	numbers []uint32 // in the capture
	next    []uint32 // the frame of the same conversation that comes next, counted from 1; 0 for none
	talks   []ends   // by conversation
}

// ends are the first and the last frame of a conversation, counted from 1.
type ends struct{ first, last uint32 }

// maxFrames is how many frames an Index holds.
const maxFrames = 1<<32 - 2

// Add puts a frame behind those of a conversation. What does not fit in any more,
// behind four thousand million frames, is left out.
func (x *Index) Add(conversation int, number, offset int64) {
	if number > maxFrames {
		return
	}
	for len(x.talks) <= conversation {
		x.talks = append(x.talks, ends{})
	}
	x.offsets, x.numbers, x.next = append(x.offsets, offset), append(x.numbers, uint32(number)), append(x.next, 0)
	n, t := uint32(len(x.offsets)), &x.talks[conversation]
	if t.first == 0 {
		t.first = n
	} else {
		x.next[t.last-1] = n
	}
	t.last = n
}

// Offset returns where a frame is that was added, by its number.
func (x *Index) Offset(number int64) (offset int64, ok bool) {
	i, ok := slices.BinarySearch(x.numbers, uint32(number))
	if !ok {
		return 0, false
	}
	return x.offsets[i], true
}

// Conversations returns one more than the highest number of a conversation.
func (x *Index) Conversations() int { return len(x.talks) }

// Frames calls yield for each frame of a conversation, in the order in which they
// were added, with its number and offset.
func (x *Index) Frames(conversation int) func(yield func(number, offset int64) bool) {
	return func(yield func(number, offset int64) bool) {
		if conversation >= len(x.talks) {
			return
		}
		for n := x.talks[conversation].first; n != 0; n = x.next[n-1] {
			if !yield(int64(x.numbers[n-1]), x.offsets[n-1]) {
				return
			}
		}
	}
}
