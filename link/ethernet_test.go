package link_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"dialtone/link"
)

// frame makes bytes of hex with spaces.
func frame(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

var (
	ethernetII = frame("ffffffffffff 020000000001 0806 0001")
	tagged     = frame("020000000002 020000000001 88a8 2064 8100 b00a 0800 4500")
	ieee802    = frame("0180c2000000 020000000001 0003 424203 0000000000")
)

func TestEthernetII(t *testing.T) {
	h, payload, err := link.ParseEthernet(ethernetII)
	if err != nil {
		t.Fatal(err)
	}
	if h.Dst.String() != "ff:ff:ff:ff:ff:ff" || h.Src.String() != "02:00:00:00:00:01" || h.Type != link.TypeARP || h.Length != 0 || h.Tags != nil {
		t.Errorf("got %+v", h)
	}
	if !bytes.Equal(payload, []byte{0, 1}) {
		t.Errorf("payload %x, want 0001", payload)
	}
}

func TestTagsAreReadOutermostFirst(t *testing.T) {
	h, payload, err := link.ParseEthernet(tagged)
	if err != nil || h.Type != link.TypeIPv4 || !bytes.Equal(payload, []byte{0x45, 0}) {
		t.Fatalf("got %+v, payload %x, %v", h, payload, err)
	}
	outer, rest, err := link.ParseTag(h.Tags)
	if err != nil || outer.Type != link.TypeQinQ || outer.ID() != 100 || outer.Priority() != 1 || outer.DropEligible() {
		t.Errorf("outer tag %+v, %v", outer, err)
	}
	inner, rest, err := link.ParseTag(rest)
	if err != nil || inner.Type != link.TypeVLAN || inner.ID() != 10 || inner.Priority() != 5 || !inner.DropEligible() || len(rest) != 0 {
		t.Errorf("inner tag %+v, rest %x, %v", inner, rest, err)
	}
	if got := inner.Append(outer.Append(nil)); !bytes.Equal(got, h.Tags) {
		t.Errorf("tags appended are %x, want %x", got, h.Tags)
	}
}

func TestLengthOf8023CutsPadding(t *testing.T) {
	h, payload, err := link.ParseEthernet(ieee802)
	if err != nil || h.Type != 0 || h.Length != 3 || !bytes.Equal(payload, []byte{0x42, 0x42, 3}) {
		t.Errorf("got %+v, payload %x, %v", h, payload, err)
	}
	cut, payload, err := link.ParseEthernet(ieee802[:15])
	if err != nil || cut.Length != 3 || len(payload) != 1 {
		t.Errorf("of a cut frame got %+v, payload %x, %v; want what is there", cut, payload, err)
	}
}

// TestLengthOrType stands at the bounds of both (IEEE 802.3 §3.2.6).
func TestLengthOrType(t *testing.T) {
	for field, want := range map[uint16]link.Ethernet{0: {}, 1500: {Length: 1500}, 1536: {Type: 1536}, 0xffff: {Type: 0xffff}} {
		h, _, err := link.ParseEthernet(append(make([]byte, 12), byte(field>>8), byte(field)))
		if err != nil || h.Type != want.Type || h.Length != want.Length {
			t.Errorf("%d is length %d, type %v, %v; want %d, %v", field, h.Length, h.Type, err, want.Length, want.Type)
		}
	}
	for _, field := range []uint16{1501, 1535} {
		if _, _, err := link.ParseEthernet(append(make([]byte, 12), byte(field>>8), byte(field))); err == nil {
			t.Errorf("%d is taken for a length or a type", field)
		}
	}
}

func TestEthernetErrorsSayWhere(t *testing.T) {
	for _, c := range []struct {
		bytes, want string
	}{
		{"", "Ethernet header, byte 0: fewer than 14 bytes"},
		{"ffffffffffff 020000000001 08", "Ethernet header, byte 0: fewer than 14 bytes"},
		{"ffffffffffff 020000000001 8100 0001 08", "Ethernet header, byte 12: a tag without a type behind it"},
		{"ffffffffffff 020000000001 05dd", "Ethernet header, byte 12: neither a length up to 1500 nor a type from 1536"},
		{"ffffffffffff 020000000001 8100 0001 05ff", "Ethernet header, byte 16: behind tags neither a length up to 1500 nor a type from 1536"},
	} {
		_, payload, err := link.ParseEthernet(frame(c.bytes))
		var h *link.HeaderError
		if !errors.As(err, &h) || err.Error() != c.want || payload != nil {
			t.Errorf("%s: %v, want %s", c.bytes, err, c.want)
		}
	}
	if _, _, err := link.ParseTag(frame("0800 0001")); err == nil {
		t.Error("ParseTag took IPv4 for a tag")
	}
}

// TestEthernetAsGopacket reads arbitrary frames twice.
func TestEthernetAsGopacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "addresses")
		for range rapid.IntRange(0, 3).Draw(t, "tags") {
			tag := link.Tag{Type: rapid.SampledFrom([]link.EtherType{link.TypeVLAN, link.TypeQinQ, link.TypeQinQOld}).Draw(t, "type"), Control: rapid.Uint16().Draw(t, "control")}
			b = tag.Append(b)
		}
		b = append(b, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "rest")...)
		sameEthernet(t, b)
	})
}

