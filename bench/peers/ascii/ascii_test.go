package ascii

import (
	"bytes"
	"testing"
)

// TestUpperEveryByteEveryAlignment puts every byte value at every place of a
// word and of the tail, among neighbours that a carry would spoil.
func TestUpperEveryByteEveryAlignment(t *testing.T) {
	for _, around := range []byte{0, 'a', 'z', 0x7f, 0x80, 0xff} {
		for length := range 20 {
			for place := range length {
				for value := range 256 {
					in := bytes.Repeat([]byte{around}, length)
					in[place] = byte(value)
					want := simple(in)
					got := bytes.Clone(in)
					Upper(got)
					if !bytes.Equal(got, want) {
						t.Fatalf("Upper(%x) = %x, want %x", in, got, want)
					}
				}
			}
		}
	}
}

func simple(in []byte) []byte {
	out := bytes.Clone(in)
	for i, c := range in {
		if bytes.IndexByte([]byte("abcdefghijklmnopqrstuvwxyz"), c) >= 0 {
			out[i] = c - 32
		}
	}
	return out
}
