package capture

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// windowSize is how much of a mapped file is looked at, or of a stream buffered, at
// a time, unless one record is longer.
const windowSize = 1 << 20

// pollInterval is how often a followed file is asked whether it has grown.
const pollInterval = 50 * time.Millisecond

// errShrunk is a file that became shorter than it was when it was opened.
var errShrunk = errors.New("the file was cut while it was read")

// input is where a File's bytes come from. What is there is data[pos:], which lies
// at base+pos in the file:
//
//	mapped     data is the file from its start up to a window's end; fill moves the
//	           end on, after a look at the file's size
//	buffered   data is a buffer over reader; fill moves what is left of it to its
//	           start and reads behind
type input struct {
	data   []byte
	pos    int
	base   int64
	mapped []byte          // the whole file, or nil
	reader io.Reader       // of what is not mapped
	file   *os.File        // a regular file that is not compressed, or nil
	unpack io.Closer       // the decompressor, or nil
	under  io.Closer       // what is closed with it, or nil
	follow context.Context // until when to wait at the end; nil for not at all
}

func (in *input) rest() []byte  { return in.data[in.pos:] }
func (in *input) offset() int64 { return in.base + int64(in.pos) }

// fill makes rest at least n bytes long: io.EOF where there are not so many.
func (in *input) fill(n int) error {
	for {
		var err error
		if in.mapped != nil {
			err = in.extend(n)
		} else {
			err = in.read(n)
		}
		if err != io.EOF || in.follow == nil || in.file == nil || !in.wait() {
			return err
		}
	}
}

// wait is a pause before a followed file is looked at again; false when it is over.
func (in *input) wait() bool {
	pause := time.NewTimer(pollInterval)
	defer pause.Stop()
	select {
	case <-in.follow.Done():
		return false
	case <-pause.C:
		return true
	}
}

// extend moves the window of a mapped file on. A mapping behind the end of a file
// that was cut would be a fault: the size is looked at first.
func (in *input) extend(n int) error {
	size, err := in.size()
	if err != nil {
		return err
	}
	if size < int64(len(in.data)) {
		return errShrunk
	}
	if size > int64(len(in.mapped)) {
		if err := in.remap(size); err != nil {
			return err
		}
	}
	end := min(int64(in.pos)+max(int64(n), windowSize), size, int64(len(in.mapped)))
	populate(in.mapped, len(in.data), int(end))
	in.data = in.mapped[:end]
	if len(in.rest()) < n {
		return io.EOF
	}
	return nil
}

func (in *input) size() (int64, error) {
	info, err := in.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// remap maps a file that has grown anew.
func (in *input) remap(size int64) error {
	grown, err := mapFile(in.file, size)
	if err != nil {
		return err
	}
	old := in.mapped
	in.mapped, in.data = grown, grown[:len(in.data)]
	return unmapFile(old)
}

// read is fill for a stream. The buffer grows with what comes, not with what a length
// promises.
func (in *input) read(n int) error {
	buffer, left := in.data[:cap(in.data)], in.rest()
	if len(buffer) == 0 {
		buffer = make([]byte, windowSize)
	}
	have := copy(buffer, left)
	in.base += int64(in.pos)
	in.pos = 0
	for have < n {
		if have == len(buffer) {
			buffer = append(buffer, make([]byte, min(have, max(n-have, windowSize)))...)
			buffer = buffer[:cap(buffer)]
		}
		m, err := in.reader.Read(buffer[have:])
		have += m
		in.data = buffer[:have]
		if err != nil && have < n {
			return err
		}
	}
	in.data = buffer[:have]
	return nil
}

// at returns up to n bytes at offset of a regular file; spare is memory for them
// where the file is not mapped.
func (in *input) at(offset, n int64, spare *[]byte) ([]byte, error) {
	if in.mapped != nil {
		size, err := in.size()
		if err != nil {
			return nil, err
		}
		end := min(offset+n, size, int64(len(in.mapped)))
		if end <= offset {
			return nil, io.ErrUnexpectedEOF
		}
		return in.mapped[offset:end], nil
	}
	if int64(cap(*spare)) < n {
		*spare = make([]byte, n)
	}
	m, err := in.file.ReadAt((*spare)[:n], offset)
	if err == io.EOF && m > 0 {
		err = nil
	}
	return (*spare)[:m], err
}

func (in *input) close() error {
	var errs [3]error
	if in.mapped != nil {
		errs[0] = unmapFile(in.mapped)
	}
	if in.unpack != nil {
		errs[1] = in.unpack.Close()
	}
	if in.under != nil {
		errs[2] = in.under.Close()
	}
	*in = input{reader: eof{}}
	return errors.Join(errs[:]...)
}

// eof is a stream without bytes.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
