package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A Spool is an Archive over a Source that is none, a stream or a live capture: it
// keeps every record that passes in a temporary file, and little in memory.
type Spool struct {
	source Source
	file   *os.File
	name   string // of the file, while it has one
	w      *bufio.Writer
	size   int64 // of the file with what w holds
	record Record
	again  Record
	spare  []byte
	err    error
}

// spoolHeader is in front of a record's data and comment: time, length on the wire,
// length of the data and of the comment, interface, link type, hints.
const spoolHeader = 8 + 4*4 + 2 + 1

// NewSpool makes a Spool with its file in folder dir, or where the system keeps
// temporary files for "". The file has no name where the system allows that. Who
// calls NewSpool closes the Spool, and then the source.
func NewSpool(source Source, dir string) (*Spool, error) {
	file, err := os.CreateTemp(dir, "dialtone-capture-*")
	if err != nil {
		return nil, fmt.Errorf("cannot keep the capture for going back: %w", err)
	}
	s := &Spool{source: source, file: file, w: bufio.NewWriterSize(file, writeBuffer)}
	if os.Remove(file.Name()) != nil { // Windows does not while it is open
		s.name = file.Name()
	}
	return s, nil
}

// Next returns the source's next record, with an Offset. A file that cannot hold it,
// on a full disk, is an error, with all frames before it kept.
func (s *Spool) Next() (*Record, error) {
	if s.err != nil {
		return nil, s.err
	}
	r, err := s.source.Next()
	if err != nil {
		return nil, err
	}
	s.record = *r
	s.record.Offset = s.size
	if s.err = s.keep(r); s.err != nil {
		return nil, s.err
	}
	return &s.record, nil
}

func (s *Spool) keep(r *Record) error {
	h := s.spare[:0]
	h = binary.LittleEndian.AppendUint64(h, uint64(r.Time))
	h = binary.LittleEndian.AppendUint32(h, wireOf(r))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(r.Data)))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(r.Comment)))
	h = binary.LittleEndian.AppendUint32(h, uint32(r.Interface))
	h = binary.LittleEndian.AppendUint16(h, uint16(r.Link))
	h = append(h, byte(r.Hints))
	s.spare = h
	_, err := s.w.Write(h)
	if err == nil {
		_, err = s.w.Write(r.Data)
	}
	if err == nil {
		_, err = s.w.WriteString(r.Comment)
	}
	if err != nil {
		return fmt.Errorf("frame %d cannot be kept for going back: %w", r.Number, err)
	}
	s.size += int64(len(h) + len(r.Data) + len(r.Comment))
	return nil
}

// At returns the record that Next returned with this Offset.
func (s *Spool) At(offset int64) (*Record, error) {
	if err := s.w.Flush(); err != nil {
		return nil, fmt.Errorf("cannot keep the capture for going back: %w", err)
	}
	h, err := s.read(offset, spoolHeader)
	if err != nil {
		return nil, err
	}
	r := &s.again
	*r = Record{
		Time:      int64(binary.LittleEndian.Uint64(h)),
		Wire:      frameSize(binary.LittleEndian.Uint32(h[8:]), 0),
		Interface: int(binary.LittleEndian.Uint32(h[20:])),
		Link:      LinkType(binary.LittleEndian.Uint16(h[24:])),
		Hints:     Hints(h[26]),
		Offset:    offset,
	}
	data, comment := int64(binary.LittleEndian.Uint32(h[12:])), int64(binary.LittleEndian.Uint32(h[16:]))
	b, err := s.read(offset+spoolHeader, data+comment)
	if err != nil {
		return nil, err
	}
	r.Data, r.Comment = b[:data:data], string(b[data:])
	return r, nil
}

// read returns n bytes of the file, in memory that the next read uses again.
func (s *Spool) read(offset, n int64) ([]byte, error) {
	if offset < 0 || n > s.size-offset {
		return nil, fmt.Errorf("no frame was kept at byte %d", offset)
	}
	if int64(cap(s.spare)) < n {
		s.spare = make([]byte, n)
	}
	b := s.spare[:n]
	if _, err := s.file.ReadAt(b, offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("a kept frame cannot be read: %w", err)
	}
	return b, nil
}

// Close removes the file.
func (s *Spool) Close() error {
	s.err = os.ErrClosed
	err := s.file.Close()
	if s.name != "" {
		err = errors.Join(err, os.Remove(s.name))
	}
	return err
}
