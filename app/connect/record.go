package connect

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"
)

// RecordVersion is the version of the record format that this package writes,
// and the only one it reads.
const RecordVersion = 1

// maxLine bounds a line of a record. MaxData bytes of text take at most six
// times as many when each is escaped (\u0000); the rest of a line is short.
const maxLine = 6*MaxData + 64<<10

// Recorder writes events as lines of JSON: Watch is for [Options.Watch].
type Recorder struct {
	w   io.Writer
	buf []byte
	err error
}

// NewRecorder begins a record of a conversation with address: its header, then a line an event.
// [RecordReader] reads it.
func NewRecorder(w io.Writer, address string) *Recorder {
	r := NewJSON(w)
	now := time.Now()
	r.write(line{Time: &now, Event: "record", Version: RecordVersion, Address: address})
	return r
}

// NewJSON returns a Recorder without a header: an event stream for programs.
func NewJSON(w io.Writer) *Recorder { return &Recorder{w: w} }

// Watch writes e, with one Write. After a failed Write it does nothing.
func (r *Recorder) Watch(e Event) { r.write(lineOf(e)) }

// Err returns the first error of a Write.
func (r *Recorder) Err() error { return r.err }

func (r *Recorder) write(l line) {
	if r.err != nil {
		return
	}
	r.buf = l.append(r.buf[:0])
	_, r.err = r.w.Write(r.buf)
}

// RecordError says where a record is broken.
type RecordError struct {
	Line int // from 1
	Err  error
}

func (e *RecordError) Error() string { return fmt.Sprintf("record line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *RecordError) Unwrap() error { return e.Err }

// RecordReader reads a record line by line, holding one line at a time.
type RecordReader struct {
	lines   *bufio.Scanner
	line    int
	address string
}

// NewRecordReader reads the header. Its errors are *RecordError.
func NewRecordReader(r io.Reader) (*RecordReader, error) {
	rr := &RecordReader{lines: bufio.NewScanner(r)}
	rr.lines.Buffer(nil, maxLine)
	l, err := rr.next()
	switch {
	case err == io.EOF:
		return nil, &RecordError{1, errors.New("empty: not a record")}
	case err != nil:
		return nil, err
	case l.Event != "record":
		return nil, rr.fail(errors.New("no header: not a record"))
	case l.Version != RecordVersion:
		return nil, rr.fail(fmt.Errorf("version %d, this program reads version %d", l.Version, RecordVersion))
	}
	rr.address = l.Address
	return rr, nil
}

// Address returns whom the recorded conversation was with, as it was typed.
func (r *RecordReader) Address() string { return r.address }

// Next returns the next event, whose Data is its own, or io.EOF after the last.
// Other errors are *RecordError.
func (r *RecordReader) Next() (Event, error) {
	l, err := r.next()
	if err != nil {
		return Event{}, err
	}
	e, err := l.event()
	if err != nil {
		return Event{}, r.fail(err)
	}
	return e, nil
}

func (r *RecordReader) next() (line, error) {
	r.line++
	if !r.lines.Scan() {
		err := r.lines.Err()
		switch {
		case errors.Is(err, bufio.ErrTooLong):
			err = r.fail(fmt.Errorf("longer than %d bytes", maxLine))
		case err != nil:
			err = r.fail(err)
		default:
			err = io.EOF
		}
		return line{}, err
	}
	l, err := parseLine(r.lines.Bytes())
	if err != nil {
		return l, r.fail(err)
	}
	return l, nil
}

func (r *RecordReader) fail(err error) error { return &RecordError{r.line, err} }
