package tcp_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"dialtone/link"
	"dialtone/transport/tcp"
)

func TestSYNOptions(t *testing.T) {
	o := synOptions
	if len(o) != 20 {
		t.Fatalf("the options of a SYN are %d bytes, want 20 as those of Linux", len(o))
	}
	if mss, ok := o.MSS(); mss != 1460 || !ok {
		t.Errorf("MSS %d, %v", mss, ok)
	}
	if shift, ok := o.WindowScale(); shift != 7 || !ok {
		t.Errorf("window scale %d, %v", shift, ok)
	}
	if val, ecr, ok := o.Timestamps(); val != 1000 || ecr != 0 || !ok {
		t.Errorf("timestamps %d, %d, %v", val, ecr, ok)
	}
	if !o.SACKPermitted() {
		t.Error("no SACK permitted")
	}
	if err := o.Check(); err != nil {
		t.Error(err)
	}
	if !(tcp.Options{4, 2}).SACKPermitted() {
		t.Error("no SACK permitted where it is all there is")
	}
}

func TestNoOptions(t *testing.T) {
	var o tcp.Options
	_, mss := o.MSS()
	_, shift := o.WindowScale()
	_, _, clock := o.Timestamps()
	_, cookie := o.FastOpen()
	if _, n := o.SACK(); mss || shift || clock || cookie || o.SACKPermitted() || n != 0 || o.Check() != nil {
		t.Error("no options say something")
	}
}

func TestTimestampsAlignedAndNot(t *testing.T) {
	for _, o := range []tcp.Options{
		tcp.Options(nil).AppendNop(2).AppendTimestamps(1, 2),
		tcp.Options(nil).AppendTimestamps(1, 2).AppendNop(2),
		tcp.Options(nil).AppendNop(2).AppendTimestamps(1, 2).AppendNop(2).AppendSACK([2]tcp.Seq{1, 2}),
	} {
		if val, ecr, ok := o.Timestamps(); val != 1 || ecr != 2 || !ok {
			t.Errorf("% x: %d, %d, %v", []byte(o), val, ecr, ok)
		}
	}
}

func TestSACKBlocks(t *testing.T) {
	four := [][2]tcp.Seq{{1, 2}, {3, 4}, {0xffffffff, 6}, {7, 8}}
	blocks, n := tcp.Options(nil).AppendNop(2).AppendSACK(append(four, four...)...).SACK()
	if n != 4 || blocks != [4][2]tcp.Seq(four) {
		t.Errorf("%v, %d blocks", blocks, n)
	}
	beside := tcp.Options(nil).AppendNop(2).AppendTimestamps(1, 2).AppendNop(2).AppendSACK(four...)
	if blocks, n = beside.SACK(); n != 3 || blocks[2] != four[2] || blocks[3] != [2]tcp.Seq{} {
		t.Errorf("beside timestamps %v, %d blocks, want 3", blocks, n)
	}
	if _, n := (tcp.Options{5, 2}).SACK(); n != 0 {
		t.Errorf("an empty option has %d blocks", n)
	}
}

func TestWindowScaleIsAtMost14(t *testing.T) {
	if shift, _ := (tcp.Options{3, 3, 200}).WindowScale(); shift != 14 {
		t.Errorf("200 is taken as %d, want 14", shift)
	}
	if o := tcp.Options(nil).AppendWindowScale(15); o[2] != 14 {
		t.Errorf("15 is sent as %d, want 14", o[2])
	}
}

func TestFastOpen(t *testing.T) {
	cookie, ok := tcp.Options(nil).AppendFastOpen([]byte("12345678")).FastOpen()
	if string(cookie) != "12345678" || !ok {
		t.Errorf("cookie %q, %v", cookie, ok)
	}
	if cookie, ok := tcp.Options(nil).AppendFastOpen(nil).FastOpen(); len(cookie) != 0 || !ok {
		t.Errorf("asking for a cookie is %q, %v", cookie, ok)
	}
	if o := tcp.Options(nil).AppendFastOpen(make([]byte, 5)); o != nil {
		t.Errorf("a cookie of 5 bytes is sent: %x", o)
	}
}

// TestTheLastOfSeveralCounts as in Linux, and only if its length is right.
func TestTheLastOfSeveralCounts(t *testing.T) {
	o := tcp.Options(nil).AppendMSS(1).AppendMSS(2)
	o = append(o, 2, 3, 9)
	if mss, _ := o.MSS(); mss != 2 {
		t.Errorf("MSS %d, want 2", mss)
	}
}

