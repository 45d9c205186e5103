package tcp_test

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
	"dialtone/transport/tcp"
)

// synOptions are those of a SYN from Linux.
var synOptions = tcp.Options(nil).AppendMSS(1460).AppendSACKPermitted().AppendTimestamps(1000, 0).AppendNop(1).AppendWindowScale(7)

func syn() []byte {
	h := tcp.Header{SrcPort: 40000, DstPort: 8000, Seq: 0xfffffff0, Flags: tcp.SYN | tcp.ECE | tcp.CWR, Window: 64240, Options: synOptions}
	return h.Append(nil)
}

func TestHeader(t *testing.T) {
	want := tcp.Header{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Flags: tcp.ACK | tcp.PSH | 0xe00, Window: 5, Checksum: 6, Urgent: 7}
	b := append(want.Append(nil), "data"...)
	h, payload, err := tcp.Parse(b)
	if err != nil || string(payload) != "data" || h.Options != nil {
		t.Fatalf("got %+v, payload %q, %v", h, payload, err)
	}
	if h.SrcPort != 1 || h.DstPort != 2 || h.Seq != 3 || h.Ack != 4 || h.Flags != want.Flags || h.Window != 5 || h.Checksum != 6 || h.Urgent != 7 {
		t.Errorf("got %+v, want %+v", h, want)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	b := syn()
	short, beyond := bytes.Clone(b), b[:39]
	short[12] = 4 << 4
	for want, b := range map[string][]byte{
		"TCP header, byte 0: fewer than 20 bytes":             b[:19],
		"TCP header, byte 12: data offset below 5 words":      short,
		"TCP header, byte 12: data offset beyond the segment": beyond,
	} {
		_, payload, err := tcp.Parse(b)
		var h *link.HeaderError
		if !errors.As(err, &h) || err.Error() != want || payload != nil {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestAppendPadsOptions(t *testing.T) {
	for n := range 50 {
		h := tcp.Header{Options: bytes.Repeat([]byte{byte(tcp.KindNop)}, n)}
		got, payload, err := tcp.Parse(h.Append(nil))
		if err != nil || len(payload) != 0 || len(got.Options) != min((n+3)/4*4, 40) {
			t.Fatalf("%d bytes of options become %d, %v", n, len(got.Options), err)
		}
		kept := min(n, 40)
		if !bytes.Equal(got.Options[:kept], h.Options[:kept]) || bytes.Count(got.Options[kept:], []byte{0}) != len(got.Options)-kept {
			t.Fatalf("%d bytes of options become %x", n, got.Options)
		}
	}
}

// TestFilledAsGopacket lets gopacket make the same segments, over IPv4 and IPv6, and
// breaks one bit of each.
func TestFilledAsGopacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "data")
		src, dst := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "src"), rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "dst")
		h := tcp.Header{SrcPort: rapid.Uint16().Draw(t, "source"), DstPort: rapid.Uint16().Draw(t, "destination"), Seq: tcp.Seq(rapid.Uint32().Draw(t, "seq")), Flags: tcp.ACK, Window: 99}
		b := append(h.Append(nil), data...)

		peer := &layers.TCP{SrcPort: layers.TCPPort(h.SrcPort), DstPort: layers.TCPPort(h.DstPort), Seq: uint32(h.Seq), ACK: true, Window: 99}
		pseudo := transport.PseudoSum6([16]byte(src), [16]byte(dst), internet.TCP, len(b))
		var network gopacket.NetworkLayer = &layers.IPv6{SrcIP: src, DstIP: dst}
		if rapid.Bool().Draw(t, "IPv4") {
			pseudo = transport.PseudoSum4([4]byte(src), [4]byte(dst), internet.TCP, len(b))
			network = &layers.IPv4{SrcIP: src[:4], DstIP: dst[:4]}
		}
		_ = peer.SetNetworkLayerForChecksum(network)
		want := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(want, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, peer, gopacket.Payload(data)); err != nil {
			t.Fatal(err)
		}

		tcp.Fill(pseudo, b)
		if !bytes.Equal(b, want.Bytes()) {
			t.Fatalf("filled %x, gopacket makes %x", b, want.Bytes())
		}
		if !tcp.Check(pseudo, b) {
			t.Fatalf("%x: its own checksum is called wrong", b)
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "broken byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "broken bit")
		if tcp.Check(pseudo, b) {
			t.Fatalf("%x: a broken bit is not seen", b)
		}
	})
}

