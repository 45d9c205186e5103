package tcp

// A recvRing holds the bytes from the peer that the user has not read. What comes out
// of order is put at its final place at once; [spans] say where such islands are.
//
//	base         RCV.NXT                         RCV.NXT + RCV.WND
//	 │ to be read   │ not here │ island │ not here │
//
// It starts without memory, doubles as it fills, and is given back when the
// connection is idle.
type recvRing struct {
	buf  []byte // nil, or a power of two long
	off  uint32 // where base lies in buf
	base Seq    // the first unread byte's number
}

// put writes p to the place of seq, which is not before base; held is how far from
// base on the ring holds bytes that matter.
func (r *recvRing) put(seq Seq, p []byte, held int) {
	at := seq.Sub(r.base)
	r.buf, r.off = grown(r.buf, r.off, min(held, len(r.buf)), at+len(p))
	copyIn(r.buf, r.off+uint32(at), p)
}

// take moves bytes before end to p.
func (r *recvRing) take(p []byte, end Seq) int {
	n := min(len(p), end.Sub(r.base))
	if n <= 0 {
		return 0
	}
	k := copy(p[:n], r.buf[int(r.off)&(len(r.buf)-1):])
	copy(p[k:n], r.buf)
	r.skip(n)
	return n
}

// peek shows the first bytes before end, in one piece.
func (r *recvRing) peek(end Seq) []byte {
	n := end.Sub(r.base)
	if n <= 0 {
		return nil
	}
	at := int(r.off) & (len(r.buf) - 1)
	return r.buf[at:min(at+n, len(r.buf))]
}

// skip drops the first n bytes.
func (r *recvRing) skip(n int) {
	r.off += uint32(n)
	r.base = r.base.Add(n)
}
