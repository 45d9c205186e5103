package transport_test

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"dialtone/internet"
	"dialtone/transport"
)

// TestPseudoSumIsThatOfItsBytes writes the pseudo-headers out as the RFCs draw them.
func TestPseudoSumIsThatOfItsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "src"))
		dst := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "dst"))
		proto := internet.Protocol(rapid.Byte().Draw(t, "protocol"))

		short := rapid.Uint16().Draw(t, "length over IPv4")
		b := append(append([]byte{}, src[:4]...), dst[:4]...)
		b = append(b, 0, byte(proto))
		b = binary.BigEndian.AppendUint16(b, short) // RFC 9293 §3.1
		if got, want := transport.PseudoSum4([4]byte(src[:4]), [4]byte(dst[:4]), proto, int(short)), internet.Sum(b, 0); internet.Fold(got) != internet.Fold(want) {
			t.Fatalf("over IPv4 %#x, the bytes make %#x", got, want)
		}

		long := rapid.Uint32().Draw(t, "length over IPv6")
		b = append(append([]byte{}, src[:]...), dst[:]...)
		b = binary.BigEndian.AppendUint32(b, long) // RFC 8200 §8.1
		b = append(b, 0, 0, 0, byte(proto))
		if got, want := transport.PseudoSum6(src, dst, proto, int(long)), internet.Sum(b, 0); internet.Fold(got) != internet.Fold(want) {
			t.Fatalf("over IPv6 %#x, the bytes make %#x", got, want)
		}
	})
}

func TestPseudoSumAllocatesNothing(t *testing.T) {
	var sum uint32
	if n := testing.AllocsPerRun(100, func() {
		sum += transport.PseudoSum4([4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, internet.TCP, 20)
		sum += transport.PseudoSum6([16]byte{1}, [16]byte{2}, internet.UDP, 8)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