func TestTooShortForAChecksum(t *testing.T) {
	b := make([]byte, 19)
	tcp.Fill(1, b) // leaves it alone
	if tcp.Check(0xffff, b) {
		t.Error("19 bytes are called right")
	}
}

// TestReadAsGopacket reads random and mutated segments twice.
func TestReadAsGopacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 20, 80).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "mutated SYN") {
			b = append(syn(), 'x')
			for range rapid.IntRange(0, 3).Draw(t, "mutations") {
				b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
			}
		}
		sameSegment(t, b)
	})
}

func sameSegment(t interface {
	Helper()
	Fatalf(string, ...any)
}, b []byte,
) {
	t.Helper()
	h, payload, err := tcp.Parse(b)
	if err != nil {
		var he *link.HeaderError
		if !errors.As(err, &he) || payload != nil {
			t.Fatalf("%v with payload %x, want a HeaderError and none", err, payload)
		}
		return
	}
	if again := append(h.Append(nil), payload...); !bytes.Equal(again, b) {
		t.Fatalf("read and appended:\n%x, want\n%x", again, b)
	}
	walk(t, h.Options)
	if bytes.IndexByte(h.Options, byte(tcp.KindMPTCP)) >= 0 {
		return // gopacket reads beyond a broken MPTCP option
	}
	var want layers.TCP
	wantErr := want.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	flags := tcp.Flags(0)
	for i, set := range []bool{want.FIN, want.SYN, want.RST, want.PSH, want.ACK, want.URG, want.ECE, want.CWR, want.NS} {
		if set {
			flags |= 1 << i
		}
	}
	if h.SrcPort != uint16(want.SrcPort) || h.DstPort != uint16(want.DstPort) || uint32(h.Seq) != want.Seq || uint32(h.Ack) != want.Ack || h.Flags&0x1ff != flags ||
		h.Window != want.Window || h.Checksum != want.Checksum || h.Urgent != want.Urgent || !bytes.Equal(payload, want.Payload) {
		t.Fatalf("got %+v and %x, gopacket has %+v", h, payload, want)
	}
	if wantErr != nil {
		return // an option it does not like
	}
	sameOptions(t, h.Options, want.Options)
}

func sameOptions(t interface {
	Helper()
	Fatalf(string, ...any)
}, o tcp.Options, want []layers.TCPOption,
) {
	t.Helper()
	for _, w := range want {
		opt, rest, err := o.Next()
		if w.OptionType == layers.TCPOptionKindEndList {
			if err != tcp.ErrEnd {
				t.Fatalf("%v, gopacket has the end of the options", err)
			}
			return
		}
		if err != nil || opt.Kind != tcp.OptionKind(w.OptionType) || !bytes.Equal(opt.Data, w.OptionData) {
			t.Fatalf("got %v with %x, %v; gopacket has %+v", opt.Kind, opt.Data, err, w)
		}
		o = rest
	}
	if _, _, err := o.Next(); err != tcp.ErrEnd {
		t.Fatalf("%x is left, %v; gopacket has nothing", o, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(syn())
	f.Add(syn()[:39])
	f.Add((&tcp.Header{Flags: 0xfff, Options: tcp.Options{1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2}}).Append(nil))
	f.Add((&tcp.Header{Options: tcp.Options{30, 3, 0x20, 34, 6, 1, 2, 3, 4, 99}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) { sameSegment(t, b) })
}

func TestAllocatesNothing(t *testing.T) {
	b := append(syn(), "data"...)
	out := make([]byte, 0, 128)
	bad := bytes.Clone(b)
	bad[21] = 99 // a broken option
	if n := testing.AllocsPerRun(100, func() {
		h, payload, _ := tcp.Parse(b)
		out = append(h.Append(out[:0]), payload...)
		tcp.Fill(1, out)
		_ = tcp.Check(1, out)
		_, _ = h.Options.MSS()
		_, _, _ = h.Options.Timestamps()
		_, _ = h.Options.SACK()
		_ = h.Options.Check()
		_, _, _ = tcp.Parse(nil)
		h, _, _ = tcp.Parse(bad)
		_, _, _ = h.Options.Next()
		_ = h.Options.Check()
		out = tcp.Options(out[:0]).AppendMSS(1).AppendSACKPermitted().AppendTimestamps(1, 2).AppendWindowScale(3).AppendSACK([2]tcp.Seq{1, 2}).AppendFastOpen(nil).AppendNop(2).Pad()
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
