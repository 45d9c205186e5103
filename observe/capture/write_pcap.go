package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// writeBuffer is how much a writer gathers before it writes.
const writeBuffer = 64 << 10

// A Writer takes records down. What it was given is not all in the file before
// Flush, which does not close the file.
type Writer interface {
	Write(r *Record) error
	Flush() error
}

// NewPcapWriter begins a pcap file with times in nanoseconds, little endian. All its
// frames are of one link type; comments, interfaces and hints have no place in it.
func NewPcapWriter(w io.Writer, link LinkType) (*PcapWriter, error) {
	p := &PcapWriter{w: bufio.NewWriterSize(w, writeBuffer), link: link}
	var h [pcapHeaderSize]byte
	binary.LittleEndian.PutUint32(h[:], magicNano)
	binary.LittleEndian.PutUint16(h[4:], 2)
	binary.LittleEndian.PutUint16(h[6:], 4)
	binary.LittleEndian.PutUint32(h[16:], maxSnapLen)
	binary.LittleEndian.PutUint32(h[20:], uint32(link))
	_, err := p.w.Write(h[:])
	return p, err
}

// maxSnapLen is the largest that other programs take without complaint.
const maxSnapLen = 256 << 10

// A PcapWriter is a Writer of pcap.
type PcapWriter struct {
	w      *bufio.Writer
	link   LinkType
	header [pcapRecordSize]byte
}

// Write adds a frame. It is an error where pcap cannot hold it: another link type, a
// time before 1970 or after 2106, more than 16 MiB.
func (p *PcapWriter) Write(r *Record) error {
	seconds := r.Time / 1e9
	switch {
	case r.Link != p.link:
		return fmt.Errorf("frame %d has link type %d, the pcap file %d: pcapng can hold both", r.Number, r.Link, p.link)
	case r.Time < 0 || seconds > math.MaxUint32:
		return fmt.Errorf("frame %d is of a time that pcap cannot hold: pcapng can", r.Number)
	case len(r.Data) > maxRecord:
		return tooLong(r)
	}
	h := &p.header
	binary.LittleEndian.PutUint32(h[0:], uint32(seconds))
	binary.LittleEndian.PutUint32(h[4:], uint32(r.Time%1e9))
	binary.LittleEndian.PutUint32(h[8:], uint32(len(r.Data)))
	binary.LittleEndian.PutUint32(h[12:], wireOf(r))
	if _, err := p.w.Write(h[:]); err != nil {
		return err
	}
	_, err := p.w.Write(r.Data)
	return err
}

// Flush writes what is still held.
func (p *PcapWriter) Flush() error { return p.w.Flush() }

func tooLong(r *Record) error {
	return fmt.Errorf("frame %d has %d bytes: 16 MiB is the most", r.Number, len(r.Data))
}

// wireOf is a frame's length on the wire as the formats hold it.
func wireOf(r *Record) uint32 {
	return uint32(min(max(r.Wire, len(r.Data)), math.MaxUint32))
}