// sameEthernet compares with gopacket's reading, which takes 1501 to 1535 for a length.
func sameEthernet(t interface {
	Helper()
	Fatalf(string, ...any)
}, b []byte,
) {
	t.Helper()
	h, payload, err := link.ParseEthernet(b)
	again(t, b, h.Append(nil), payload, err)
	if err != nil {
		return
	}
	var want layers.Ethernet
	if err := want.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
		t.Fatalf("gopacket: %v", err)
	}
	if !bytes.Equal(h.Dst[:], want.DstMAC) || !bytes.Equal(h.Src[:], want.SrcMAC) {
		t.Fatalf("addresses %v %v, gopacket has %v %v", h.Dst, h.Src, want.DstMAC, want.SrcMAC)
	}
	ethertype, wantPayload, tags := want.EthernetType, want.Payload, h.Tags
	for len(tags) > 0 {
		var q layers.Dot1Q
		if err := q.DecodeFromBytes(wantPayload, gopacket.NilDecodeFeedback); err != nil {
			t.Fatalf("gopacket: %v", err)
		}
		tag, inner, err := link.ParseTag(tags)
		if err != nil || layers.EthernetType(tag.Type) != ethertype || tag.ID() != q.VLANIdentifier || tag.Priority() != q.Priority || tag.DropEligible() != q.DropEligible {
			t.Fatalf("tag %+v, %v; gopacket has %+v", tag, err, q)
		}
		ethertype, wantPayload, tags = q.Type, q.Payload, inner
	}
	if h.Type == 0 {
		if h.Tags == nil && h.Length != want.Length {
			t.Fatalf("length %d, gopacket has %d", h.Length, want.Length)
		}
		wantPayload = wantPayload[:min(len(wantPayload), int(h.Length))]
	} else if layers.EthernetType(h.Type) != ethertype {
		t.Fatalf("type %v, gopacket has %v", h.Type, ethertype)
	}
	if !bytes.Equal(payload, wantPayload) {
		t.Fatalf("payload %x, gopacket has %x", payload, wantPayload)
	}
}

func FuzzEthernet(f *testing.F) {
	for _, seed := range [][]byte{ethernetII, tagged, ieee802, tagged[:17], nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) { sameEthernet(t, b) })
}

func TestEthernetAllocatesNothing(t *testing.T) {
	b := make([]byte, 0, 64)
	for _, seed := range [][]byte{ethernetII, tagged, ieee802, tagged[:17]} {
		noAllocations(t, "Ethernet", func() {
			h, _, err := link.ParseEthernet(seed)
			if err == nil {
				b = h.Append(b[:0])
			}
			for tags := h.Tags; len(tags) > 0; {
				var tag link.Tag
				tag, tags, _ = link.ParseTag(tags)
				b = tag.Append(b[:0])
			}
		})
	}
}

func TestNamesOfTypes(t *testing.T) {
	for ethertype, want := range map[link.EtherType]string{link.TypeIPv4: "IPv4", link.TypeRARP: "RARP", link.TypeQinQ: "802.1ad", 0x88cc: "LLDP", 0x1234: "0x1234", 0x0101: "0x0101"} {
		if got := ethertype.String(); got != want {
			t.Errorf("type %#x is %q, want %q", uint16(ethertype), got, want)
		}
	}
}
