package capture

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSectionsNumberTheirInterfacesAnew has two sections of different byte order, each
// with an interface 0.
func TestSectionsNumberTheirInterfacesAnew(t *testing.T) {
	var b []byte
	for i, o := range orders {
		b = append(b, sectionBlock(o, option(o, optionHardware, "a board"), option(o, optionOS, "an OS"),
			option(o, optionApplication, "app "+o.String()), option(o, optionComment, "one"), option(o, optionComment, "two"))...)
		b = append(b, interfaceBlock(o, LinkEthernet, 0, option(o, optionName, "eth0"), option(o, optionDescription, "copper"))...)
		b = append(b, interfaceBlock(o, LinkRaw, 96, option(o, optionName, "tun0"), option(o, optionEnd, ""), []byte("not an option"))...)
		b = append(b, packetBlock(o, 1, uint64(i), 4, "data")...)
	}
	f := opened(t, b)
	got, err := all(f)
	must(t, err)
	if diff := cmp.Diff([]Record{
		{Number: 1, Time: 0, Wire: 4, Data: []byte("data"), Link: LinkRaw, Interface: 1},
		{Number: 2, Time: 1000, Wire: 4, Data: []byte("data"), Link: LinkRaw, Interface: 3},
	}, got); diff != "" {
		t.Error(diff)
	}
	eth, tun := Interface{Name: "eth0", Description: "copper", Link: LinkEthernet}, Interface{Name: "tun0", Link: LinkRaw, SnapLen: 96}
	want := Info{
		Format: "pcapng", Hardware: "a board", OS: "an OS", Application: "app BigEndian", Comment: "one\ntwo",
		Interfaces: []Interface{eth, tun, eth, tun},
	}
	if diff := cmp.Diff(want, f.Info()); diff != "" {
		t.Error(diff)
	}
}

func TestTimesAreNanosecondsWhateverTheirUnit(t *testing.T) {
	const second = uint64(1_700_000_000)
	for _, test := range []struct {
		units   byte
		stamp   uint64
		want    int64
		offset  int64
		without bool
	}{
		{units: 6, stamp: second*1e6 + 5, want: 1_700_000_000_000_005_000},
		{without: true, stamp: second*1e6 + 5, want: 1_700_000_000_000_005_000},
		{units: 9, stamp: second*1e9 + 5, want: 1_700_000_000_000_000_005},
		{units: 0, stamp: second, want: 1_700_000_000_000_000_000},
		{units: 3, stamp: second*1e3 + 5, want: 1_700_000_000_005_000_000},
		{units: 10, stamp: second*1e10 + 59, want: 1_700_000_000_000_000_005},
		{units: 19, stamp: 15, want: 0},
		{units: 0x80, stamp: second, want: 1_700_000_000_000_000_000},
		{units: 0x80 | 10, stamp: second<<10 | 512, want: 1_700_000_000_500_000_000},
		{units: 0x80 | 32, stamp: second<<32 | 1<<30, want: 1_700_000_000_250_000_000},
		{units: 0x80 | 63, stamp: 3 << 62, want: 1_500_000_000},
		{units: 6, stamp: 5, offset: 1_700_000_000, want: 1_700_000_000_000_005_000},
		{units: 9, stamp: 5, offset: -1, want: -999_999_995},
	} {
		for _, o := range orders {
			var options [][]byte
			if !test.without {
				options = append(options, option(o, optionResolution, string([]byte{test.units})))
			}
			options = append(options, option(o, optionOffset, string(o.AppendUint64(nil, uint64(test.offset)))))
			f := opened(t, join(sectionBlock(o), interfaceBlock(o, LinkRaw, 0, options...), packetBlock(o, 0, test.stamp, 1, "x")))
			r, err := f.Next()
			if err != nil || r.Time != test.want {
				t.Errorf("%+v: %v, %v", test, r, err)
			}
		}
	}
}

func TestOptionsOfAFrame(t *testing.T) {
	for _, o := range orders {
		flags := func(v uint32) []byte { return option(o, optionFlags, string(words(o, v))) }
		drops := func(n uint64) []byte { return option(o, optionDropCount, string(o.AppendUint64(nil, n))) }
		f := opened(t, join(sectionBlock(o), interfaceBlock(o, LinkRaw, 0),
			packetBlock(o, 0, 0, 1, "x", flags(flagIn), option(o, optionComment, "a"), option(o, optionComment, "b")),
			packetBlock(o, 0, 0, 1, "x", flags(flagOut|flagPartial|flagSuper), drops(3)),
			packetBlock(o, 0, 0, 1, "x", option(o, 2988, "custom"), flags(flagGood), drops(4), option(o, optionEnd, ""))))
		got, err := all(f)
		must(t, err)
		x := Record{Wire: 1, Data: []byte("x"), Link: LinkRaw}
		want := []Record{x, x, x}
		want[0].Number, want[0].Comment = 1, "a\nb"
		want[1].Number, want[1].Hints = 2, HintOut|HintPartial|HintSuper
		want[2].Number, want[2].Hints = 3, HintGood
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if n := f.Info().Interfaces[0].Dropped; n != 7 {
			t.Errorf("%d frames dropped, want 7", n)
		}
	}
}

