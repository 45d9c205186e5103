package transfer

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"

	"pgregory.net/rapid"
)

// anyText draws names as file systems allow them: any bytes.
func anyText(t *rapid.T, name string) string {
	return string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, name))
}

func anyEntry(t *rapid.T) tree.Entry {
	e := tree.Entry{Path: anyText(t, "path"), Kind: tree.Kind(rapid.IntRange(int(tree.File), int(tree.Link)).Draw(t, "kind"))}
	when := time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "sec"), rapid.Int64Range(0, 999_999_999).Draw(t, "nsec"))
	switch e.Kind {
	case tree.Link:
		e.Target = anyText(t, "target")
	case tree.Symlink:
		e.Target, e.ModTime = anyText(t, "target"), when
	case tree.File:
		e.Size = rapid.Int64Range(-1, 1<<62).Draw(t, "size")
		e.Sparse = rapid.Bool().Draw(t, "sparse")
		fallthrough
	case tree.Dir:
		e.Mode, e.ModTime = fileMode(rapid.Int64Range(0, 0o7777).Draw(t, "mode")), when
		for range rapid.IntRange(0, 3).Draw(t, "xattrs") {
			e.XAttrs = append(e.XAttrs, tree.XAttr{Name: anyText(t, "name"), Value: []byte(anyText(t, "value"))})
		}
	}
	return e
}

// TestEntriesSurviveTheWire: a manifest comes out as it went in.
func TestEntriesSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []tree.Entry
		var head []byte
		before := ""
		for range rapid.IntRange(0, 10).Draw(t, "entries") {
			e := anyEntry(t)
			head = appendEntry(head, e, before)
			before = e.Path
			all = append(all, e)
		}
		d := &decoder{b: head}
		before = ""
		for i := 0; len(d.b) > 0; i++ {
			e := parseEntry(d, before)
			if d.err != nil {
				t.Fatal(d.err)
			}
			before = e.Path
			if !e.ModTime.Equal(all[i].ModTime) {
				t.Fatalf("time %v, want %v", e.ModTime, all[i].ModTime)
			}
			e.ModTime = all[i].ModTime
			for k, x := range e.XAttrs {
				if !bytes.Equal(x.Value, all[i].XAttrs[k].Value) {
					t.Fatalf("attribute %d", k)
				}
				e.XAttrs[k].Value = all[i].XAttrs[k].Value // nil is empty
			}
			if !reflect.DeepEqual(e, all[i]) {
				t.Fatalf("%+v, want %+v", e, all[i])
			}
		}
	})
}

func TestRecordsAndAnswersSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ranges := func(most int64) (r [][2]int64) {
			at := int64(0)
			for range rapid.IntRange(0, 5).Draw(t, "ranges") {
				from := rapid.Int64Range(at, most).Draw(t, "from")
				to := rapid.Int64Range(from, most).Draw(t, "to")
				r = append(r, [2]int64{from, to})
				at = to
			}
			return r
		}
		r := record{entry: rapid.Int64Range(0, 1<<40).Draw(t, "entry"), chunk: rapid.Int64Range(0, 1<<30).Draw(t, "chunk")}
		r.raw = rapid.Int64Range(0, DefaultChunk).Draw(t, "raw")
		if rapid.Bool().Draw(t, "summed") {
			r.flags |= recordSummed
			r.sum = digest.Of([]byte(anyText(t, "content")))
		}
		if rapid.Bool().Draw(t, "sparse") {
			r.flags |= recordSparse
			r.extents = ranges(r.raw)
		}
		d := &decoder{b: appendRecord(nil, &r)}
		if got := parseRecord(d, DefaultChunk); d.err != nil || !reflect.DeepEqual(got, r) || len(d.b) > 0 {
			t.Fatalf("%+v, want %+v (%v)", got, r, d.err)
		}
		for _, a := range []answer{
			{verdict: verdictWant},
			{verdict: verdictRest, ranges: ranges(1 << 40)},
			{verdict: verdictRefuse, reason: anyText(t, "reason")},
		} {
			d := &decoder{b: appendAnswer(nil, a)}
			if got := parseAnswer(d); d.err != nil || !reflect.DeepEqual(got, a) {
				t.Fatalf("%+v, want %+v (%v)", got, a, d.err)
			}
		}
		for _, want := range []result{
			{entry: r.entry, reason: anyText(t, "reason")},
			{entry: r.entry, ok: true, name: anyText(t, "name")},
			{entry: r.entry, ok: true, name: anyText(t, "name"), sum: digest.Of([]byte("x"))},
		} {
			d := &decoder{b: appendResult(nil, want)}
			if got := parseResult(d); d.err != nil || got != want || len(d.b) > 0 {
				t.Fatalf("%+v, want %+v (%v)", got, want, d.err)
			}
		}
	})
}

// TestDamagedFrameIsNotObeyed: whatever bit of a head is turned.
func TestDamagedFrameIsNotObeyed(t *testing.T) {
	good := appendFrame(nil, frameEntries, appendEntry(nil, tree.Entry{Path: "a/b", Kind: tree.Leave}, ""), 0)
	if _, _, err := readFrame(bytes.NewReader(good), nil, 0); err != nil {
		t.Fatal(err)
	}
	for bit := range len(good) * 8 {
		bad := bytes.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		_, _, err := readFrame(bytes.NewReader(bad), nil, MaxChunk)
		var broken *ProtocolError
		if !errors.As(err, &broken) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("bit %d: %v", bit, err)
		}
	}
}

