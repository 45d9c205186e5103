package ladder

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"dialtone/observe/capture"
)

// captures are small captures of real exchanges, one of each kind.
const captures = "../../testdata/captures/"

func eachCapture(t testing.TB, do func(name string, f *capture.File)) {
	t.Helper()
	files, err := filepath.Glob(captures + "*.pcapng")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, name := range files {
		f, err := capture.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		do(strings.TrimSuffix(filepath.Base(name), ".pcapng"), f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// checkBoxes holds the layers of a packet against what Layers promises.
func checkBoxes(t testing.TB, p *capture.Packet) {
	t.Helper()
	covered := make([]bool, len(p.Data))
	for _, b := range Layers(p) {
		if b.Start < 0 || b.End < b.Start || b.End > len(p.Data) {
			t.Fatalf("%s lies at %d to %d of %d bytes", b.Name, b.Start, b.End, len(p.Data))
		}
		for i := b.Start; i < b.End; i++ {
			covered[i] = true
		}
		checkFields(t, b.Name, b.Fields, b.Start, b.End)
	}
	for i, ok := range covered {
		if !ok {
			t.Fatalf("byte %d is in no layer", i)
		}
	}
}

func checkFields(t testing.TB, name string, fields []Field, start, end int) {
	t.Helper()
	for _, f := range fields {
		if f.Start < start || f.End < f.Start || f.End > end {
			t.Fatalf("%s, %s: bytes %d to %d outside %d to %d", name, f.Name, f.Start, f.End, start, end)
		}
		if strings.ContainsFunc(f.Value+f.Note, unicode.IsControl) {
			t.Fatalf("%s, %s: raw bytes in %q %q", name, f.Name, f.Value, f.Note)
		}
		checkFields(t, name, f.Fields, f.Start, f.End)
	}
}

// TestEveryByteIsInAField: of real frames no byte of a known header is left out.
func TestEveryByteIsInAField(t *testing.T) {
	eachCapture(t, func(name string, f *capture.File) {
		for r, err := f.Next(); err == nil; r, err = f.Next() {
			var p capture.Packet
			capture.Decode(r, &p)
			p.Verify()
			checkBoxes(t, &p)
			for _, b := range Layers(&p) {
				if len(b.Fields) == 0 {
					continue
				}
				at := b.Start
				for _, field := range b.Fields {
					if field.Start > at {
						t.Errorf("%s, frame %d: bytes %d to %d of %s are in no field", name, r.Number, at, field.Start, b.Name)
					}
					at = max(at, field.End)
				}
				if at != b.End {
					t.Errorf("%s, frame %d: %s has %d bytes behind its last field", name, r.Number, b.Name, b.End-at)
				}
			}
		}
	})
}

func TestLayersOfAFrame(t *testing.T) {
	for _, x := range []struct {
		capture, golden string
		frame           int64
		style           Style
	}{
		{"handshake", "layers-80.txt", 4, Style{}},
		{"handshake", "layers-120.txt", 4, Style{Width: 120}},
		{"qinq", "layers-qinq.txt", 1, Style{ASCII: true}},
		{"arp", "layers-arp.txt", 1, Style{}},
		{"unreachable-tcp", "layers-icmp.txt", 2, Style{}},
		{"fragments-ipv6", "layers-fragment.txt", 1, Style{}},
	} {
		f, err := capture.Open(captures + x.capture + ".pcapng")
		if err != nil {
			t.Fatal(err)
		}
		for {
			r, err := f.Next()
			if err != nil {
				t.Fatalf("%s has no frame %d: %v", x.capture, x.frame, err)
			}
			if r.Number < x.frame {
				continue
			}
			var p capture.Packet
			capture.Decode(r, &p)
			p.Verify()
			var text strings.Builder
			if err := WriteLayers(&text, &p, x.style); err != nil {
				t.Fatal(err)
			}
			golden(t, x.golden, text.String())
			break
		}
		f.Close()
	}
}

// FuzzLayers: whatever a frame holds, its layers are within it, cover it, and can be
// drawn and summed up.
func FuzzLayers(f *testing.F) {
	eachCapture(f, func(_ string, file *capture.File) {
		if r, err := file.Next(); err == nil {
			f.Add(uint16(r.Link), append([]byte(nil), r.Data...))
		}
	})
	f.Fuzz(func(t *testing.T, link uint16, data []byte) {
		r := capture.Record{Number: 1, Link: capture.LinkType(link), Wire: len(data), Data: data, Offset: -1}
		var p capture.Packet
		capture.Decode(&r, &p)
		p.Verify()
		checkBoxes(t, &p)
		var text strings.Builder
		if err := WriteLayers(&text, &p, Style{}); err != nil {
			t.Fatal(err)
		}
		if s := text.String() + Summary(&p); strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Fatalf("raw bytes in %q", s)
		}
	})
}
