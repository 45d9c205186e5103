package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// A PcapngWriter is a Writer of pcapng.
type PcapngWriter struct {
	w     *bufio.Writer
	ids   map[int]uint32 // of Record.Interface, in the order in which they were described
	block []byte         // being made, but for a frame's data
}

// NewPcapngWriter begins a pcapng file of one section, little endian, times in
// nanoseconds. The application's name goes into its header; it may be "".
func NewPcapngWriter(w io.Writer, application string) (*PcapngWriter, error) {
	p := &PcapngWriter{w: bufio.NewWriterSize(w, writeBuffer), ids: map[int]uint32{}}
	b := p.begin(blockSection)
	b = binary.LittleEndian.AppendUint32(b, byteOrderMagic)
	b = binary.LittleEndian.AppendUint32(b, 1)              // version 1.0
	b = binary.LittleEndian.AppendUint64(b, math.MaxUint64) // length not known (§4.1)
	b = appendOption(b, optionApplication, application)
	return p, p.end(b)
}

// Describe says what the interface is that frames name by this number. One that no
// call has described is without a name, and of its first frame's link type.
func (p *PcapngWriter) Describe(number int, i Interface) error {
	if _, ok := p.ids[number]; ok {
		return fmt.Errorf("interface %d has been described", number)
	}
	p.ids[number] = uint32(len(p.ids))
	b := p.begin(blockInterface)
	b = binary.LittleEndian.AppendUint32(b, uint32(i.Link)) // and 16 bits reserved
	b = binary.LittleEndian.AppendUint32(b, i.SnapLen)
	b = appendOption(b, optionName, i.Name)
	b = appendOption(b, optionDescription, i.Description)
	b = appendOption(b, optionResolution, "\x09")
	return p.end(b)
}

// Write adds a frame, with its comment and its hints. All frames of an interface are
// of one link type.
func (p *PcapngWriter) Write(r *Record) error {
	if len(r.Data) > maxRecord-1<<17 {
		return tooLong(r)
	}
	id, ok := p.ids[r.Interface]
	if !ok {
		if err := p.Describe(r.Interface, Interface{Link: r.Link}); err != nil {
			return err
		}
		id = p.ids[r.Interface]
	}
	b := p.begin(blockEnhanced)
	b = binary.LittleEndian.AppendUint32(b, id)
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Time>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Time))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Data)))
	b = binary.LittleEndian.AppendUint32(b, wireOf(r))
	return p.endFrame(b, r)
}

// endFrame writes a frame's block: what is in front of its data, the data, what is
// behind.
func (p *PcapngWriter) endFrame(b []byte, r *Record) error {
	front := len(b)
	b = append(b, "\x00\x00\x00"[:-len(r.Data)&3]...)
	b = appendOption(b, optionComment, r.Comment)
	if flags := flagsOf(r.Hints); flags != 0 {
		b = binary.LittleEndian.AppendUint16(b, optionFlags)
		b = binary.LittleEndian.AppendUint16(b, 4)
		b = binary.LittleEndian.AppendUint32(b, flags)
	}
	b = p.close(b, len(r.Data))
	if _, err := p.w.Write(b[:front]); err != nil {
		return err
	}
	if _, err := p.w.Write(r.Data); err != nil {
		return err
	}
	_, err := p.w.Write(b[front:])
	return err
}

// Flush writes what is still held.
func (p *PcapngWriter) Flush() error { return p.w.Flush() }

// begin starts a block: its type, and room for its length.
func (p *PcapngWriter) begin(kind uint32) []byte {
	return binary.LittleEndian.AppendUint64(p.block[:0], uint64(kind))
}

// close ends a block that has apart more bytes than b: the mark behind its options,
// and its length at both ends.
func (p *PcapngWriter) close(b []byte, apart int) []byte {
	b = append(b, 0, 0, 0, 0)
	size := uint32(len(b) + apart + 4)
	binary.LittleEndian.PutUint32(b[4:], size)
	p.block = binary.LittleEndian.AppendUint32(b, size)
	return p.block
}

func (p *PcapngWriter) end(b []byte) error {
	_, err := p.w.Write(p.close(b, 0))
	return err
}

// appendOption adds an option, unless its value is empty. A value is cut at 65535
// bytes, or in front of the rune that would be.
func appendOption(b []byte, code uint16, value string) []byte {
	if value == "" {
		return b
	}
	if len(value) > math.MaxUint16 {
		end := math.MaxUint16
		for end > math.MaxUint16-utf8.UTFMax && !utf8.RuneStart(value[end]) {
			end--
		}
		value = value[:end]
	}
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	return append(b, "\x00\x00\x00"[:-len(value)&3]...)
}

// flagsOf is what hintsOf reads.
func flagsOf(h Hints) (flags uint32) {
	if h&HintOut != 0 {
		flags |= flagOut
	}
	if h&HintPartial != 0 {
		flags |= flagPartial
	}
	if h&HintGood != 0 {
		flags |= flagGood
	}
	if h&HintSuper != 0 {
		flags |= flagSuper
	}
	return flags
}
