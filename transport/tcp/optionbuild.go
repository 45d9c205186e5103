package tcp

import "encoding/binary"

// The builders append an option; one that no longer fits into 40 bytes is left out,
// so that what comes of them is always the options of a header.

// AppendNop appends n NOPs, by which the options behind are aligned.
func (o Options) AppendNop(n int) Options {
	for range min(n, MaxOptions-len(o)) {
		o = append(o, byte(KindNop))
	}
	return o
}

// AppendMSS announces the maximum segment size in bytes; for a SYN.
func (o Options) AppendMSS(size uint16) Options {
	return o.option(KindMSS, byte(size>>8), byte(size))
}

// AppendWindowScale announces by how many bits windows are shifted, at most 14; for a SYN.
func (o Options) AppendWindowScale(shift uint8) Options {
	return o.option(KindWindowScale, min(shift, MaxWindowScale))
}

// AppendSACKPermitted announces that selective acknowledgments are understood; for a SYN.
func (o Options) AppendSACKPermitted() Options { return o.option(KindSACKPermitted) }

// AppendTimestamps appends the own clock and the other end's as seen last.
func (o Options) AppendTimestamps(val, ecr uint32) Options {
	var data [8]byte
	binary.BigEndian.PutUint32(data[:], val)
	binary.BigEndian.PutUint32(data[4:], ecr)
	return o.option(KindTimestamps, data[:]...)
}

// AppendSACK appends as many of the blocks as there is room for: four, or three
// beside timestamps (RFC 2018 §3). Of no block nothing is appended.
func (o Options) AppendSACK(blocks ...[2]Seq) Options {
	n := min(len(blocks), (MaxOptions-len(o)-2)/8)
	if n <= 0 {
		return o
	}
	o = append(o, byte(KindSACK), byte(2+8*n))
	for _, b := range blocks[:n] {
		o = binary.BigEndian.AppendUint32(o, uint32(b[0]))
		o = binary.BigEndian.AppendUint32(o, uint32(b[1]))
	}
	return o
}

// AppendFastOpen appends a cookie of 4 to 16 bytes, an even number, or asks for one
// with none; for a SYN.
func (o Options) AppendFastOpen(cookie []byte) Options {
	if !KindFastOpen.allows(len(cookie)) {
		return o
	}
	return o.option(KindFastOpen, cookie...)
}

// Pad fills the last word with zeros, which end the options.
func (o Options) Pad() Options {
	for len(o)%4 != 0 {
		o = append(o, byte(KindEnd))
	}
	return o
}

func (o Options) option(kind OptionKind, data ...byte) Options {
	if len(o)+2+len(data) > MaxOptions {
		return o
	}
	o = append(o, byte(kind), byte(2+len(data)))
	return append(o, data...)
}
