package link_test

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"dialtone/link"
)

const arpHead = "0001 0800 06 04 "

var whoHas = frame(arpHead + "0001 020000000001 0a000001 000000000000 0a000002 0000")

func TestARPInWords(t *testing.T) {
	for bytes, want := range map[string]string{
		"0001 020000000001 0a000001 000000000000 0a000002": "who has 10.0.0.2? tell 10.0.0.1",
		"0002 020000000002 0a000002 020000000001 0a000001": "10.0.0.2 is at 02:00:00:00:00:02",
		"0001 020000000001 00000000 000000000000 0a000002": "is anyone 10.0.0.2? asks 02:00:00:00:00:01",
		"0001 020000000001 0a000001 000000000000 0a000001": "10.0.0.1 is at 02:00:00:00:00:01, told to all",
		"0003 020000000001 00000000 020000000001 00000000": "who is 02:00:00:00:00:01? tell 02:00:00:00:00:01",
		"0004 020000000002 0a000002 020000000001 0a000001": "02:00:00:00:00:01 is 10.0.0.1",
		"0009 020000000002 0a000002 020000000001 0a000001": "operation 9 from 02:00:00:00:00:02",
	} {
		h, padding, err := link.ParseARP(frame(arpHead + bytes))
		if err != nil || len(padding) != 0 || h.String() != want {
			t.Errorf("%s: %q, %v; want %q", bytes, h.String(), err, want)
		}
	}
}

func TestARPErrorsSayWhere(t *testing.T) {
	const rest = "0001 020000000001 0a000001 000000000000 0a000002"
	for bytes, want := range map[string]string{
		"0001":                  "ARP header, byte 0: fewer than 28 bytes",
		"0006 0800 0604" + rest: "ARP header, byte 0: hardware type is not Ethernet",
		"0001 86dd 0604" + rest: "ARP header, byte 2: protocol type is not IPv4",
		"0001 0800 0804" + rest: "ARP header, byte 4: address lengths are not 6 and 4",
		"0001 0800 0603" + rest: "ARP header, byte 4: address lengths are not 6 and 4",
		"0001 0800 0610" + rest: "ARP header, byte 4: address lengths are not 6 and 4",
	} {
		if _, _, err := link.ParseARP(frame(bytes)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", bytes, err, want)
		}
	}
}

func TestARPAsGopacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := append(frame(arpHead), rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes")...)
		if rapid.Bool().Draw(t, "mutate") {
			b[rapid.IntRange(0, 5).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		sameARP(t, b)
	})
}

func sameARP(t interface {
	Helper()
	Fatalf(string, ...any)
}, b []byte,
) {
	t.Helper()
	h, padding, err := link.ParseARP(b)
	again(t, b, h.Append(nil), padding, err)
	if err != nil {
		return
	}
	var want layers.ARP
	wantErr := want.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	if wantErr != nil || h.Op != want.Operation || !bytes.Equal(h.SenderMAC[:], want.SourceHwAddress) || !bytes.Equal(h.SenderIP[:], want.SourceProtAddress) ||
		!bytes.Equal(h.TargetMAC[:], want.DstHwAddress) || !bytes.Equal(h.TargetIP[:], want.DstProtAddress) || !bytes.Equal(padding, want.Payload) {
		t.Fatalf("got %+v, gopacket has %+v, %v", h, want, wantErr)
	}
	if h.String() == "" {
		t.Fatalf("%+v says nothing", h)
	}
}

func FuzzARP(f *testing.F) {
	f.Add(whoHas)
	f.Add(whoHas[:27])
	f.Fuzz(func(t *testing.T, b []byte) { sameARP(t, b) })
}

func TestARPAllocatesNothing(t *testing.T) {
	b := make([]byte, 0, 64)
	noAllocations(t, "ARP", func() {
		h, _, _ := link.ParseARP(whoHas)
		b = h.Append(b[:0])
		_, _, _ = link.ParseARP(nil)
	})
}
