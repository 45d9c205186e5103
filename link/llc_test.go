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
	snapIPv4    = frame("aaaa03 000000 0800 4500")
	bridge      = frame("424203 0000")
	information = frame("f0f1 0204 1234")
)

func TestLLC(t *testing.T) {
	h, payload, err := link.ParseLLC(snapIPv4)
	if err != nil || h.DSAP != link.SAPSNAP || h.SSAP != link.SAPSNAP || !h.Unnumbered() || h.Control != 3 {
		t.Fatalf("got %+v, %v", h, err)
	}
	snap, payload, err := link.ParseSNAP(payload)
	if err != nil || snap.OUI != [3]byte{} || snap.Type != link.TypeIPv4 || !bytes.Equal(payload, []byte{0x45, 0}) {
		t.Errorf("got %+v, payload %x, %v", snap, payload, err)
	}
	h, payload, err = link.ParseLLC(information)
	if err != nil || h.Unnumbered() || h.Control != 0x0402 || len(payload) != 2 {
		t.Errorf("got %+v, payload %x, %v", h, payload, err)
	}
	for _, short := range [][]byte{{0xaa, 0xaa}, {0xf0, 0xf0, 0}} {
		if _, _, err := link.ParseLLC(short); err == nil {
			t.Errorf("%x is taken for an LLC header", short)
		}
	}
	if _, _, err := link.ParseSNAP(make([]byte, 4)); err == nil {
		t.Error("4 bytes are taken for a SNAP header")
	}
}

func TestNamesOfAccessPoints(t *testing.T) {
	for sap, want := range map[link.SAP]string{0x42: "spanning tree", 0x43: "spanning tree", 0xaa: "SNAP", 0xff: "global", 0xfe: "ISO network layer", 0x7e: "0x7e"} {
		if got := sap.String(); got != want {
			t.Errorf("access point %#x is %q, want %q", uint8(sap), got, want)
		}
	}
}

func TestLLCAsGopacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { sameLLC(t, rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "bytes")) })
}

func sameLLC(t interface {
	Helper()
	Fatalf(string, ...any)
}, b []byte,
) {
	t.Helper()
	h, payload, err := link.ParseLLC(b)
	again(t, b, h.Append(nil), payload, err)
	var want layers.LLC
	wantErr := want.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("error %v, gopacket has %v", err, wantErr)
	}
	control := h.Control // gopacket has the first byte in the high half
	if !h.Unnumbered() {
		control = control<<8 | control>>8
	}
	if err == nil && (uint8(h.DSAP&^1) != want.DSAP || uint8(h.SSAP&^1) != want.SSAP || control != want.Control || !bytes.Equal(payload, want.Payload)) {
		t.Fatalf("got %+v and %x, gopacket has %+v", h, payload, want)
	}

	s, payload, err := link.ParseSNAP(b)
	again(t, b, s.Append(nil), payload, err)
	var wantSNAP layers.SNAP
	wantErr = wantSNAP.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("error %v, gopacket has %v", err, wantErr)
	}
	if err == nil && (!bytes.Equal(s.OUI[:], wantSNAP.OrganizationalCode) || layers.EthernetType(s.Type) != wantSNAP.Type) {
		t.Fatalf("got %+v, gopacket has %+v", s, wantSNAP)
	}
}

func FuzzLLC(f *testing.F) {
	for _, seed := range [][]byte{snapIPv4, bridge, information, nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) { sameLLC(t, b) })
}

func TestLLCAllocatesNothing(t *testing.T) {
	b := make([]byte, 0, 64)
	noAllocations(t, "LLC and SNAP", func() {
		h, rest, _ := link.ParseLLC(snapIPv4)
		s, _, _ := link.ParseSNAP(rest)
		b = s.Append(h.Append(b[:0]))
		_, _, _ = link.ParseLLC(nil)
	})
}
