package internet_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"dialtone/internet"
)

// plainSum is RFC 1071 §4.1 word for word: two bytes at a time.
func plainSum(b []byte, initial uint32) uint16 {
	sum := uint64(initial)
	for ; len(b) > 1; b = b[2:] {
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) > 0 {
		sum += uint64(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func TestSumOfTheRFCsExample(t *testing.T) {
	b := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7} // RFC 1071 §3
	if got := ^internet.Fold(internet.Sum(b, 0)); got != 0xddf2 {
		t.Errorf("sum %#04x, want 0xddf2", got)
	}
}

func TestSumEqualsTheTwoByteLoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.Just(byte(0xff)), rapid.Just(byte(0))), 0, 200).Draw(t, "b")
		initial := rapid.Uint32().Draw(t, "initial")
		if got, want := internet.Fold(internet.Sum(b, initial)), plainSum(b, initial); got != want {
			t.Fatalf("checksum %#04x, want %#04x", got, want)
		}
	})
}

func TestSumOfEveryLengthOfTheWorstBytes(t *testing.T) {
	b := make([]byte, 200)
	for i := range b {
		b[i] = 0xff // every addition carries
	}
	for n := range b {
		for _, initial := range []uint32{0, 1, 0xffff, 0xffffffff} {
			if got, want := internet.Fold(internet.Sum(b[:n], initial)), plainSum(b[:n], initial); got != want {
				t.Fatalf("%d bytes from %#x: checksum %#04x, want %#04x", n, initial, got, want)
			}
		}
	}
}

func TestSumGoesOnOverPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 2, 200).Draw(t, "b")
		cut := rapid.IntRange(0, len(b)/2).Draw(t, "words") * 2
		whole := internet.Fold(internet.Sum(b, 0))
		if got := internet.Fold(internet.Sum(b[cut:], internet.Sum(b[:cut], 0))); got != whole {
			t.Fatalf("cut at %d: %#04x, want %#04x", cut, got, whole)
		}
	})
}

func TestUpdateEqualsComputingAgain(t *testing.T) {
	if got := internet.Update(0xdd2f, 0x5555, 0x3285); got != 0 { // RFC 1624 §4
		t.Errorf("the RFC's example gives %#04x, want 0", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 4, 60).Draw(t, "b")
		b[0] |= 1 // all zeros have no checksum to start from
		at := rapid.IntRange(1, (len(b)-2)/2).Draw(t, "at") * 2
		after := rapid.Uint16().Draw(t, "after")
		before := binary.BigEndian.Uint16(b[at:])
		checksum := internet.Fold(internet.Sum(b, 0))
		binary.BigEndian.PutUint16(b[at:], after)
		if got, want := internet.Update(checksum, before, after), internet.Fold(internet.Sum(b, 0)); got != want {
			t.Fatalf("updated to %#04x, want %#04x", got, want)
		}
	})
}

func BenchmarkSum(b *testing.B) {
	for _, n := range []int{20, 60, 1460, 65535} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * 7)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				internet.Sum(data, 0)
			}
		})
	}
}
