package udp_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/transport"
	"dialtone/transport/udp"
)

func TestPayloadEndsWhereLengthSays(t *testing.T) {
	for _, c := range []struct {
		length  uint16
		behind  int // bytes behind the header
		payload int
	}{
		{8, 0, 0},
		{8, 4, 0},
		{10, 4, 2},
		{12, 4, 4},
		{1000, 4, 4},           // cut on its way here
		{0, 70_000, 70_000},    // a jumbogram
		{65535, 65527, 65527},  //
		{65535, 70_000, 65527}, //
	} {
		h := udp.Header{SrcPort: 1, DstPort: 2, Length: c.length, Checksum: 3}
		b := append(h.Append(nil), make([]byte, c.behind)...)
		got, payload, err := udp.Parse(b)
		if got != h || len(payload) != c.payload || err != nil {
			t.Errorf("length %d with %d bytes behind it: %+v, %d bytes, %v; want %d bytes", c.length, c.behind, got, len(payload), err, c.payload)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for want, b := range map[string][]byte{
		"UDP header, byte 0: fewer than 8 bytes":   make([]byte, 7),
		"UDP header, byte 4: length below 8 bytes": {0, 1, 0, 2, 0, 7, 0, 0},
	} {
		_, payload, err := udp.Parse(b)
		var h *link.HeaderError
		if !errors.As(err, &h) || err.Error() != want || payload != nil {
			t.Errorf("%x: %v, want %s", b, err, want)
		}
	}
}

func TestNoChecksumIsNotWrong(t *testing.T) {
	b := (&udp.Header{SrcPort: 1, DstPort: 2, Length: 8}).Append(nil)
	if !udp.Check(12345, b) {
		t.Error("a datagram without a checksum is called wrong")
	}
	if udp.Check(0, b[:7]) {
		t.Error("7 bytes are called right")
	}
	udp.Fill(0, b[:7]) // leaves them alone
}

// TestZeroIsSentAsOnes finds a datagram whose sum would be "no checksum".
func TestZeroIsSentAsOnes(t *testing.T) {
	b := (&udp.Header{}).Append(nil)
	udp.Fill(0, b) // the length alone: sum 8
	missing := ^uint32(8) & 0xffff
	udp.Fill(missing, b)
	if b[6] != 0xff || b[7] != 0xff {
		t.Errorf("checksum %x, want ffff", b[6:8])
	}
	if !udp.Check(missing, b) {
		t.Error("a checksum of all ones is called wrong")
	}
}

func TestJumbogramHasLengthZero(t *testing.T) {
	b := make([]byte, 70_000)
	b[4] = 1
	pseudo := transport.PseudoSum6([16]byte{1}, [16]byte{2}, internet.UDP, len(b))
	udp.Fill(pseudo, b)
	if b[4] != 0 || b[5] != 0 || !udp.Check(pseudo, b) {
		t.Errorf("length %x, checksum right: %v", b[4:6], udp.Check(pseudo, b))
	}
}

// TestFilledAsGopacket lets gopacket make the same datagrams, over IPv4 and IPv6, and
// breaks one bit of each.
func TestFilledAsGopacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "data")
		src, dst := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "src"), rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "dst")
		h := udp.Header{SrcPort: rapid.Uint16().Draw(t, "source"), DstPort: rapid.Uint16().Draw(t, "destination")}
		b := append(h.Append(nil), data...)

		peer := &layers.UDP{SrcPort: layers.UDPPort(h.SrcPort), DstPort: layers.UDPPort(h.DstPort)}
		pseudo := transport.PseudoSum6([16]byte(src), [16]byte(dst), internet.UDP, len(b))
		var network gopacket.NetworkLayer = &layers.IPv6{SrcIP: src, DstIP: dst}
		if rapid.Bool().Draw(t, "IPv4") {
			pseudo = transport.PseudoSum4([4]byte(src), [4]byte(dst), internet.UDP, len(b))
			network = &layers.IPv4{SrcIP: src[:4], DstIP: dst[:4]}
		}
		_ = peer.SetNetworkLayerForChecksum(network)
		want := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(want, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, peer, gopacket.Payload(data)); err != nil {
			t.Fatal(err)
		}

		udp.Fill(pseudo, b)
		if !bytes.Equal(b, want.Bytes()) {
			t.Fatalf("filled %x, gopacket makes %x", b, want.Bytes())
		}
		if !udp.Check(pseudo, b) {
			t.Fatalf("%x: its own checksum is called wrong", b)
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "broken byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "broken bit")
		if none := b[6] == 0 && b[7] == 0; udp.Check(pseudo, b) != none {
			t.Fatalf("%x: a broken bit is not seen", b)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 0, 10, 0, 0, 'h', 'i', 0})
	f.Add([]byte{0, 1, 0, 2, 0, 0, 0, 0, 'h', 'i'})
	f.Add([]byte{0, 1, 0, 2, 0, 7, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, payload, err := udp.Parse(b)
		var want layers.UDP
		wantErr := want.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, gopacket has %v", err, wantErr)
		}
		if err != nil {
			return
		}
		if again := append(h.Append(nil), payload...); !bytes.HasPrefix(b, again) {
			t.Fatalf("read and appended:\n%x, want the start of\n%x", again, b)
		}
		if h.SrcPort != uint16(want.SrcPort) || h.DstPort != uint16(want.DstPort) || h.Length != want.Length || h.Checksum != want.Checksum || !bytes.Equal(payload, want.Payload) {
			t.Fatalf("got %+v and %x, gopacket has %+v", h, payload, want)
		}
	})
}

func TestAllocatesNothing(t *testing.T) {
	b := []byte{0, 1, 0, 2, 0, 10, 0, 0, 'h', 'i'}
	out := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		h, payload, _ := udp.Parse(b)
		out = append(h.Append(out[:0]), payload...)
		udp.Fill(1, out)
		_ = udp.Check(1, out)
		_, _, _ = udp.Parse(nil)
		_, _, _ = udp.Parse([]byte{0, 1, 0, 2, 0, 7, 0, 0})
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
