package transfer

import (
	"context"
	"sync"
)

const (
	headGoal  = 32 << 10 // a frame of messages is closed when it is so long
	outboxMax = 1 << 20  // bytes that wait before put waits too
)

// outbox gathers the messages of an end for its first connection: those of one
// kind that come while a frame is being written leave together in the next.
type outbox struct {
	mu      sync.Mutex
	changed sync.Cond
	frames  []outFrame
	bytes   int
	writing bool
	err     error
}

type outFrame struct {
	kind frameType
	head []byte
}

func newOutbox() *outbox {
	o := &outbox{}
	o.changed.L = &o.mu
	return o
}

// put adds a message that add appends to a frame's head; fresh tells add that
// the head is empty. It does not wait.
func (o *outbox) put(kind frameType, add func(head []byte, fresh bool) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return // nobody will hear it
	}
	last := len(o.frames) - 1
	if last < 0 || o.frames[last].kind != kind || len(o.frames[last].head) >= headGoal || alone(kind) {
		o.frames = append(o.frames, outFrame{kind: kind})
		last++
	}
	f := &o.frames[last]
	before := len(f.head)
	f.head = add(f.head, before == 0)
	o.bytes += len(f.head) - before
	o.changed.Broadcast()
}

// alone reports whether a frame of this kind holds one message.
func alone(kind frameType) bool {
	switch kind {
	case frameEntries, frameAnswers, frameSums, frameResults, frameAgain, frameGiveUp, frameNotes:
		return false
	}
	return true
}

// room waits until less than outboxMax bytes wait.
func (o *outbox) room() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && o.bytes >= outboxMax {
		o.changed.Wait()
	}
	return o.err
}

// flush waits until everything has been written.
func (o *outbox) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && (len(o.frames) > 0 || o.writing) {
		o.changed.Wait()
	}
	return o.err
}

// close ends run and everybody who waits, with err.
func (o *outbox) close(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.changed.Broadcast()
}

// run writes frames to l until the outbox is closed. It returns only errors of l.
func (o *outbox) run(ctx context.Context, l *link) error {
	for {
		f, ok := o.take()
		if !ok {
			return nil
		}
		if err := l.write(ctx, f.kind, f.head); err != nil {
			o.close(err)
			return err
		}
	}
}

// take returns the next frame, when there is one.
func (o *outbox) take() (outFrame, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writing = false
	o.changed.Broadcast()
	for o.err == nil && len(o.frames) == 0 {
		o.changed.Wait()
	}
	if o.err != nil {
		return outFrame{}, false
	}
	f := o.frames[0]
	o.frames = append(o.frames[:0], o.frames[1:]...)
	o.bytes -= len(f.head)
	o.writing = true
	return f, true
}
