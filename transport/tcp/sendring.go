package tcp

import "math/bits"

// A sendRing holds the bytes that the user wrote and the peer has not acknowledged,
// each once: segments and their copies are views of it.
//
//	base              SND.NXT            end
//	 │ sent, not acknowledged │ not sent  │ room
//
// It starts without memory, doubles as it fills, and is given back when the
// connection is idle.
type sendRing struct {
	buf  []byte // nil, or a power of two long
	off  uint32 // where base lies in buf
	n    uint32
	base Seq // the first byte's number
}

const minRing = 256

// end is the number behind the last byte.
func (r *sendRing) end() Seq { return r.base + Seq(r.n) }

// write takes as much of p as keeps the ring within limit.
func (r *sendRing) write(p []byte, limit int) int {
	p = p[:max(min(len(p), limit-int(r.n)), 0)]
	if len(p) == 0 {
		return 0
	}
	r.buf, r.off = grown(r.buf, r.off, int(r.n), int(r.n)+len(p))
	copyIn(r.buf, r.off+r.n, p)
	r.n += uint32(len(p))
	return len(p)
}

// reserve is the room behind the last byte, up to n bytes of it in one piece.
func (r *sendRing) reserve(n int) []byte {
	if n <= 0 {
		return nil
	}
	r.buf, r.off = grown(r.buf, r.off, int(r.n), int(r.n)+n)
	at := int(r.off+r.n) & (len(r.buf) - 1)
	return r.buf[at:min(at+n, len(r.buf))]
}

// release forgets what comes before to: it is acknowledged.
func (r *sendRing) release(to Seq) {
	n := uint32(min(max(to.Sub(r.base), 0), int(r.n)))
	r.base += Seq(n)
	r.off += n
	r.n -= n
}

// view shows n bytes from seq on, at least one, which the ring must hold; tail is what
// lies around its end.
func (r *sendRing) view(seq Seq, n int) (head, tail []byte) {
	at := int(r.off+uint32(seq-r.base)) & (len(r.buf) - 1)
	if at+n <= len(r.buf) {
		return r.buf[at : at+n], nil
	}
	head = r.buf[at:]
	return head, r.buf[:n-len(head)]
}

// grown is the ring buf with room for need bytes, and where its first byte then lies;
// n bytes from off on are kept.
func grown(buf []byte, off uint32, n, need int) ([]byte, uint32) {
	if need <= len(buf) {
		return buf, off
	}
	fresh := make([]byte, 1<<bits.Len(uint(max(need, minRing)-1)))
	if n > 0 {
		at := int(off) & (len(buf) - 1)
		k := copy(fresh[:n], buf[at:])
		copy(fresh[k:n], buf)
	}
	return fresh, 0
}

// copyIn writes p into the ring buf at any offset, around its end if need be.
func copyIn(buf []byte, off uint32, p []byte) {
	n := copy(buf[int(off)&(len(buf)-1):], p)
	copy(buf, p[n:])
}
