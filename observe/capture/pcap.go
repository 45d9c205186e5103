package capture

import (
	"encoding/binary"
	"math/bits"
)

// The pcap format (draft-ietf-opsawg-pcap §4, §5): a header of 24 bytes, then for
// each frame 16 bytes and its data. Numbers are in the order of the machine that
// wrote them; the magic number tells which, and whether fractions of a second are
// microseconds or nanoseconds.
const (
	pcapHeaderSize = 24
	pcapRecordSize = 16
	magicMicro     = 0xa1b2c3d4
	magicNano      = 0xa1b23c4d
)

type pcap struct {
	link     LinkType
	snapLen  uint32
	big      bool  // big endian
	fraction int64 // nanoseconds
}

// order reads numbers of either byte order.
func order32(b []byte, big bool) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func order16(b []byte, big bool) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if big {
		v = bits.ReverseBytes16(v)
	}
	return v
}

// pcapMagic says whether a file that begins with these four bytes is pcap.
func pcapMagic(b []byte) bool {
	for _, big := range [2]bool{false, true} {
		if m := order32(b, big); m == magicMicro || m == magicNano {
			return true
		}
	}
	return false
}

// parsePcapHeader reads the file header, whose magic number has been looked at.
func parsePcapHeader(b []byte) (*pcap, error) {
	p := &pcap{fraction: 1000}
	magic := binary.BigEndian.Uint32(b)
	p.big = magic == magicMicro || magic == magicNano
	if order32(b, p.big) == magicNano {
		p.fraction = 1
	}
	if major, minor := order16(b[4:], p.big), order16(b[6:], p.big); major != 2 || minor != 4 {
		return nil, broken("pcap version %d.%d is not known: only 2.4 is", major, minor)
	}
	p.snapLen = order32(b[16:], p.big)
	// The upper half says how long a frame check sequence is, if there is one
	// (draft-ietf-opsawg-pcap §4): to Decode it is a trailer.
	p.link = standardLink(LinkType(order32(b[20:], p.big)))
	return p, nil
}

// standardLink translates numbers that some programs write as they have them from
// their own system.
func standardLink(l LinkType) LinkType {
	if l == 12 || l == 14 { // DLT_RAW
		return LinkRaw
	}
	return l
}

func (p *pcap) info() Info {
	return Info{Format: "pcap", Interfaces: []Interface{{Link: p.link, SnapLen: p.snapLen}}}
}

func (p *pcap) frame(b []byte, offset int64, r *Record) (found, int64, error) {
	return p.parse(b, offset, r)
}

func (p *pcap) parse(b []byte, _ int64, r *Record) (found, int64, error) {
	if len(b) < pcapRecordSize {
		return foundShort, pcapRecordSize, nil
	}
	captured, wire := order32(b[8:], p.big), order32(b[12:], p.big)
	if captured > maxRecord {
		return 0, 0, broken("a frame of %d bytes, where 16 MiB is the most: the file is damaged from here on", captured)
	}
	end := pcapRecordSize + int(captured)
	if len(b) < end {
		return foundShort, int64(end), nil
	}
	// Nothing else of r is ever set; a literal would be built elsewhere and copied.
	r.Time = int64(order32(b, p.big))*1e9 + int64(order32(b[4:], p.big))*p.fraction
	r.Wire, r.Data, r.Link = frameSize(wire, int(captured)), b[pcapRecordSize:end:end], p.link
	return foundFrame, int64(end), nil
}
