package link_test

import (
	"testing"

	"pgregory.net/rapid"

	"dialtone/link"
)

func TestMACIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := link.MAC(rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "address"))
		if got, err := link.ParseMAC(m.String()); got != m || err != nil {
			t.Fatalf("%v is read as %v, %v", m, got, err)
		}
	})
}

func TestMACNotations(t *testing.T) {
	for _, s := range []string{"02:00:5e:10:00:01", "02-00-5E-10-00-01", "0200.5e10.0001"} {
		if m, err := link.ParseMAC(s); err != nil || m.String() != "02:00:5e:10:00:01" {
			t.Errorf("%s is %v, %v", s, m, err)
		}
	}
	for _, s := range []string{"", "02:00:5e:10:00", "02:00:5e:10:00:0g", "02:00:5e:10:00:01:02:03"} {
		if m, err := link.ParseMAC(s); err == nil {
			t.Errorf("%q is taken for %v", s, m)
		}
	}
}

func TestBitsOfMACs(t *testing.T) {
	for s, want := range map[string][3]bool{
		"ff:ff:ff:ff:ff:ff": {true, true, true},
		"01:00:5e:00:00:01": {false, true, false},
		"02:00:00:00:00:01": {false, false, true},
		"00:1b:21:00:00:01": {false, false, false},
	} {
		m, _ := link.ParseMAC(s)
		if got := [3]bool{m.IsBroadcast(), m.IsMulticast(), m.IsLocal()}; got != want {
			t.Errorf("%s: broadcast, multicast, local are %v, want %v", s, got, want)
		}
	}
}

func FuzzParseMAC(f *testing.F) {
	f.Add("02:00:5e:10:00:01")
	f.Add("0200.5e10.0001")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := link.ParseMAC(s)
		if err != nil {
			return
		}
		if got, err := link.ParseMAC(m.String()); got != m || err != nil {
			t.Fatalf("%q is %v, which is read as %v, %v", s, m, got, err)
		}
	})
}
