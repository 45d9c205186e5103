package link_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"dialtone/link"
)

func TestFrameGrowsInFrontAndShrinksAtBothEnds(t *testing.T) {
	f := link.NewFrame(5)
	defer f.Free()
	copy(f.Data, "hello")
	copy(f.Prepend(4), "TCP ")
	copy(f.Prepend(3), "IP ")
	if string(f.Data) != "IP TCP hello" || f.Room() != link.Room-7 {
		t.Fatalf("%q with room for %d", f.Data, f.Room())
	}
	f.TrimFront(3)
	f.Data = f.Data[:len(f.Data)-2]
	copy(f.Prepend(5), "IPv6 ")
	if string(f.Data) != "IPv6 TCP hel" || f.Room() != link.Room-9 {
		t.Fatalf("%q with room for %d", f.Data, f.Room())
	}
}

func TestFrameOfAnySize(t *testing.T) {
	for _, size := range []int{0, 1, 96, 97, 1500, 1632, 1633, 9000, 9312, 9313, 65535, 73568, 73569, 1 << 20} {
		f := link.NewFrame(size)
		if len(f.Data) != size || f.Room() != link.Room {
			t.Errorf("asked for %d bytes: %d with room for %d", size, len(f.Data), f.Room())
		}
		f.Prepend(link.Room)
		f.Free()
	}
}

func TestFrameWithoutRoomPanics(t *testing.T) {
	f := link.NewFrame(10)
	defer f.Free()
	f.Prepend(link.Room)
	mustPanic(t, func() { f.Prepend(1) })
}

func TestFrameFreedTwicePanics(t *testing.T) {
	f := link.NewFrame(1 << 20) // one that nobody else can get meanwhile
	f.Free()
	mustPanic(t, f.Free)
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("want a panic")
		}
	}()
	f()
}

func TestFrameCloneIsItsOwn(t *testing.T) {
	f := link.NewFrame(3)
	copy(f.Data, "abc")
	f.Offload.Checksum = link.ChecksumGood
	c := f.Clone()
	c.Data[0] = 'x'
	if string(f.Data) != "abc" || c.Offload != f.Offload || c.Room() != link.Room {
		t.Errorf("%q and %q, %+v", f.Data, c.Data, c.Offload)
	}
	f.Free()
	c.Free()
}

// TestFrameOffloadMovesWithHeaders prepends the headers of a segment whose checksum
// and cutting are left to the link.
func TestFrameOffloadMovesWithHeaders(t *testing.T) {
	f := link.NewFrame(3000)
	defer f.Free()
	f.Prepend(20)
	f.Offload = link.Offload{SegmentSize: 1460, HeaderLen: 20, Checksum: link.ChecksumPartial, SumOffset: 16}
	f.Prepend(20)
	f.Prepend(14)
	if f.Offload.SumStart != 34 || f.Offload.HeaderLen != 54 {
		t.Errorf("%+v, want the transport header at 34 and the payload at 54", f.Offload)
	}
	f.TrimFront(14)
	if f.Offload.SumStart != 20 || f.Offload.HeaderLen != 40 {
		t.Errorf("%+v, want 20 and 40 without the Ethernet header", f.Offload)
	}
}

func TestFrameCompleteFillsTheChecksumIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "data")
		f := link.NewFrame(len(data))
		defer f.Free()
		copy(f.Data, data)
		f.Offload = link.Offload{
			Checksum: link.ChecksumPartial,
			SumStart: rapid.Uint16Range(0, 90).Draw(t, "start") &^ 1, SumOffset: rapid.SampledFrom([]uint16{2, 6, 16, 65534}).Draw(t, "offset"),
		}
		start, field := int(f.Offload.SumStart), int(f.Offload.SumStart)+int(f.Offload.SumOffset)
		f.Complete()
		if f.Offload.Checksum != link.ChecksumUnknown {
			t.Fatalf("%+v is still not complete", f.Offload)
		}
		if field+2 > len(data) {
			if !bytes.Equal(f.Data, data) {
				t.Fatal("a lie changed the frame")
			}
			return
		}
		// The receiver's check adds up everything and what the field held before: 0 but for the complement.
		sum := uint32(binary.BigEndian.Uint16(f.Data[field:])) + uint32(slowSum(data[start:]))
		if sum = sum>>16 + sum&0xffff; sum != 0xffff {
			t.Fatalf("the sum with its complement is %#x, want 0xffff", sum)
		}
		if f.Offload.SumOffset == 6 && f.Data[field] == 0 && f.Data[field+1] == 0 {
			t.Fatal("UDP's checksum became 0, which says that there is none")
		}
	})
}

func slowSum(b []byte) uint16 {
	var sum uint32
	for i, c := range b {
		sum += uint32(c) << (8 * (1 - i%2))
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

func TestFrameAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool forgets at random under the race detector")
	}
	noAllocations(t, "frame", func() {
		for _, size := range []int{20, 1480, 8960, 65000} {
			f := link.NewFrame(size)
			f.Prepend(34)
			f.Clone().Free()
			f.Free()
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	for b.Loop() {
		link.NewFrame(1480).Free()
	}
}
