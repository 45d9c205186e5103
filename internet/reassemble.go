package internet

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// A Reassembler puts fragments of IPv4 and IPv6 together. It is a machine without
// goroutine, lock or clock; its zero value works.
//
// Where fragments overlap, the datagram is given up, with those of its fragments that
// are still to come: RFC 5722 §4 asks for it, and Linux does it for IPv4 too. An exact
// copy of a fragment is no overlap (RFC 8200 §4.5).
type Reassembler struct {
	MaxBytes   int           // of all fragments that wait; 0 for 4 MiB, as Linux has it. The oldest datagram goes first
	MaxWaiting int           // datagrams; 0 for 1024
	Timeout    time.Duration // between a datagram's first fragment and its last; 0 for 30 s, as Linux has it

	waiting map[FragmentKey]*datagram
	oldest  []*datagram // of waiting, in the order of their first fragments
	bytes   int
	stats   ReassemblerStats
	data    []byte // of the last that was whole
}

// ReassemblerStats counts datagrams, but for Fragments.
type ReassemblerStats struct {
	Fragments  int64 // that were seen
	Whole      int64 // put together
	Overlapped int64 // given up for an overlap
	Cut        int64 // given up for a fragment that was not there whole
	Bad        int64 // given up for lengths that cannot be
	TimedOut   int64 // with fragments missing
	Evicted    int64 // for want of room
}

// FragmentKey is what fragments of one datagram have in common (RFC 791 §3.2; for
// IPv6, RFC 8200 §4.5, the protocol is 0).
type FragmentKey struct {
	Src, Dst netip.Addr
	ID       uint32
	Link     uint32 // of links whose datagrams are not to be mixed: a VLAN
	Protocol Protocol
}

// A Piece is a fragment of a datagram.
type Piece struct {
	Key    FragmentKey
	Offset int // of Data, in bytes
	Size   int // of Data before anyone cut it short
	More   bool
	Data   []byte
	// Head is the headers in front of the data, of the fragment with offset 0: as they
	// are in a whole packet, but for lengths and checksum of an IPv4 or IPv6 header, and
	// IPv4's flag for more fragments, which are set when the packet is whole.
	Head []byte
	Tag  int64 // whatever the caller wants to know again
}

// Reassembled is a datagram whose last missing fragment has come.
type Reassembled struct {
	Packet []byte  // valid until the next Add
	Tags   []int64 // of the fragments, in the order in which they came
}

// datagram is one that is not whole yet, or not any more.
type datagram struct {
	key    FragmentKey
	first  time.Duration // when its first fragment came
	pieces []part        // in the order of their offsets, without overlaps
	size   int           // of what was fragmented; -1 while the last fragment is missing
	have   int           // bytes of it
	head   []byte        // of the packet, from the fragment with offset 0
	tags   []int64
	done   bool // given up, or whole
}

type part struct {
	start int
	data  []byte
}

// pieceCost is what a piece takes beside its data.
const pieceCost = 64

// Add takes a fragment, whose bytes are copied. ok says that it completes its datagram.
// now never goes back by more than the caller can bear datagrams to stay.
func (r *Reassembler) Add(now time.Duration, f *Piece) (whole Reassembled, ok bool) {
	r.stats.Fragments++
	d := r.find(now, f.Key)
	if d.done {
		return whole, false
	}
	if fault := r.put(d, f); fault != nil {
		*fault++
		r.drop(d)
	}
	r.evict()
	if d.done || d.size < 0 || d.have < d.size {
		return whole, false
	}
	return r.join(d)
}

// Waiting returns how many datagrams are kept, those among them that were given up, and
// how much memory their fragments take.
func (r *Reassembler) Waiting() (datagrams, bytes int) { return len(r.oldest), r.bytes }

// Stats returns what was counted so far.
func (r *Reassembler) Stats() ReassemblerStats { return r.stats }

// find returns the datagram of a fragment, a new one if need be.
func (r *Reassembler) find(now time.Duration, key FragmentKey) *datagram {
	d := r.waiting[key]
	if d == nil {
		d = &datagram{key: key, first: now, size: -1}
		if r.waiting == nil {
			r.waiting = map[FragmentKey]*datagram{}
		}
		r.waiting[key] = d
		r.oldest = append(r.oldest, d)
	}
	return d
}

