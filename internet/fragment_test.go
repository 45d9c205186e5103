package internet

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// pieceOf is a fragment as a Reassembler takes it.
func pieceOf(t interface{ Fatalf(string, ...any) }, packet []byte) *Piece {
	h, data, err := ParseIPv4(packet)
	if err != nil {
		t.Fatalf("%v: %x", err, packet)
	}
	return &Piece{
		Key:    FragmentKey{Src: netip.AddrFrom4(h.Src), Dst: netip.AddrFrom4(h.Dst), ID: uint32(h.ID), Protocol: h.Protocol},
		Offset: int(h.Offset) * 8, Size: len(data), More: h.Flags&MoreFragments != 0, Data: data, Head: packet[:h.Size()],
	}
}

// fragmentsOf copies them.
func fragmentsOf(packet []byte, mtu int) (list [][]byte) {
	for header, data := range FragmentsIPv4(packet, mtu) {
		list = append(list, append(bytes.Clone(header), data...))
	}
	return list
}

// Whatever is cut, and cut again on the way, and comes in any order, some of it twice,
// is whole again, bit for bit.
func TestFragmentsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := IPv4{TTL: 9, ID: uint16(rapid.Uint16().Draw(t, "id")), Protocol: UDP, Src: [4]byte{10, 0, 0, 1}, Dst: [4]byte{10, 0, 0, 2}}
		if rapid.Bool().Draw(t, "options") {
			h.Options = []byte{148, 4, 0, 0, 7, 7, 4, 1, 2, 3, 4, 0} // copied: router alert; not: record route
		}
		data := make([]byte, rapid.IntRange(0, 5000).Draw(t, "size"))
		rand.NewChaCha8([32]byte{}).Read(data)
		packet := append(h.Append(nil), data...)
		FillIPv4(packet)
		var pieces [][]byte
		second := rapid.IntRange(68, 1500).Draw(t, "second MTU")
		for _, f := range fragmentsOf(packet, rapid.IntRange(68, 6000).Draw(t, "first MTU")) {
			pieces = append(pieces, fragmentsOf(f, second)...)
		}
		for i, f := range pieces {
			p, _, _ := ParseIPv4(f)
			if len(f) > second || !CheckIPv4(f) || i > 0 && p.Offset == 0 || (i == len(pieces)-1) != (p.Flags&MoreFragments == 0) {
				t.Fatalf("fragment %d of %d, %d bytes: %+v", i, len(pieces), len(f), p)
			}
		}
		if twice := rapid.IntRange(-1, len(pieces)-1).Draw(t, "twice"); twice >= 0 && len(pieces) > 1 {
			pieces = append([][]byte{pieces[twice]}, pieces...)
		}
		order := rapid.Permutation(pieces).Draw(t, "order")
		if len(order) == 1 {
			return // nothing was cut
		}
		var r Reassembler
		whole := 0
		for _, f := range order {
			got, ok := r.Add(0, pieceOf(t, f))
			if !ok {
				continue
			}
			if whole++; !bytes.Equal(got.Packet, packet) {
				t.Fatalf("put together:\n%x\nwant\n%x", got.Packet, packet)
			}
		}
		// The copy may have come behind the end, and wait for nothing.
		if whole != 1 || r.bytes > len(packet)+pieceCost {
			t.Fatalf("%d whole, %d bytes left, %+v", whole, r.bytes, r.Stats())
		}
	})
}

func TestFragmentsOfWhatDoesNotFitAtAll(t *testing.T) {
	h := IPv4{Protocol: UDP, Options: make([]byte, 40)}
	packet := append(h.Append(nil), make([]byte, 100)...)
	FillIPv4(packet)
	if list := fragmentsOf(packet, 64); len(list) != 0 {
		t.Errorf("%d fragments of 4 bytes", len(list))
	}
	if list := fragmentsOf([]byte("no packet"), 1500); len(list) != 0 {
		t.Errorf("%d fragments of no packet", len(list))
	}
}

// testPiece is a fragment of a datagram of 24 bytes and more.
func testPiece(id uint32, offset, size int, more bool) *Piece {
	h := IPv4{TotalLength: 20, Protocol: UDP}
	return &Piece{Key: FragmentKey{ID: id}, Offset: offset, Size: size, More: more, Data: make([]byte, size), Head: h.Append(nil)}
}

