package connect

import (
	"fmt"
	"io"
)

// DifferenceError says that a replayed conversation had other answers.
type DifferenceError struct {
	Offset int64 // of the first byte that is not the recorded one
	What   string
}

func (e *DifferenceError) Error() string {
	return fmt.Sprintf("the answers differ from the recorded ones at byte %d: %s", e.Offset, e.What)
}

// Comparer is an Out that compares what it gets with what a record has as
// received. Only the bytes count, not when they came nor in how many pieces.
type Comparer struct {
	record *RecordReader
	want   []byte // rest of the event being compared
	offset int64
	err    error
}

// NewComparer returns a Comparer with the received bytes of record.
func NewComparer(record *RecordReader) *Comparer { return &Comparer{record: record} }

// Write compares. It always returns len(p) and no error: see Finish.
func (c *Comparer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && c.err == nil {
		if !c.fill() {
			c.differ("more came than was recorded")
			break
		}
		same := 0
		for same < min(len(p), len(c.want)) && p[same] == c.want[same] {
			same++
		}
		c.offset += int64(same)
		if same < len(p) && same < len(c.want) {
			c.differ(fmt.Sprintf("got %q, recorded %q", around(p[same:]), around(c.want[same:])))
		}
		p, c.want = p[same:], c.want[same:]
	}
	return n, nil
}

// Finish returns nil if everything that was recorded came and nothing else, a
// *DifferenceError if not, and a *RecordError if the record is broken.
func (c *Comparer) Finish() error {
	if c.err == nil && c.fill() {
		c.differ("less came than was recorded")
	}
	return c.err
}

// fill makes want hold something, and reports whether there is anything.
func (c *Comparer) fill() bool {
	for len(c.want) == 0 && c.err == nil {
		e, err := c.record.Next()
		if err == io.EOF {
			return false
		}
		c.err = err
		if e.Kind == Received {
			c.want = e.Data
		}
	}
	return c.err == nil
}

func (c *Comparer) differ(what string) {
	if c.err == nil {
		c.err = &DifferenceError{c.offset, what}
	}
}

// around returns the beginning of p, enough to recognize it.
func around(p []byte) []byte { return p[:min(len(p), 16)] }
