package capture

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"time"

	"dialtone/internet"
)

// A Reassembler puts fragments of IPv4 and IPv6 together. Its zero value works.
//
// Where fragments overlap, the datagram is given up, with those of its fragments that
// are still to come: RFC 5722 §4 asks for it, and Linux does it for IPv4 too. An exact
// copy of a fragment is no overlap (RFC 8200 §4.5). A datagram whose fragments were
// not captured whole cannot be put together either.
type Reassembler struct {
	MaxBytes   int           // of all fragments that wait; 0 for 4 MiB. The oldest datagram goes first
	MaxWaiting int           // datagrams; 0 for 1024
	Timeout    time.Duration // between a datagram's first fragment and its last, by their times; 0 for 30 s, as Linux has it

	waiting map[datagramKey]*datagram
	oldest  []*datagram // of waiting, in the order of their first fragments
	bytes   int
	stats   ReassemblerStats

	whole  Packet
	record Record
	data   []byte
}

// ReassemblerStats counts datagrams, but for Fragments.
type ReassemblerStats struct {
	Fragments  int64 // that were seen
	Whole      int64 // put together
	Overlapped int64 // given up for an overlap
	Cut        int64 // given up for a fragment that was not captured whole
	Bad        int64 // given up for lengths that cannot be
	TimedOut   int64 // with fragments missing
	Evicted    int64 // for want of room
}

// datagramKey is what fragments of one datagram have in common (RFC 791 §3.2; for
// IPv6, RFC 8200 §4.5, the protocol is 0).
type datagramKey struct {
	src, dst netip.Addr
	id       uint32
	vlan     uint32
	protocol internet.Protocol
}

type datagram struct {
	key    datagramKey
	first  int64   // time
	pieces []piece // in the order of their offsets, without overlaps
	size   int     // of what was fragmented; -1 while the last fragment is missing
	have   int     // bytes of it
	head   []byte  // of the packet, from the fragment with offset 0
	frames []int64 // numbers, in the order in which they came
	done   bool    // given up, or whole
}

type piece struct {
	start int
	data  []byte
}

// pieceCost is what a piece takes beside its data.
const pieceCost = 64

// Add returns a packet that is no fragment as it is, nil for a fragment whose datagram
// is not whole yet, and for the one that completes it the packet as it was before it
// was cut: of link type LinkIPv4 or LinkIPv6, with the number, the time and the Offset
// of this last frame, and Fragments. It is valid until the next Add.
func (r *Reassembler) Add(p *Packet) *Packet {
	if p.FragOff == 0 && !p.More {
		return p
	}
	r.stats.Fragments++
	r.expire(p.Time)
	d := r.find(p)
	if d.done {
		return nil
	}
	if fault := r.put(d, p); fault != nil {
		*fault++
		r.drop(d)
	}
	r.evict()
	if d.done || d.size < 0 || d.have < d.size {
		return nil
	}
	return r.join(d, p)
}

// Stats returns what was counted so far.
func (r *Reassembler) Stats() ReassemblerStats { return r.stats }

// find returns the datagram of a fragment, a new one if need be.
func (r *Reassembler) find(p *Packet) *datagram {
	key := datagramKey{src: p.Src, dst: p.Dst, id: p.ID, vlan: p.VLAN}
	if p.Version == 4 {
		key.protocol = internet.Protocol(p.Data[p.ip+9])
	}
	d := r.waiting[key]
	if d == nil {
		d = &datagram{key: key, first: p.Time, size: -1}
		if r.waiting == nil {
			r.waiting = map[datagramKey]*datagram{}
		}
		r.waiting[key] = d
		r.oldest = append(r.oldest, d)
	}
	return d
}

// put adds a fragment to its datagram; or it returns the counter of the reason for
// which that is to be given up.
func (r *Reassembler) put(d *datagram, p *Packet) (fault *int64) {
	data, size := p.fragment()
	start, end := p.FragOff, p.FragOff+size
	switch {
	case size > len(data):
		return &r.stats.Cut
	case size <= 0, p.More && size%8 != 0, end > 0xffff, // RFC 8200 §4.5
		d.size >= 0 && end > d.size,
		!p.More && (d.size >= 0 && end != d.size || end < d.end()):
		return &r.stats.Bad
	}
	at, same := slices.BinarySearchFunc(d.pieces, start, func(q piece, start int) int { return q.start - start })
	switch {
	case same && bytes.Equal(d.pieces[at].data, data):
		return nil
	case same, at > 0 && d.pieces[at-1].end() > start, at < len(d.pieces) && d.pieces[at].start < end:
		return &r.stats.Overlapped
	}
	d.pieces = slices.Insert(d.pieces, at, piece{start, bytes.Clone(data)})
	d.frames = append(d.frames, p.Number)
	d.have += size
	r.bytes += size + pieceCost
	if !p.More {
		d.size = end
	}
	if start == 0 {
		d.keepHead(p)
	}
	return nil
}

