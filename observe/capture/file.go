package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// maxRecord bounds what one record, or one block that is looked into, may hold.
const maxRecord = 16 << 20

// A File is a capture in a file, or a stream of one. Its format is one of two:
//
//	pcap      a header, then records        pcap.go
//	pcapng    sections of blocks            pcapng.go, pcapng_*.go
//
// and its bytes come from input.go: a mapped file, or a buffer over a stream. A File
// is for one goroutine at a time.
type File struct {
	name   string
	in     *input
	format format
	record Record // of Next
	again  Record // of At
	spare  []byte // of At, where the file is not mapped
	number int64
	err    error // what Next found, for good
}

// format is what tells one file format from the other.
type format interface {
	// parse looks at what begins at b[0], which lies at offset in the file.
	parse(b []byte, offset int64, r *Record) (found, int64, error)
	// frame is parse for a frame that parse has found at offset before.
	frame(b []byte, offset int64, r *Record) (found, int64, error)
	info() Info
}

// found is what parse makes of bytes; the number beside it is theirs.
type found uint8

const (
	foundFrame found = iota // a frame, in a record of so many bytes
	foundOther              // so many bytes without a frame; they need not all be there
	foundShort              // so many bytes are needed to tell
)

// A FileError says where a file breaks the rules of its format. It wraps
// io.ErrUnexpectedEOF where the file ends in mid-record.
type FileError struct {
	Name   string // of the file, "" for a stream
	Offset int64  // of the record that is wrong, in bytes, after decompression
	Rule   string // what is wrong
	Err    error  // underlying error, or nil
}

func (e *FileError) Error() string {
	name := e.Name
	if name == "" {
		name = "capture stream"
	}
	s := fmt.Sprintf("%s: byte %d: %s", name, e.Offset, e.Rule)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *FileError) Unwrap() error { return e.Err }

// broken is a FileError that does not know its place yet: parse's caller does.
func broken(rule string, args ...any) error {
	return &FileError{Rule: fmt.Sprintf(rule, args...)}
}

// Next returns the next frame: io.EOF at the end. A file that is cut short or
// damaged gives every whole record before it gives one *FileError.
func (f *File) Next() (*Record, error) {
	for f.err == nil {
		offset := f.in.offset()
		what, n, err := f.format.parse(f.in.rest(), offset, &f.record)
		switch {
		case err != nil:
			f.err = f.at(err, offset)
		case what == foundShort:
			f.err = f.need(n)
		case what == foundOther:
			f.err = f.skip(n)
		default:
			f.in.pos += int(n)
			f.number++
			f.record.Number = f.number
			f.record.Offset = -1
			if f.in.file != nil {
				f.record.Offset = offset
			}
			return &f.record, nil
		}
	}
	return nil, f.err
}

// need waits until n bytes are there: io.EOF where the file ends between records.
func (f *File) need(n int64) error {
	err := f.in.fill(int(n))
	if err == nil {
		return nil
	}
	there := len(f.in.rest())
	switch {
	case !errors.Is(err, io.EOF):
		return f.at(&FileError{Rule: "cannot be read on", Err: err}, f.in.offset()+int64(there))
	case there == 0 || f.in.follow != nil:
		return io.EOF
	}
	return f.at(&FileError{
		Rule: fmt.Sprintf("the record is cut short, %d of %d bytes are there", there, n),
		Err:  io.ErrUnexpectedEOF,
	}, f.in.offset())
}

// skip goes past n bytes, by steps where they are more than a buffer should hold.
func (f *File) skip(n int64) error {
	for n > 0 {
		step := min(n, windowSize)
		if int64(len(f.in.rest())) < step {
			if err := f.need(step); err != nil {
				return f.cutWhereMore(err, step)
			}
		}
		f.in.pos += int(step)
		n -= step
	}
	return nil
}

// cutWhereMore is the error where a block that goes on is not there at all.
func (f *File) cutWhereMore(err error, n int64) error {
	if err != io.EOF || f.in.follow != nil {
		return err
	}
	return f.at(&FileError{
		Rule: fmt.Sprintf("the block is cut short, %d more bytes are missing", n),
		Err:  io.ErrUnexpectedEOF,
	}, f.in.offset())
}

// at gives an error of parse its place.
func (f *File) at(err error, offset int64) error {
	if e, ok := errors.AsType[*FileError](err); ok {
		e.Name, e.Offset = f.name, offset
	}
	return err
}

// At returns the frame that Next returned with this Offset.
func (f *File) At(offset int64) (*Record, error) {
	if f.in.file == nil || offset < 0 {
		return nil, f.at(broken("a stream cannot go back to a frame: spool it"), max(offset, 0))
	}
	size := int64(1 << 12)
	for {
		b, err := f.in.at(offset, size, &f.spare)
		if err != nil {
			return nil, f.at(&FileError{Rule: "the frame is not there any more", Err: err}, offset)
		}
		what, n, err := f.format.frame(b, offset, &f.again)
		switch {
		case err != nil:
			return nil, f.at(err, offset)
		case what == foundShort && n > int64(len(b)) && n > size:
			size = n
		case what == foundFrame:
			f.again.Offset = offset
			return &f.again, nil
		default:
			return nil, f.at(broken("no frame begins here"), offset)
		}
	}
}

// Follow makes Next wait for more at the end of a file that another program still
// writes, until ctx is done: then it is io.EOF. A stream waits by itself. It is an
// error for a compressed file, whose end cannot be told from a pause.
func (f *File) Follow(ctx context.Context) error {
	if f.in.unpack != nil {
		return fmt.Errorf("%s: a compressed file cannot be followed", f.name)
	}
	f.in.follow = ctx
	return nil
}

// Info returns what the file has said of itself so far.
func (f *File) Info() Info { return f.format.info() }

// Close releases the file and its mapping: no record's Data may be used after it.
func (f *File) Close() error {
	if f.err == nil {
		f.err = fmt.Errorf("%s: %w", f.name, os.ErrClosed)
	}
	return f.in.close()
}

// Info is what a capture file says of itself.
type Info struct {
	Format      string // "pcap" or "pcapng"
	Hardware    string // these four of the latest pcapng section
	OS          string
	Application string
	Comment     string
	Interfaces  []Interface // those of all sections, by Record.Interface
	Secrets     int         // blocks of TLS or other keys that were passed over
}

// An Interface is where frames were captured.
type Interface struct {
	Name        string // "eth0"; "" for not known
	Description string
	Link        LinkType
	SnapLen     uint32 // at most so many bytes of a frame were captured; 0 for no limit
	Received    uint64 // frames that the capturing system counted; 0 for not known
	Dropped     uint64 // frames that it could not hand over
}

// frameSize makes a frame's length on the wire an int: not below what was captured.
func frameSize(wire uint32, captured int) int {
	if uint64(wire) > math.MaxInt {
		return math.MaxInt
	}
	return max(int(wire), captured)
}