// The fuzz targets: no head makes a parser panic or hold more than it was given,
// and what parses is what append makes of it.

// FuzzFields is about the messages made of fields, and frames around them.
func FuzzFields(f *testing.F) {
	f.Add(byte(frameHello), hello{roleSender, 1}.append(nil))
	f.Add(byte(frameOffer), offer{chunk: DefaultChunk}.append(nil))
	f.Add(byte(frameAccept), accept{streams: 8, ordered: true}.append(nil))
	f.Add(byte(frameAbort), abort{abortError, "why"}.append(nil))
	f.Add(byte(frameStatus), status{1, 2, 3}.append(nil))
	f.Add(byte(frameTotal), totals{1, 2}.append(nil))
	f.Fuzz(func(t *testing.T, kind byte, head []byte) {
		frame := appendFrame(nil, frameType(kind), head, 0)
		got, _, err := readFrame(bytes.NewReader(frame), nil, 0)
		if kind != 0 && len(head) <= maxHead && (err != nil || !bytes.Equal(got.head, head)) {
			t.Fatalf("%v", err)
		}
		again(t, head, parseHello, hello.append)
		again(t, head, parseOffer, offer.append)
		again(t, head, parseAccept, accept.append)
		again(t, head, parseStatus, status.append)
		again(t, head, parseTotals, totals.append)
		again(t, head, parseAbort, abort.append)
	})
}

// FuzzEntries is about the manifest.
func FuzzEntries(f *testing.F) {
	f.Add(appendEntry(nil, tree.Entry{Path: "a/b", Kind: tree.File, Size: 7, Mode: 0o644}, ""))
	f.Add(appendEntry(nil, tree.Entry{Path: "a", Kind: tree.Symlink, Target: "b"}, ""))
	f.Fuzz(func(t *testing.T, head []byte) {
		var all []tree.Entry
		if err := parseEntries(head, func(e tree.Entry) error { all = append(all, e); return nil }); err != nil {
			return
		}
		var back []byte
		before := ""
		for _, e := range all {
			back = appendEntry(back, e, before)
			before = e.Path
		}
		i := 0
		if err := parseEntries(back, func(e tree.Entry) error {
			if !reflect.DeepEqual(e, all[i]) {
				t.Fatalf("%+v became %+v", all[i], e)
			}
			i++
			return nil
		}); err != nil || i != len(all) {
			t.Fatalf("%d of %d entries: %v", i, len(all), err)
		}
	})
}

// FuzzAnswers is about what the receiver says of entries.
func FuzzAnswers(f *testing.F) {
	f.Add(appendAnswer(nil, answer{verdict: verdictRest, ranges: [][2]int64{{1, 2}}}))
	f.Add(appendResult(nil, result{entry: 3, ok: true}))
	f.Add(appendNote(nil, note{true, "p", "t"}))
	f.Fuzz(func(t *testing.T, head []byte) {
		for d := (&decoder{b: head}); len(d.b) > 0 && d.err == nil; {
			a := parseAnswer(d)
			at := int64(0)
			for _, r := range a.ranges {
				if r[0] < at || r[1] < r[0] {
					t.Fatalf("ranges %v", a.ranges)
				}
				at = r[1]
			}
		}
		for d := (&decoder{b: head}); len(d.b) > 0 && d.err == nil; {
			parseResult(d)
		}
		for d := (&decoder{b: head}); len(d.b) > 0 && d.err == nil; {
			parseNote(d)
		}
	})
}

// FuzzRecords is about the heads of content.
func FuzzRecords(f *testing.F) {
	f.Add(appendRecord([]byte{0}, &record{entry: 1, flags: recordSparse, raw: 9, extents: [][2]int64{{1, 2}}}))
	f.Add(appendRecord([]byte{bodyZstd}, &record{entry: 1, flags: recordWhole | recordSummed, raw: 9}))
	f.Fuzz(func(t *testing.T, head []byte) {
		w := &receiving{receiver: &receiver{chunk: DefaultChunk}}
		if _, err := w.parse(head); err != nil {
			return
		}
		for i := range w.records {
			r := &w.records[i]
			if n := r.dataLen(); n < 0 || n > DefaultChunk || r.flags&recordEnd == 0 && n > r.raw {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// again parses head and, where that goes well, what append makes of it.
func again[T comparable](t *testing.T, head []byte, parse func([]byte) (T, error), add func(T, []byte) []byte) {
	t.Helper()
	v, err := parse(head)
	if err != nil {
		return
	}
	if w, err := parse(add(v, nil)); err != nil || w != v {
		t.Fatalf("%+v became %+v: %v", v, w, err)
	}
}

func TestRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 60).Draw(t, "n")
		in := map[int64]bool{}
		var r runs
		for range rapid.IntRange(0, 90).Draw(t, "adds") {
			if n == 0 {
				break
			}
			i := rapid.Int64Range(0, n-1).Draw(t, "i")
			if r.add(i) == in[i] {
				t.Fatalf("%d: not what was said before", i)
			}
			in[i] = true
		}
		if r.full(n) != (int64(len(in)) == n) {
			t.Fatalf("full: %v with %d of %d", r, len(in), n)
		}
		left := n
		for _, gap := range r.missing(n) {
			for i := gap[0]; i < gap[1]; i++ {
				if in[i] {
					t.Fatalf("%d is not missing", i)
				}
				left--
			}
		}
		if left != int64(len(in)) {
			t.Fatalf("%v misses another number than %d", r, n-int64(len(in)))
		}
	})
}
