package internet_test

import (
	"bytes"
	"errors"
	"testing"

	"dialtone/internet"
	"dialtone/link"
)

// taken checks what every Parse promises: an error is a *link.HeaderError with all
// that it should say; else the header's bytes come back from Append, and the
// payload follows them.
func taken(t *testing.T, b, again, payload []byte, err error) {
	t.Helper()
	if err != nil {
		broken(t, err)
		return
	}
	if len(again) > len(b) || !bytes.Equal(again, b[:len(again)]) {
		t.Fatalf("% x\ncomes back as\n% x", b, again)
	}
	if behind := b[len(again):]; len(payload) > len(behind) || !bytes.Equal(payload, behind[:len(payload)]) {
		t.Fatalf("% x\nhas the payload\n% x", b, payload)
	}
}

func broken(t *testing.T, err error) {
	t.Helper()
	var h *link.HeaderError
	if !errors.As(err, &h) || h.Layer == "" || h.Rule == "" {
		t.Fatalf("error is %#v, want a whole *link.HeaderError", err)
	}
}

func FuzzIPv4(f *testing.F) {
	f.Add([]byte("\x45\x00\x00\x1c\x12\x34\x40\x00\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02payload."))
	f.Add([]byte("\x47\xff\xff\xff\x12\x34\xe0\x01\x40\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x07\x07\x04\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x4f\x00\x00\x3b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, payload, err := internet.ParseIPv4(b)
		taken(t, b, h.Append(nil), payload, err)
		if err != nil {
			return
		}
		for list := internet.IPv4Options(h.Options); ; {
			option, rest, err := list.Next()
			if errors.Is(err, internet.ErrEnd) {
				break
			}
			taken(t, list, option.Append(nil), rest, err)
			if err != nil {
				break
			}
			option.Route()
			option.Times()
			option.RouterAlert()
			list = rest
		}
		filled := bytes.Clone(b)
		internet.FillIPv4(filled)
		if !internet.CheckIPv4(filled) {
			t.Fatalf("% x\nhas no right checksum after FillIPv4", filled)
		}
	})
}

func FuzzIPv6(f *testing.F) {
	f.Add(append([]byte("\x6a\xbc\xde\xf0\x00\x08\x00\x40"), make([]byte, 40)...))
	f.Add(append([]byte("\x60\x00\x00\x00\x00\x00\x3b\x40"), make([]byte, 36)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, payload, err := internet.ParseIPv6(b)
		taken(t, b, h.Append(nil), payload, err)
	})
}

func FuzzExtension(f *testing.F) {
	f.Add(uint8(internet.HopByHop), []byte("\x3a\x00\x05\x02\x00\x00\x01\x00rest"))
	f.Add(uint8(internet.Destination), []byte("\x06\x00\x01\x04\x00\x00\x00\x00"))
	f.Add(uint8(internet.Routing), append([]byte("\x06\x02\x04\x00\x00\x00\x00\x00"), make([]byte, 16)...))
	f.Add(uint8(internet.AH), []byte("\x06\x04\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01ICVICVICVICV"))
	f.Add(uint8(internet.IPv6Frag), []byte("\x11\x00\x05\xa9\x00\x00\x00\x07"))
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		fragment, payload, err := internet.ParseFragment(b)
		taken(t, b, fragment.Append(nil), payload, err)

		e, payload, err := internet.ParseExtension(internet.Protocol(kind), b)
		taken(t, b, e.Append(nil), payload, err)
		if err != nil {
			return
		}
		if route, ok := e.Route(); ok && len(route.Addresses())%16 != 0 {
			t.Fatalf("addresses of %d bytes", len(route.Addresses()))
		}
		if _, ok := e.Auth(); ok != (e.Kind == internet.AH) {
			t.Fatalf("Auth of %v: %v", e.Kind, ok)
		}
		for list := e.Options(); ; {
			option, rest, err := list.Next()
			if errors.Is(err, internet.ErrEnd) {
				return
			}
			taken(t, list, option.Append(nil), rest, err)
			if err != nil {
				return
			}
			option.RouterAlert()
			option.Jumbo()
			list = rest
		}
	})
}

