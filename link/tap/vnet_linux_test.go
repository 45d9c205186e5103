package tap

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"dialtone/link"
)

func newFrame(b []byte) *link.Frame {
	f := link.NewFrame(len(b))
	copy(f.Data, b)
	return f
}

// ethernet is the start of an IPv4 or IPv6 frame.
func ethernet(t link.EtherType) []byte {
	h := link.Ethernet{Type: t}
	return h.Append(nil)
}

func TestOffloadSurvivesTheHeader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]link.EtherType{link.TypeIPv4, link.TypeIPv6}).Draw(t, "type")
		data := append(ethernet(kind), bytes.Repeat([]byte{0x50}, 200)...) // a TCP header of 20 bytes wherever it begins
		want := link.Offload{}
		if rapid.Bool().Draw(t, "partial") {
			want = link.Offload{Checksum: link.ChecksumPartial, SumStart: rapid.Uint16Range(14, 100).Draw(t, "start"), SumOffset: tcpSum}
			if rapid.Bool().Draw(t, "super") {
				want.SegmentSize, want.HeaderLen = rapid.Uint16Range(1, 1460).Draw(t, "size"), want.SumStart+20
			}
		}
		f := newFrame(data)
		defer f.Free()
		f.Offload = want
		pushHeader(f)
		if !popHeader(f) || f.Offload != want || !bytes.Equal(f.Data, data) {
			t.Fatalf("%+v became %+v", want, f.Offload)
		}
	})
}

func TestKindOfSegmentation(t *testing.T) {
	for _, c := range []struct {
		kind      link.EtherType
		size, sum uint16
		want      byte
	}{
		{link.TypeIPv4, 0, tcpSum, gsoNone},
		{link.TypeIPv4, 1000, tcpSum, gsoTCPv4},
		{link.TypeIPv6, 1000, tcpSum, gsoTCPv6},
		{link.TypeIPv6, 1000, udpSum, gsoUDP},
	} {
		f := newFrame(append(ethernet(c.kind), make([]byte, 60)...))
		f.Offload = link.Offload{SegmentSize: c.size, Checksum: link.ChecksumPartial, SumOffset: c.sum}
		pushHeader(f)
		if f.Data[1] != c.want {
			t.Errorf("%+v: type %d", c, f.Data[1])
		}
		f.Free()
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(make([]byte, 24))
	f.Add(append([]byte{1, 1, 54, 0, 0xb4, 5, 34, 0, 16, 0}, make([]byte, 60)...))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte("2\x00" + "0000000000000000000000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame := newFrame(b)
		defer frame.Free()
		if !popHeader(frame) {
			return
		}
		o := frame.Offload
		if len(frame.Data) != len(b)-vnetLen {
			t.Fatalf("%d bytes of %d", len(frame.Data), len(b))
		}
		if o.Checksum == link.ChecksumPartial && int(o.SumStart)+int(o.SumOffset)+2 > len(frame.Data) || int(o.HeaderLen) > len(frame.Data) {
			t.Fatalf("%+v is about bytes behind the end of %d", o, len(frame.Data))
		}
		pushHeader(frame)
		if o.Checksum == link.ChecksumGood { // which is said by the kernel only
			o.Checksum = link.ChecksumUnknown
		}
		if !popHeader(frame) || frame.Offload != o {
			t.Fatalf("%+v became %+v", o, frame.Offload)
		}
		frame.Complete()
	})
}
