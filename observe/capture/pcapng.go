package capture

import (
	"cmp"
	"slices"
)

// The pcapng format (draft-ietf-opsawg-pcapng §3): a row of blocks, each with its
// type, its length at both ends, and a body padded to four bytes. A section header
// begins a section, which has a byte order and numbers its interfaces anew.
const (
	blockSection    = 0x0a0d0d0a // the same in either byte order
	blockInterface  = 1
	blockPacket     = 2 // obsolete
	blockSimple     = 3
	blockStatistics = 5
	blockEnhanced   = 6
	blockSecrets    = 10

	blockFrame     = 12 // type and both lengths
	byteOrderMagic = 0x1a2b3c4d
)

// maxSections and maxInterfaces bound what a hostile file can make us remember.
const (
	maxSections   = 1 << 16
	maxInterfaces = 1 << 16
)

type pcapng struct {
	sections   []section
	interfaces []ngInterface // of all sections
	header     Info          // of the latest section
	secrets    int
}

type section struct {
	start int64 // where it begins in the file
	first int   // its first interface, in pcapng.interfaces
	big   bool  // big endian
}

func (s *section) u16(b []byte) uint16 { return order16(b, s.big) }
func (s *section) u32(b []byte) uint32 { return order32(b, s.big) }
func (s *section) u64(b []byte) uint64 {
	hi, lo := uint64(s.u32(b)), uint64(s.u32(b[4:]))
	if !s.big {
		hi, lo = lo, hi
	}
	return hi<<32 | lo
}

func (g *pcapng) info() Info {
	i := g.header
	i.Format, i.Secrets, i.Interfaces = "pcapng", g.secrets, make([]Interface, len(g.interfaces))
	for n := range g.interfaces {
		i.Interfaces[n] = g.interfaces[n].Interface
	}
	return i
}

// parse reads a block: one of a frame into r, others into g.
func (g *pcapng) parse(b []byte, offset int64, r *Record) (found, int64, error) {
	if len(b) < blockFrame {
		return foundShort, blockFrame, nil
	}
	if order32(b, false) == blockSection {
		return g.parseSection(b, offset)
	}
	s := &g.sections[len(g.sections)-1]
	kind := s.u32(b)
	body, size, err := s.body(b)
	if body == nil || err != nil {
		if err == nil && !known(kind) {
			return foundOther, size, nil
		}
		return foundShort, size, err
	}
	switch kind {
	case blockEnhanced, blockSimple, blockPacket:
		if err := g.parseFrame(s, kind, body, r); err != nil {
			return 0, 0, err
		}
		g.countDrops(s, kind, body, r.Interface)
		return foundFrame, size, nil
	case blockInterface:
		err = g.parseInterface(s, body)
	case blockStatistics:
		err = g.parseStatistics(s, body)
	case blockSecrets:
		g.secrets++
	}
	return foundOther, size, err
}

// known says whether parse must see a block's body.
func known(kind uint32) bool {
	return kind <= blockEnhanced && kind != 4 || kind == blockSecrets
}

// body returns what a block holds, and its whole length; nil where b is too short.
func (s *section) body(b []byte) (body []byte, size int64, err error) {
	size = int64(s.u32(b[4:]))
	switch {
	case size < blockFrame || size%4 != 0:
		return nil, 0, broken("a block of %d bytes: its length must be a multiple of 4 and at least 12", size)
	case known(s.u32(b)) && size > maxRecord:
		return nil, 0, broken("a block of %d bytes, where 16 MiB is the most: the file is damaged from here on", size)
	case int64(len(b)) < size:
		return nil, size, nil
	case s.u32(b[size-4:]) != uint32(size):
		return nil, 0, broken("a block's two lengths differ, %d and %d: the file is damaged here", size, s.u32(b[size-4:]))
	}
	return b[8 : size-4 : size-4], size, nil
}

// frame reads the block of a frame that parse has found before, in the section that
// it belongs to.
func (g *pcapng) frame(b []byte, offset int64, r *Record) (found, int64, error) {
	n, _ := slices.BinarySearchFunc(g.sections, offset, func(s section, at int64) int { return cmp.Compare(s.start, at) })
	if n == 0 {
		return foundOther, 0, nil
	}
	if len(b) < blockFrame {
		return foundShort, blockFrame, nil
	}
	s := &g.sections[n-1]
	kind := s.u32(b)
	if kind != blockEnhanced && kind != blockSimple && kind != blockPacket {
		return foundOther, 0, nil
	}
	body, size, err := s.body(b)
	if err != nil || body == nil {
		return foundShort, size, err
	}
	return foundFrame, size, g.parseFrame(s, kind, body, r)
}

// parseSection begins a section (§4.1): byte order, version, a length that nobody
// needs, options.
func (g *pcapng) parseSection(b []byte, offset int64) (found, int64, error) {
	s := section{start: offset, first: len(g.interfaces)}
	switch uint32(byteOrderMagic) {
	case order32(b[8:], false):
	case order32(b[8:], true):
		s.big = true
	default:
		return 0, 0, broken("a section header with byte-order magic % x", b[8:12])
	}
	body, size, err := s.body(b)
	switch {
	case err != nil:
		return 0, 0, err
	case body == nil && size > maxRecord:
		return 0, 0, broken("a section header of %d bytes: the file is damaged from here on", size)
	case body == nil:
		return foundShort, size, nil
	case len(body) < 16:
		return 0, 0, broken("a section header of %d bytes: 28 is the least", size)
	case len(g.sections) == maxSections:
		return 0, 0, broken("more than %d sections", maxSections)
	}
	// §4.1: minor version 2 reads like 0.
	if major, minor := s.u16(body[4:]), s.u16(body[6:]); major != 1 || minor != 0 && minor != 2 {
		return 0, 0, broken("pcapng version %d.%d is not known: only 1.0 is", major, minor)
	}
	g.sections = append(g.sections, s)
	g.header = Info{}
	g.header, err = s.parseHeaderOptions(body[16:])
	return foundOther, size, err
}

func (s *section) parseHeaderOptions(b []byte) (i Info, err error) {
	for code, value := uint16(1), []byte(nil); code != optionEnd && err == nil; {
		code, value, b, err = s.option(b)
		switch code {
		case optionComment:
			i.Comment = joinComment(i.Comment, value)
		case optionHardware:
			i.Hardware = string(value)
		case optionOS:
			i.OS = string(value)
		case optionApplication:
			i.Application = string(value)
		}
	}
	return i, err
}
