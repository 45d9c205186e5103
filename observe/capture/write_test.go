package capture

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// records draws what a file may hold; on several interfaces, unless it is pcap.
func records(t *rapid.T, ng bool) (list []Record) {
	for i := range rapid.IntRange(0, 20).Draw(t, "records") {
		r := Record{
			Number: int64(i + 1),
			Time:   rapid.Int64Range(0, 4_294_967_295_999_999_999).Draw(t, "time"),
			Data:   rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "data"),
			Link:   LinkEthernet,
		}
		r.Wire = len(r.Data) + rapid.IntRange(0, 2000).Draw(t, "cut")
		if ng {
			r.Time = rapid.Int64().Draw(t, "any time")
			r.Interface = rapid.IntRange(0, 3).Draw(t, "interface")
			r.Link = []LinkType{LinkEthernet, LinkRaw, LinkSLL, LinkSLL2}[r.Interface]
			r.Comment = rapid.String().Draw(t, "comment")
			r.Hints = Hints(rapid.IntRange(0, 15).Draw(t, "hints"))
		}
		list = append(list, r)
	}
	return list
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ng := rapid.Bool().Draw(t, "pcapng")
		want := records(t, ng)
		var b bytes.Buffer
		var w Writer
		var err error
		numbers := map[int]int{}
		if ng {
			w, err = NewPcapngWriter(&b, "a test")
		} else {
			w, err = NewPcapWriter(&b, LinkEthernet)
		}
		for i := range want {
			err = errors.Join(err, w.Write(&want[i]))
			if _, ok := numbers[want[i].Interface]; !ok { // as they are described
				numbers[want[i].Interface] = len(numbers)
			}
			want[i].Interface = numbers[want[i].Interface]
		}
		if err := errors.Join(err, w.Flush()); err != nil {
			t.Fatal(err)
		}
		f, err := NewReader(&b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := all(f)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%v\n%s", err, diff)
		}
		if ng && f.Info().Application != "a test" {
			t.Fatalf("%+v", f.Info())
		}
	})
}

func TestInterfacesAreDescribed(t *testing.T) {
	var b bytes.Buffer
	w, err := NewPcapngWriter(&b, "")
	must(t, err)
	eth := Interface{Name: "eth0", Description: "copper", Link: LinkEthernet, SnapLen: 96}
	must(t, w.Describe(7, eth))
	if err := w.Describe(7, eth); err == nil {
		t.Error("an interface is described twice")
	}
	must(t, w.Write(&Record{Interface: 3, Link: LinkRaw}))
	must(t, w.Write(&Record{Interface: 7, Link: LinkEthernet}))
	must(t, w.Flush())
	f, err := NewReader(&b)
	must(t, err)
	got, err := all(f)
	must(t, err)
	if got[0].Interface != 1 || got[1].Interface != 0 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]Interface{eth, {Link: LinkRaw}}, f.Info().Interfaces); diff != "" {
		t.Error(diff)
	}
}

func TestWhatAFormatCannotHoldIsAnError(t *testing.T) {
	p, err := NewPcapWriter(io.Discard, LinkEthernet)
	must(t, err)
	for want, r := range map[string]Record{
		"link type 101":  {Link: LinkRaw},
		"pcapng can":     {Link: LinkEthernet, Time: -1},
		"cannot hold":    {Link: LinkEthernet, Time: 1 << 62},
		"16 MiB is the ": {Link: LinkEthernet, Data: make([]byte, maxRecord+1)},
	} {
		if err := p.Write(&r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	ng, err := NewPcapngWriter(io.Discard, "")
	must(t, err)
	if err := ng.Write(&Record{Data: make([]byte, maxRecord)}); err == nil {
		t.Error("a block of more than 16 MiB")
	}
}

// TestALongCommentIsCutBetweenRunes, as an option has 65535 bytes at most.
func TestALongCommentIsCutBetweenRunes(t *testing.T) {
	for _, comment := range []string{strings.Repeat("ü", 40000), strings.Repeat("\x80", 70000)} {
		var b bytes.Buffer
		w, err := NewPcapngWriter(&b, "")
		must(t, err)
		must(t, w.Write(&Record{Comment: comment, Data: []byte("x")}))
		must(t, w.Flush())
		f, err := NewReader(&b)
		must(t, err)
		r, err := f.Next()
		must(t, err)
		if n := len(r.Comment); n < 65531 || !strings.HasPrefix(comment, r.Comment) || utf8.ValidString(comment) != utf8.ValidString(r.Comment) {
			t.Errorf("%d bytes", n)
		}
	}
}

// failing accepts n bytes.
type failing struct{ n int }

var errFull = errors.New("full")

func (f *failing) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestAWriterTellsThatItCannot(t *testing.T) {
	p, err := NewPcapWriter(&failing{100}, 0)
	must(t, err)
	ng, err := NewPcapngWriter(&failing{100}, "")
	must(t, err)
	for _, w := range []Writer{p, ng} {
		err := w.Write(&Record{Data: make([]byte, 100)})
		if err = errors.Join(err, w.Flush()); !errors.Is(err, errFull) {
			t.Errorf("%T: %v", w, err)
		}
		if err := w.Write(&Record{Data: make([]byte, writeBuffer+1)}); !errors.Is(err, errFull) {
			t.Errorf("%T, then: %v", w, err)
		}
	}
}

func TestWritingAllocatesNothing(t *testing.T) {
	p, err := NewPcapWriter(io.Discard, 0)
	must(t, err)
	ng, err := NewPcapngWriter(io.Discard, "")
	must(t, err)
	r := &Record{Data: make([]byte, 100), Comment: "comment", Hints: HintOut}
	for _, w := range []Writer{p, ng} {
		must(t, w.Write(r))
		if n := testing.AllocsPerRun(100, func() { _ = w.Write(r) }); n != 0 {
			t.Errorf("%T: %v allocations", w, n)
		}
	}
}