// RFC 5722 §4, and what a bomb is made of.
func TestHostileFragments(t *testing.T) {
	for name, test := range map[string]struct {
		pieces []*Piece
		want   func(s *ReassemblerStats) int64
	}{
		"overlap":               {[]*Piece{testPiece(1, 0, 16, true), testPiece(1, 8, 16, false)}, func(s *ReassemblerStats) int64 { return s.Overlapped }},
		"overlap of one":        {[]*Piece{testPiece(1, 0, 24, true), testPiece(1, 8, 8, true)}, func(s *ReassemblerStats) int64 { return s.Overlapped }},
		"two ends":              {[]*Piece{testPiece(1, 8, 8, false), testPiece(1, 16, 8, false)}, func(s *ReassemblerStats) int64 { return s.Bad }},
		"end before others":     {[]*Piece{testPiece(1, 80, 8, true), testPiece(1, 16, 8, false)}, func(s *ReassemblerStats) int64 { return s.Bad }},
		"odd size":              {[]*Piece{testPiece(1, 0, 9, true)}, func(s *ReassemblerStats) int64 { return s.Bad }},
		"empty":                 {[]*Piece{testPiece(1, 0, 0, true)}, func(s *ReassemblerStats) int64 { return s.Bad }},
		"ping of death":         {[]*Piece{testPiece(1, 65528, 100, false)}, func(s *ReassemblerStats) int64 { return s.Bad }},
		"too long with head":    {[]*Piece{testPiece(1, 0, 65528, true), testPiece(1, 65528, 7, false)}, func(s *ReassemblerStats) int64 { return s.Bad }},
		"cut short":             {[]*Piece{{Key: FragmentKey{ID: 1}, Size: 16, Data: make([]byte, 8), More: true}}, func(s *ReassemblerStats) int64 { return s.Cut }},
		"after it was given up": {[]*Piece{testPiece(1, 0, 9, true), testPiece(1, 0, 8, true), testPiece(1, 8, 8, false)}, func(s *ReassemblerStats) int64 { return s.Bad }},
	} {
		var r Reassembler
		for i, p := range test.pieces {
			if _, ok := r.Add(0, p); ok {
				t.Errorf("%s: whole with piece %d", name, i)
			}
		}
		if s := r.Stats(); test.want(&s) != 1 || r.bytes != 0 {
			t.Errorf("%s: %+v, %d bytes are left", name, s, r.bytes)
		}
	}
}

func TestFragmentBomb(t *testing.T) {
	r := Reassembler{MaxBytes: 10000, MaxWaiting: 8}
	for id := range uint32(100000) {
		r.Add(0, testPiece(id, int(id%8)*8, 8, true))
		if r.bytes > r.MaxBytes || len(r.waiting) > r.MaxWaiting || len(r.oldest) > r.MaxWaiting {
			t.Fatalf("%d bytes of %d datagrams wait", r.bytes, len(r.waiting))
		}
	}
	for offset := range 200 { // one datagram of many pieces
		r.Add(0, testPiece(1<<20, offset*8, 8, true))
	}
	if r.bytes > r.MaxBytes {
		t.Errorf("%d bytes wait", r.bytes)
	}
	if _, ok := r.Add(0, testPiece(1<<21, 0, 8, true)); ok {
		t.Error("half a datagram is whole")
	}
	if _, ok := r.Add(0, testPiece(1<<21, 8, 8, false)); !ok {
		t.Error("no room for others any more")
	}
}

func TestLateFragments(t *testing.T) {
	var r Reassembler
	r.Add(1*time.Second, testPiece(1, 0, 8, true))
	r.Add(2*time.Second, testPiece(2, 8, 8, false))
	if at, ok := r.Deadline(); !ok || at != 31*time.Second {
		t.Errorf("deadline %v %v", at, ok)
	}
	var late int
	count := func(head, data []byte) {
		if late++; len(head) != 20 || len(data) != 8 {
			t.Errorf("%d bytes of head, %d of data", len(head), len(data))
		}
	}
	if r.Expire(30*time.Second, count); late != 0 {
		t.Error("too early")
	}
	r.Expire(time.Minute, count)
	// RFC 792: of the one whose first fragment is not there nobody is told.
	if _, waits := r.Deadline(); late != 1 || waits || r.Stats().TimedOut != 2 || r.bytes != 0 {
		t.Errorf("%d were shown, %+v", late, r.Stats())
	}
}

func FuzzReassembler(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 8, 0, 2, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Reassembler{MaxBytes: 4000, MaxWaiting: 4}
		var now time.Duration
		for ; len(b) >= 4; b = b[4:] {
			now += time.Duration(b[3]>>4) * time.Second
			size := int(b[2])
			p := testPiece(uint32(b[3]&3), int(binary.BigEndian.Uint16(b))&^7, size, b[3]&4 != 0)
			if b[3]&8 != 0 {
				p.Data = p.Data[:size/2]
			}
			whole, ok := r.Add(now, p)
			if ok && (len(whole.Packet) < 20 || !CheckIPv4(whole.Packet)) {
				t.Fatalf("%x", whole.Packet)
			}
			r.Expire(now, func(head, data []byte) {
				if len(head) < 20 || len(data) == 0 {
					t.Fatal("an empty first fragment")
				}
			})
			if r.bytes < 0 || r.bytes > r.MaxBytes || len(r.waiting) > r.MaxWaiting {
				t.Fatalf("%d bytes of %d datagrams", r.bytes, len(r.waiting))
			}
		}
		if r.Expire(now+time.Hour, nil); r.bytes != 0 || len(r.waiting) != 0 {
			t.Fatalf("%d bytes of %d datagrams are left", r.bytes, len(r.waiting))
		}
	})
}

func FuzzFragments(f *testing.F) {
	h := IPv4{Protocol: UDP, Options: []byte{148, 4, 0, 0}}
	packet := append(h.Append(nil), make([]byte, 100)...)
	FillIPv4(packet)
	f.Add(packet, uint16(68))
	f.Fuzz(func(t *testing.T, packet []byte, mtu uint16) {
		sum, count := 0, 0
		for header, data := range FragmentsIPv4(packet, int(mtu)) {
			if sum, count = sum+len(data), count+1; count > 1 && len(header)+len(data) > int(mtu) || !CheckIPv4(header) {
				t.Fatalf("%d and %d bytes for %d", len(header), len(data), mtu)
			}
		}
		if _, data, err := ParseIPv4(packet); err == nil && count > 0 && sum > len(data) {
			t.Fatalf("%d bytes of %d", sum, len(data))
		}
	})
}