func TestEndOfOptions(t *testing.T) {
	o := tcp.Options{0, 2, 4, 1}
	if _, rest, err := o.Next(); err != tcp.ErrEnd || !bytes.Equal(rest, o) {
		t.Errorf("%v with %x left, want the end with the padding", err, rest)
	}
	if _, ok := o.MSS(); ok {
		t.Error("an option behind the end counts")
	}
}

func TestBrokenOptionsSayWhere(t *testing.T) {
	for _, c := range []struct {
		options tcp.Options
		want    string
	}{
		{tcp.Options{1, 1, 1, 8}, "TCP header, byte 23: an option without a length"},
		{tcp.Options{1, 8, 1, 0}, "TCP header, byte 21: an option's length below 2 bytes"},
		{tcp.Options{2, 4, 5, 180, 8, 10, 0, 0}, "TCP header, byte 24: an option's length beyond the header"},
		{tcp.Options{1, 3, 4, 0}, "TCP header, byte 21: an option's length beyond the header"},
		{tcp.Options{2, 3, 5, 1}, "TCP header, byte 20: an option's length is none that its kind has"},
		{append(bytes.Repeat([]byte{1}, 39), 2), "TCP header, byte 59: an option without a length"},
		{append(bytes.Repeat([]byte{1}, 99), 2), "TCP header, byte 59: an option without a length"}, // no header's
	} {
		err := c.options.Check()
		var h *link.HeaderError
		if !errors.As(err, &h) || err.Error() != c.want {
			t.Errorf("% x: %v, want %s", []byte(c.options), err, c.want)
		}
	}
}

// TestWhatIsBuiltIsReadAgain builds options in any order and number.
func TestWhatIsBuiltIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o tcp.Options
		for range rapid.IntRange(0, 12).Draw(t, "options") {
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 0:
				o = o.AppendNop(rapid.IntRange(-1, 50).Draw(t, "n"))
			case 1:
				o = o.AppendMSS(rapid.Uint16().Draw(t, "MSS"))
			case 2:
				o = o.AppendWindowScale(rapid.Byte().Draw(t, "shift"))
			case 3:
				o = o.AppendSACKPermitted()
			case 4:
				o = o.AppendTimestamps(rapid.Uint32().Draw(t, "val"), rapid.Uint32().Draw(t, "ecr"))
			case 5:
				o = o.AppendSACK(make([][2]tcp.Seq, rapid.IntRange(0, 6).Draw(t, "blocks"))...)
			case 6:
				o = o.AppendFastOpen(make([]byte, rapid.IntRange(0, 17).Draw(t, "cookie")))
			}
		}
		if o = o.Pad(); len(o) > tcp.MaxOptions || len(o)%4 != 0 {
			t.Fatalf("%d bytes of options", len(o))
		}
		if err := o.Check(); err != nil {
			t.Fatalf("% x: %v", []byte(o), err)
		}
		h := tcp.Header{Options: o}
		if got, _, err := tcp.Parse(h.Append(nil)); err != nil || !bytes.Equal(got.Options, o) {
			t.Fatalf("% x is read as % x, %v", []byte(o), []byte(got.Options), err)
		}
	})
}

