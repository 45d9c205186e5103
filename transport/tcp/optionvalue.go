package tcp

import "encoding/binary"

// MaxWindowScale is the greatest shift of a window (RFC 7323 §2.3).
const MaxWindowScale = 14

// MSS is the maximum segment size that the sender announces, in bytes.
func (o Options) MSS() (size uint16, ok bool) {
	data := o.last(KindMSS, 2)
	if data == nil {
		return 0, false
	}
	return binary.BigEndian.Uint16(data), true
}

// WindowScale is by how many bits the sender's windows are shifted, 0 to 14.
func (o Options) WindowScale() (shift uint8, ok bool) {
	data := o.last(KindWindowScale, 1)
	if data == nil {
		return 0, false
	}
	// RFC 7323 §2.3: a receiver of more than 14 MUST use 14 instead.
	return min(data[0], MaxWindowScale), true
}

// SACKPermitted says whether the sender understands selective acknowledgments.
func (o Options) SACKPermitted() bool { return o.last(KindSACKPermitted, 0) != nil }

// aligned is how nearly all segments begin their options, as RFC 7323 appendix A
// advises: two NOPs, then timestamps of ten bytes.
const aligned = uint32(KindNop)<<24 | uint32(KindNop)<<16 | uint32(KindTimestamps)<<8 | 10

// Timestamps are the sender's clock, and the other end's as the sender saw it last.
func (o Options) Timestamps() (val, ecr uint32, ok bool) {
	if len(o) == 12 && binary.BigEndian.Uint32(o) == aligned {
		return binary.BigEndian.Uint32(o[4:]), binary.BigEndian.Uint32(o[8:]), true
	}
	data := o.last(KindTimestamps, 8)
	if data == nil {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:]), true
}

// SACK are the blocks that the sender has beyond what it acknowledges: each from its
// first sequence number to the one behind its last; a first block below the
// acknowledgment reports a duplicate (RFC 2883). n says how many there are.
func (o Options) SACK() (blocks [4][2]Seq, n int) {
	for {
		opt, rest, wrong := o.next()
		if wrong != whole {
			return blocks, n
		}
		if opt.Kind == KindSACK && KindSACK.allows(len(opt.Data)) {
			for n = 0; n < len(opt.Data)/8; n++ {
				blocks[n] = block(opt.Data[8*n:])
			}
		}
		o = rest
	}
}

func block(b []byte) [2]Seq {
	return [2]Seq{Seq(binary.BigEndian.Uint32(b)), Seq(binary.BigEndian.Uint32(b[4:]))}
}

// FastOpen is the cookie for data in a SYN; an empty one asks for a cookie
// (RFC 7413 §4.1.1).
func (o Options) FastOpen() (cookie []byte, ok bool) {
	for {
		opt, rest, wrong := o.next()
		if wrong != whole {
			return cookie, ok
		}
		if opt.Kind == KindFastOpen && KindFastOpen.allows(len(opt.Data)) {
			cookie, ok = opt.Data, true
		}
		o = rest
	}
}
