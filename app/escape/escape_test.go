package escape

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLineShowsNothingRaw(t *testing.T) {
	for in, want := range map[string]string{
		"hello, wörld":             "hello, wörld",
		"a\x1b[31mred":             `a\x1b[31mred`,
		"one\ntwo\ttab\r":          `one\ntwo\ttab\r`,
		"nul\x00":                  `nul\x00`,
		"bidi \u202e evil \u2066x": `bidi \u202e evil \u2066x`,
		"c1 \u009b31m":             `c1 \u009b31m`,
		"zero\u200bwidth":          `zero\u200bwidth`,
		"line\u2028sep":            `line\u2028sep`,
		"bad \xff\xc3":             `bad \xff\xc3`,
		`back\slash`:               `back\\slash`,
	} {
		if got := Line([]byte(in), 0); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLineCutsAndCounts(t *testing.T) {
	if got, want := Line([]byte("äöü"), 3), "ä… (+4 bytes)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Line(bytes.Repeat([]byte("x"), 100), 10), "xxxxxxxxxx… (+90 bytes)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestScreenDoesNotDependOnSegmentation(t *testing.T) {
	in := []byte("grüße\r\nlone\rcr\t€ \x1b[2J\\ \xff end\xe2\x82")
	const want = "grüße\nlone\\rcr\t€ \\x1b[2J\\ \\xff end\\xe2\\x82"
	for i := range len(in) + 1 {
		for j := i; j <= len(in); j++ {
			var b bytes.Buffer
			s := NewScreen(&b)
			for _, part := range [][]byte{in[:i], in[i:j], in[j:]} {
				if n, err := s.Write(part); n != len(part) || err != nil {
					t.Fatal(n, err)
				}
			}
			s.Flush()
			if b.String() != want {
				t.Fatalf("cut at %d and %d: %q, want %q", i, j, b.String(), want)
			}
		}
	}
}

// FuzzScreen: nothing but text, line feed and tab ever comes out.
func FuzzScreen(f *testing.F) {
	f.Add([]byte("a\x1b[0m"), 1)
	f.Add([]byte("€\u202e\r\n"), 2)
	f.Fuzz(func(t *testing.T, p []byte, cut int) {
		var b bytes.Buffer
		s := NewScreen(&b)
		cut = min(max(cut, 0), len(p))
		s.Write(p[:cut])
		s.Write(p[cut:])
		s.Flush()
		for _, r := range b.String() {
			if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)) {
				t.Fatalf("%q let %U through", p, r)
			}
		}
		if !utf8.Valid(b.Bytes()) {
			t.Fatalf("%q gave invalid UTF-8 %q", p, b.Bytes())
		}
	})
}

func ExampleLine() {
	fmt.Println(Line([]byte("hello\x1b[2Jworld\n"), 0))
	fmt.Println(Line([]byte("a long message"), 6))
	// Output:
	// hello\x1b[2Jworld\n
	// a long… (+8 bytes)
}

func ExampleString() {
	fmt.Println(String("CN=\u202egpj.exe"))
	// Output: CN=\u202egpj.exe
}

func ExampleAppend() {
	fmt.Printf("%s\n", Append([]byte("peer said: "), []byte("hi\r\n")))
	// Output: peer said: hi\r\n
}

func ExampleNewScreen() {
	s := NewScreen(os.Stdout)
	fmt.Fprint(s, "HELLO\r\n\x07bell\n")
	s.Flush()
	// Output:
	// HELLO
	// \abell
}

func TestJSONEscapesWhatCannotBePrinted(t *testing.T) {
	for text, want := range map[string]string{
		`"plain"`:        `"plain"`,
		"\"grüße 名\"":    "\"grüße 名\"",
		"\"a\u202eb\"":   `"a\u202eb"`,
		"\"\x7f\"":       `"\u007f"`,
		"\"\U000e0041\"": `"\udb40\udc41"`,
	} {
		if got := string(JSON([]byte(text))); got != want {
			t.Errorf("JSON(%q) = %s, want %s", text, got, want)
		}
	}
}