// TestOtherBlocks has the two other blocks with frames, and those without.
func TestOtherBlocks(t *testing.T) {
	for _, o := range orders {
		counter := func(code uint16, n uint64) []byte { return option(o, code, string(o.AppendUint64(nil, n))) }
		f := opened(t, join(sectionBlock(o), interfaceBlock(o, LinkRaw, 4),
			block(o, blockSimple, words(o, 9), []byte("cut ")), // by the interface's limit
			block(o, blockSimple, words(o, 3), []byte("abc")),
			block(o, blockSecrets, words(o, 0x544c534b, 4), []byte("keys")),
			block(o, blockPacket, o.AppendUint16(o.AppendUint16(nil, 0), 5), words(o, 0, 1, 3, 7), []byte("old")),
			block(o, blockPacket, o.AppendUint16(o.AppendUint16(nil, 0), 0xffff), words(o, 0, 1, 3, 7), []byte("old\x00"),
				option(o, optionFlags, string(words(o, flagOut)))),
			block(o, 0x80000bad, []byte("ours alone")),
		))
		got, err := all(f)
		must(t, err)
		if diff := cmp.Diff([]Record{
			{Number: 1, Wire: 9, Data: []byte("cut "), Link: LinkRaw},
			{Number: 2, Wire: 3, Data: []byte("abc"), Link: LinkRaw},
			{Number: 3, Time: 1000, Wire: 7, Data: []byte("old"), Link: LinkRaw},
			{Number: 4, Time: 1000, Wire: 7, Data: []byte("old"), Link: LinkRaw, Hints: HintOut},
		}, got); diff != "" {
			t.Error(diff)
		}
		if i := f.Info(); i.Secrets != 1 || i.Interfaces[0].Dropped != 5 {
			t.Errorf("%+v", i)
		}
		f = opened(t, join(sectionBlock(o), interfaceBlock(o, LinkRaw, 4),
			block(o, blockStatistics, words(o, 0, 0, 0), counter(optionReceived, 40), counter(optionDropped, 2)),
			block(o, blockPacket, o.AppendUint16(o.AppendUint16(nil, 0), 5), words(o, 0, 1, 3, 7), []byte("old"))))
		_, err = all(f)
		must(t, err)
		if i := f.Info().Interfaces[0]; i.Received != 40 || i.Dropped != 2 {
			t.Errorf("%+v", i)
		}
	}
}

func TestABlockThatLiesIsRefused(t *testing.T) {
	o := orders[0]
	head := join(sectionBlock(o), interfaceBlock(o, LinkRaw, 0))
	twoLengths := block(o, blockSimple, words(o, 4), []byte("abcd"))
	twoLengths[len(twoLengths)-1] = 1
	for what, b := range map[string][]byte{
		"multiple of 4":            words(o, 99, 13, 13, 13),
		"at least 12":              words(o, 99, 8, 8, 8),
		"two lengths differ":       twoLengths,
		"interface 1, where":       packetBlock(o, 1, 0, 1, "x"),
		"room for 4":               block(o, blockEnhanced, words(o, 0, 0, 0, 5, 5), []byte("abcd")),
		"room for 0":               block(o, blockEnhanced, words(o, 0, 0, 0, 0xfffffffe, 5)),
		"room for 8":               block(o, blockSimple, words(o, 9), []byte("abcdefgh")),
		"enhanced packet block of": block(o, blockEnhanced, words(o, 0, 0, 0, 0)),
		"a packet block of 28":     block(o, blockPacket, words(o, 0, 0, 0, 0)),
		"simple packet block of":   block(o, blockSimple),
		"interface description of": block(o, blockInterface, words(o, 0)),
		"interface statistics of":  block(o, blockStatistics, words(o, 0)),
		"finer than 2^-63":         interfaceBlock(o, LinkRaw, 0, option(o, optionResolution, "\xff")),
		"finer than 10^-19":        interfaceBlock(o, LinkRaw, 0, option(o, optionResolution, "\x14")),
		"option 1 of 70 bytes":     packetBlock(o, 0, 0, 1, "x", words(o, 70<<16|1)),
		"section header of 24":     words(o, blockSection, 24, byteOrderMagic, 1, 0, 24),
	} {
		f := opened(t, append(head[:len(head):len(head)], b...))
		if r, err := f.Next(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%q: %v, %v", what, r, err)
		}
	}
	f := opened(t, join(sectionBlock(o), block(o, blockSimple, words(o, 1), []byte("x"))))
	if _, err := f.Next(); err == nil || !strings.Contains(err.Error(), "described 0") {
		t.Errorf("a frame of no interface: %v", err)
	}
}