// fragment is the part of the datagram that a fragment has, as far as it was
// captured, and how long it is.
func (p *Packet) fragment() (data []byte, size int) {
	kind := KindIPv4
	if p.Version == 6 {
		kind = KindFragment
	}
	i := slices.IndexFunc(p.Layers(), func(l Layer) bool { return l.Kind == kind })
	at := int(p.layers[i].End)
	size = p.Total - (at - p.ip)
	data = p.Data[at:p.end]
	return data[:max(min(size, len(data)), 0)], size
}

func (q piece) end() int { return q.start + len(q.data) }

// end is where the last piece ends.
func (d *datagram) end() int {
	if len(d.pieces) == 0 {
		return 0
	}
	return d.pieces[len(d.pieces)-1].end()
}

// keepHead copies the headers that every fragment has, as they were before it was one.
func (d *datagram) keepHead(p *Packet) {
	if p.Version == 4 {
		h, _, _ := internet.ParseIPv4(p.Data[p.ip:])
		d.head = bytes.Clone(p.Data[p.ip : p.ip+h.Size()])
		d.head[6] &^= 0x3f // no more fragments, offset 0; "don't fragment" stays as it was
		d.head[7] = 0
		return
	}
	i := slices.IndexFunc(p.Layers(), func(l Layer) bool { return l.Kind == KindFragment })
	before, fragment := p.layers[i-1], p.layers[i]
	d.head = bytes.Clone(p.Data[p.ip:fragment.Start])
	next := int(before.Start) - p.ip // an extension header begins with what follows it
	if before.Kind == KindIPv6 {
		next += 6
	}
	d.head[next] = p.Data[fragment.Start]
}

// join makes the whole packet, and forgets its pieces.
func (r *Reassembler) join(d *datagram, last *Packet) *Packet {
	r.data = append(r.data[:0], d.head...)
	for _, q := range d.pieces {
		r.data = append(r.data, q.data...)
	}
	r.drop(d)
	delete(r.waiting, d.key) // an ID may come again
	at := slices.Index(r.oldest, d)
	r.oldest = slices.Delete(r.oldest, at, at+1)
	r.record = Record{
		Number: last.Number, Time: last.Time, Wire: len(r.data), Data: r.data,
		Link: LinkIPv4, Interface: last.Interface, Offset: last.Offset, Hints: last.Hints & HintOut,
	}
	if last.Version == 6 {
		r.record.Link = LinkIPv6
		internet.FillIPv6(r.data)
	} else {
		internet.FillIPv4(r.data)
	}
	if len(r.data)-int(last.Version/6)*ipv6Header > 0xffff { // a length has 16 bits
		r.stats.Bad++
		return nil
	}
	r.stats.Whole++
	Decode(&r.record, &r.whole)
	r.whole.VLAN, r.whole.Fragments = d.key.vlan, d.frames
	return &r.whole
}

// drop gives a datagram up, or forgets what it was made of. It stays where it is, so
// that what still comes of it begins no new one.
func (r *Reassembler) drop(d *datagram) {
	r.bytes -= d.have + len(d.pieces)*pieceCost
	d.pieces, d.head, d.have, d.done = nil, nil, 0, true
}

// expire ends the wait of datagrams that are too old.
func (r *Reassembler) expire(now int64) {
	timeout := cmp.Or(r.Timeout, 30*time.Second)
	for len(r.oldest) > 0 && now-r.oldest[0].first > int64(timeout) {
		r.forget(&r.stats.TimedOut)
	}
}

// evict makes room.
func (r *Reassembler) evict() {
	for r.bytes > cmp.Or(r.MaxBytes, 4<<20) || len(r.oldest) > cmp.Or(r.MaxWaiting, 1024) {
		r.forget(&r.stats.Evicted)
	}
}

// forget is the end of the oldest datagram, counted unless it was done.
func (r *Reassembler) forget(count *int64) {
	d := r.oldest[0]
	r.oldest = r.oldest[1:]
	if !d.done {
		*count++
		r.drop(d)
	}
	if r.waiting[d.key] == d {
		delete(r.waiting, d.key)
	}
}