// put adds a fragment to its datagram; or it returns the counter of the reason for
// which that is to be given up.
func (r *Reassembler) put(d *datagram, f *Piece) (fault *int64) {
	start, end := f.Offset, f.Offset+f.Size
	switch {
	case f.Size > len(f.Data):
		return &r.stats.Cut
	case f.Size <= 0, f.More && f.Size%8 != 0, end > 0xffff, // RFC 8200 §4.5
		d.size >= 0 && end > d.size,
		!f.More && (d.size >= 0 && end != d.size || end < d.end()):
		return &r.stats.Bad
	}
	data := f.Data[:f.Size]
	at, same := slices.BinarySearchFunc(d.pieces, start, func(q part, start int) int { return q.start - start })
	switch {
	case same && bytes.Equal(d.pieces[at].data, data):
		return nil
	case same, at > 0 && d.pieces[at-1].end() > start, at < len(d.pieces) && d.pieces[at].start < end:
		return &r.stats.Overlapped
	}
	d.pieces = slices.Insert(d.pieces, at, part{start, bytes.Clone(data)})
	d.tags = append(d.tags, f.Tag)
	d.have += f.Size
	r.bytes += f.Size + pieceCost
	if !f.More {
		d.size = end
	}
	if start == 0 {
		d.head = bytes.Clone(f.Head)
	}
	return nil
}

func (q part) end() int { return q.start + len(q.data) }

// end is where the last piece ends.
func (d *datagram) end() int {
	if len(d.pieces) == 0 {
		return 0
	}
	return d.pieces[len(d.pieces)-1].end()
}

// join makes the whole packet, and forgets its pieces.
func (r *Reassembler) join(d *datagram) (whole Reassembled, ok bool) {
	r.data = append(r.data[:0], d.head...)
	for _, q := range d.pieces {
		r.data = append(r.data, q.data...)
	}
	r.drop(d)
	delete(r.waiting, d.key) // an ID may come again
	at := slices.Index(r.oldest, d)
	r.oldest = slices.Delete(r.oldest, at, at+1)
	if !completeHeader(r.data) { // a length has 16 bits
		r.stats.Bad++
		return whole, false
	}
	r.stats.Whole++
	return Reassembled{r.data, d.tags}, true
}

// completeHeader sets what is known of a packet's header now that it is whole, and
// says whether the packet can be as long as it is.
func completeHeader(packet []byte) bool {
	if len(packet) < ipv4Size {
		return false
	}
	if packet[0]>>4 == 6 {
		FillIPv6(packet)
		return len(packet)-ipv6Size <= 0xffff
	}
	packet[6] &^= 0x3f // no more fragments, offset 0; "don't fragment" stays as it was
	packet[7] = 0
	FillIPv4(packet)
	return len(packet) <= 0xffff
}

// drop gives a datagram up, or forgets what it was made of. It stays where it is, so
// that what still comes of it begins no new one.
func (r *Reassembler) drop(d *datagram) {
	r.bytes -= d.have + len(d.pieces)*pieceCost
	d.pieces, d.head, d.have, d.done = nil, nil, 0, true
}

// Deadline returns when Expire is to be called, false where nothing waits.
func (r *Reassembler) Deadline() (at time.Duration, ok bool) {
	if len(r.oldest) == 0 {
		return 0, false
	}
	return r.oldest[0].first + r.timeout(), true
}

func (r *Reassembler) timeout() time.Duration { return cmp.Or(r.Timeout, 30*time.Second) }

// Expire ends the wait of datagrams that are too old. Those whose first fragment is
// there are shown to late, unless it is nil: their head, and the first of their data
// (RFC 792: "time exceeded" is sent for no other).
func (r *Reassembler) Expire(now time.Duration, late func(head, data []byte)) {
	for len(r.oldest) > 0 && now-r.oldest[0].first >= r.timeout() {
		if d := r.oldest[0]; late != nil && d.head != nil {
			late(d.head, d.pieces[0].data)
		}
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