func FuzzICMP(f *testing.F) {
	f.Add([]byte("\x03\x03\x00\x00\x00\x05\x00\x00quoted packet, twenty bytes"))
	f.Add([]byte("\x08\x00\x00\x00\x12\x34\x00\x01ping"))
	f.Add([]byte("\x0d\x00\x00\x00\x12\x34\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, payload, err := internet.ParseICMP(b)
		taken(t, b, h.Append(nil), payload, err)
		if err != nil {
			return
		}
		for _, p := range []internet.Protocol{internet.ICMP, internet.ICMPv6} {
			packet, rest := h.Quoted(p, payload)
			if joined := append(append([]byte(nil), packet...), rest...); !bytes.Equal(joined, payload) {
				t.Fatalf("%v: % x splits into % x and % x", p, payload, packet, rest)
			}
			h.MTU(p)
			h.Pointer(p)
			if h.Name(p) == "" {
				t.Fatalf("%v %d %d has no name", p, h.Type, h.Code)
			}
		}
		times, rest, err := internet.ParseTimes(payload)
		taken(t, payload, times.Append(nil), rest, err)
		filled := bytes.Clone(b)
		internet.FillICMPv4(filled)
		if !internet.CheckICMPv4(filled) {
			t.Fatal("no right checksum after FillICMPv4")
		}
		internet.FillICMPv6(0x1234, filled)
		if !internet.CheckICMPv6(0x1234, filled) {
			t.Fatal("no right checksum after FillICMPv6")
		}
	})
}

func FuzzNDP(f *testing.F) {
	address := make([]byte, 16)
	f.Add(append([]byte("\x87\x00\x00\x00\x00\x00\x00\x00"), append(address, "\x01\x01\x02\x00\x00\x00\x00\x01"...)...))
	f.Add([]byte("\x86\x00\x00\x00\x40\xc0\x07\x08\x00\x00\x00\x00\x00\x00\x00\x00\x05\x01\x00\x00\x00\x00\x05\xdc"))
	f.Add([]byte("\x85\x00\x00\x00\x00\x00\x00\x00\x19\x03\x00\x00\x00\x00\x00\x3cabcdefghijklmnop"))
	f.Add(append([]byte("\x89\x00\x00\x00\x00\x00\x00\x00"), append(make([]byte, 32), "\x04\x01\x00\x00\x00\x00\x00\x00"...)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, list, err := internet.ParseNDP(b)
		taken(t, b, m.Append(nil), list, err)
		for err == nil {
			var option internet.NDPOption
			var rest internet.NDPOptions
			option, rest, err = list.Next()
			if errors.Is(err, internet.ErrEnd) {
				return
			}
			taken(t, list, option.Append(nil), rest, err)
			option.LinkAddress()
			option.Prefix()
			option.MTU()
			option.Redirected()
			option.DNS()
			list = rest
		}
	})
}

func FuzzGroups(f *testing.F) {
	f.Add([]byte("\x11\x64\x00\x00\x00\x00\x00\x00\x02\x7d\x00\x01\x0a\x00\x00\x01"))
	f.Add([]byte("\x22\x00\x00\x00\x00\x00\x00\x01\x04\x00\x00\x00\xe0\x00\x00\xfb"))
	f.Add([]byte("\x8f\x00\x00\x00\x00\x00\x00\x01\x04\x01\x00\x01abcdefghijklmnopabcdefghijklmnopaux."))
	f.Add([]byte("\x82\x00\x00\x00\x27\x10\x00\x00abcdefghijklmnop\x02\x7d\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, payload, err := internet.ParseIGMP(b)
		taken(t, b, h.Append(nil), payload, err)
		if err == nil {
			h.MaxResponse(h.Version(payload))
			groups(t, internet.IGMP, payload)
		}
		m, payload, err := internet.ParseMLD(b)
		taken(t, b, m.Append(nil), payload, err)
		if err == nil {
			m.MaxResponse(m.Version(payload))
			groups(t, internet.ICMPv6, payload)
		}
	})
}

// groups takes b as what is behind a query, and as records.
func groups(t *testing.T, p internet.Protocol, b []byte) {
	q, payload, err := internet.ParseGroupQuery(p, b)
	taken(t, b, q.Append(nil), payload, err)
	for len(b) > 0 {
		r, rest, err := internet.ParseGroupRecord(p, b)
		taken(t, b, r.Append(nil), rest, err)
		if err != nil {
			return
		}
		b = rest
	}
}
