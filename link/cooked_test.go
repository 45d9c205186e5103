package link_test

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"dialtone/link"
)

var (
	sll  = frame("0004 0001 0006 020000000001 0000 0800 4500")
	sll2 = frame("0800 0000 00000007 0001 03 06 020000000001 0000 4500")
)

func TestSLL(t *testing.T) {
	h, payload, err := link.ParseSLL(sll)
	if err != nil || h.PacketType != link.FromUs || h.Hardware != 1 || h.Type != link.TypeIPv4 || len(payload) != 2 {
		t.Fatalf("got %+v, payload %x, %v", h, payload, err)
	}
	if !bytes.Equal(h.Sender(), []byte{2, 0, 0, 0, 0, 1}) {
		t.Errorf("sender %x", h.Sender())
	}
	h.AddrLen = 0xffff
	if len(h.Sender()) != 8 {
		t.Errorf("a length that lies makes a sender of %d bytes, want 8", len(h.Sender()))
	}
	if _, _, err := link.ParseSLL(sll[:15]); err == nil {
		t.Error("15 bytes are taken for a header")
	}
}

func TestSLL2(t *testing.T) {
	h, payload, err := link.ParseSLL2(sll2)
	if err != nil || h.PacketType != link.ToOther || h.Interface != 7 || h.Type != link.TypeIPv4 || len(payload) != 2 {
		t.Fatalf("got %+v, payload %x, %v", h, payload, err)
	}
	if !bytes.Equal(h.Sender(), []byte{2, 0, 0, 0, 0, 1}) {
		t.Errorf("sender %x", h.Sender())
	}
	if _, _, err := link.ParseSLL2(sll2[:19]); err == nil {
		t.Error("19 bytes are taken for a header")
	}
}

func TestLoopbackInEitherOrder(t *testing.T) {
	for _, c := range []struct {
		bytes string
		want  link.Loopback
		typ   link.EtherType
	}{
		{"00000002", link.Loopback{Family: 2}, link.TypeIPv4},
		{"02000000", link.Loopback{Family: 2, LittleEndian: true}, link.TypeIPv4},
		{"1e000000", link.Loopback{Family: 30, LittleEndian: true}, link.TypeIPv6},
		{"00000018", link.Loopback{Family: 24}, link.TypeIPv6},
		{"00000007", link.Loopback{Family: 7}, 0},
	} {
		h, payload, err := link.ParseLoopback(frame(c.bytes))
		if h != c.want || h.Type() != c.typ || len(payload) != 0 || err != nil {
			t.Errorf("%s: %+v of type %v, %v; want %+v of type %v", c.bytes, h, h.Type(), err, c.want, c.typ)
		}
	}
	if _, _, err := link.ParseLoopback(make([]byte, 3)); err == nil {
		t.Error("3 bytes are taken for a header")
	}
}

func TestPacketTypesInWords(t *testing.T) {
	for packetType, want := range map[link.PacketType]string{0: "to us", 1: "broadcast", 2: "multicast", 3: "to another", 4: "from us", 5: "packet type 5"} {
		if got := packetType.String(); got != want {
			t.Errorf("packet type %d is %q, want %q", packetType, got, want)
		}
	}
}

func TestCookedAsGopacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { sameCooked(t, rapid.SliceOfN(rapid.Byte(), 0, 24).Draw(t, "bytes")) })
}

func sameCooked(t interface {
	Helper()
	Fatalf(string, ...any)
}, b []byte,
) {
	t.Helper()
	h, payload, err := link.ParseSLL(b)
	again(t, b, h.Append(nil), payload, err)
	if err == nil && h.AddrLen <= 8 { // with more gopacket reads on into the payload
		var want layers.LinuxSLL
		wantErr := want.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
		if wantErr != nil || layers.LinuxSLLPacketType(h.PacketType) != want.PacketType || h.Hardware != want.AddrType || layers.EthernetType(h.Type) != want.EthernetType || !bytes.Equal(h.Sender(), want.Addr) {
			t.Fatalf("got %+v, gopacket has %+v, %v", h, want, wantErr)
		}
	}

	h2, payload, err := link.ParseSLL2(b)
	again(t, b, h2.Append(nil), payload, err)
	if err == nil && h2.AddrLen <= 8 {
		var want layers.LinuxSLL2
		wantErr := want.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
		if wantErr != nil || layers.LinuxSLL2PacketType(h2.PacketType) != want.PacketType || h2.Interface != want.InterfaceIndex || layers.ARPHardwareType(h2.Hardware) != want.ARPHardwareType || layers.EthernetType(h2.Type) != want.ProtocolType || !bytes.Equal(h2.Sender(), want.Addr) {
			t.Fatalf("got %+v, gopacket has %+v, %v", h2, want, wantErr)
		}
	}

	l, payload, err := link.ParseLoopback(b)
	again(t, b, l.Append(nil), payload, err)
	var want layers.Loopback
	if wantErr := want.DecodeFromBytes(b, gopacket.NilDecodeFeedback); wantErr == nil && uint32(want.Family) != l.Family {
		t.Fatalf("family %d, gopacket has %d", l.Family, want.Family)
	}
}

func FuzzCooked(f *testing.F) {
	for _, seed := range [][]byte{sll, sll2, {2, 0, 0, 0}, nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) { sameCooked(t, b) })
}

func TestCookedAllocatesNothing(t *testing.T) {
	b := make([]byte, 0, 64)
	noAllocations(t, "cooked and loopback", func() {
		h, _, _ := link.ParseSLL(sll)
		h2, _, _ := link.ParseSLL2(sll2)
		l, _, _ := link.ParseLoopback(sll)
		b = l.Append(h2.Append(h.Append(b[:0])))
		_, _, _ = link.ParseSLL(nil)
	})
}