func TestOptionsInWords(t *testing.T) {
	for _, c := range []struct {
		options tcp.Options
		want    string
	}{
		{tcp.Options{1}, "no-operation"},
		{tcp.Options{2, 4, 5, 180}, "MSS 1460"},
		{tcp.Options{2, 3, 5}, "MSS (1 bytes)"},
		{tcp.Options{3, 3, 7}, "window scale 7 (×128)"},
		{tcp.Options{4, 2}, "SACK permitted"},
		{tcp.Options(nil).AppendSACK([2]tcp.Seq{1, 2}, [2]tcp.Seq{4, 5}), "SACK 1-2 4-5"},
		{tcp.Options(nil).AppendTimestamps(1, 2), "timestamps 1, echo 2"},
		{append(tcp.Options{19, 18}, make([]byte, 16)...), "MD5 signature (16 bytes)"},
		{tcp.Options{28, 4, 0x80, 5}, "user timeout 5 min"},
		{tcp.Options{28, 4, 0, 5}, "user timeout 5 s"},
		{tcp.Options{29, 6, 1, 2, 0, 0}, "authentication (AO) key 1, next key 2, code of 2 bytes"},
		{tcp.Options{30, 3, 0x10}, "MPTCP MP_JOIN"},
		{tcp.Options{30, 3, 0xb0}, "MPTCP subtype 11"},
		{tcp.Options{30, 3, 0xf0}, "MPTCP MP_EXPERIMENTAL"},
		{tcp.Options{30, 2}, "MPTCP (0 bytes)"},
		{tcp.Options{34, 2}, "fast open: asks for a cookie"},
		{tcp.Options{34, 6, 1, 2, 3, 4}, "fast open: cookie 01020304"},
		{tcp.Options{254, 8, 0xf9, 0x89, 1, 2, 3, 4}, "experiment: fast open: cookie 01020304"},
		{tcp.Options{253, 4, 0x0e, 0xd0}, "experiment: extended data offset (EDO)"},
		{tcp.Options{254, 6, 0xe2, 0xd4, 0xc3, 0xd9}, "experiment: SMC-R"},
		{tcp.Options{254, 5, 0x12, 0x34, 0}, "experiment: 0x1234 (1 bytes)"},
		{tcp.Options{254, 3, 1}, "experiment (1 bytes)"},
		{tcp.Options{27, 8, 1, 2, 3, 4, 5, 6}, "quick-start response (6 bytes)"},
		{tcp.Options{99, 2}, "kind 99 (0 bytes)"},
	} {
		opt, rest, err := c.options.Next()
		if opt.String() != c.want || len(rest) != 0 || err != nil {
			t.Errorf("% x: %q, %v; want %q", []byte(c.options), opt, err, c.want)
		}
	}
}

// TestEveryKindHasItsOwnName but for the pairs that share one.
func TestEveryKindHasItsOwnName(t *testing.T) {
	seen := map[string]int{}
	for kind := range 256 {
		seen[tcp.OptionKind(kind).String()]++
	}
	for name, n := range seen {
		if n > 1 && name != "experiment" && name != "accurate ECN" || name == "" {
			t.Errorf("%d kinds are %q", n, name)
		}
	}
	if n := len(seen) - 256 + 2; n != 0 {
		t.Errorf("%d names too many", n)
	}
}

// walk goes through options of any bytes in every way there is, and checks that they
// agree.
func walk(t interface {
	Helper()
	Fatalf(string, ...any)
}, o tcp.Options,
) {
	t.Helper()
	var last error
	var again []byte
	for rest := o; last == nil; {
		var opt tcp.Option
		opt, rest, last = rest.Next()
		if last == nil {
			again = append(again, byte(opt.Kind))
			if opt.Kind != tcp.KindNop {
				again = append(append(again, byte(2+len(opt.Data))), opt.Data...)
			}
			_ = opt.String()
		} else if last == tcp.ErrEnd {
			again = append(again, rest...)
		}
	}
	if last == tcp.ErrEnd && !bytes.Equal(again, o) {
		t.Fatalf("% x is read as % x", []byte(o), again)
	}
	if err := o.Check(); err == nil && last != tcp.ErrEnd {
		t.Fatalf("% x: Check finds nothing, Next %v", []byte(o), last)
	}
	_, _ = o.MSS()
	_, _, _ = o.Timestamps()
	_, _ = o.WindowScale()
	_, _ = o.FastOpen()
	if _, n := o.SACK(); n > 4 {
		t.Fatalf("% x: %d SACK blocks", []byte(o), n)
	}
}

// FuzzOptions takes options longer than a header's, too.
func FuzzOptions(f *testing.F) {
	f.Add([]byte(synOptions))
	f.Add([]byte{5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 30, 3, 0x20, 254, 4, 0xf9, 0x89})
	f.Add([]byte{8, 10, 0})
	f.Fuzz(func(t *testing.T, b []byte) { walk(t, b) })
}

func ExampleOptions_Next() {
	o := tcp.Options(nil).AppendMSS(1460).AppendSACKPermitted().AppendWindowScale(7).Pad()
	for {
		opt, rest, err := o.Next()
		if err != nil { // tcp.ErrEnd, or where the options are broken
			break
		}
		fmt.Println(opt)
		o = rest
	}
	// Output:
	// MSS 1460
	// SACK permitted
	// window scale 7 (×128)
}
