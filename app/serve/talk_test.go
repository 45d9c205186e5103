package serve

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// converse lets talk answer input cut at the given places, and returns all that
// it said and whether it ended the conversation itself.
func converse(t Talk, input []byte, cuts ...int) (said []byte, over bool) {
	said, more := t.Begin(nil)
	cuts = append(cuts, len(input))
	from := 0
	for _, to := range cuts {
		part := bytes.Clone(input[from:to])
		from = to
		for more && len(part) > 0 {
			var out []byte
			out, part, more = t.Answer(nil, part)
			said = append(said, out...)
		}
	}
	if more {
		said = append(said, t.End(nil)...)
	}
	return said, !more
}

// upperReference says what Upper must answer, the slow way.
func upperReference(input []byte) (want []byte, over bool) {
	for len(input) > 0 {
		i := bytes.IndexByte(input, '\n') + 1
		if i == 0 {
			i = len(input)
		}
		line := string(input[:i])
		if line == "exit\n" || line == "exit\r\n" || line == "exit" {
			return want, line != "exit"
		}
		for len(line) > 0 {
			r, size := utf8.DecodeRuneInString(line)
			if r == utf8.RuneError && size == 1 {
				want = append(want, line[0])
			} else {
				want = append(want, strings.ToUpper(line[:size])...)
			}
			line = line[size:]
		}
		input = input[i:]
	}
	return want, false
}

func TestUpperAnswersTheSameForEverySegmentation(t *testing.T) {
	for _, text := range []string{
		"hello, world\n", "grüße ıɐⱥ ß €😀\n", "exit", "exit\n", "exit\r\n", "exit\r", "exit\rx\n", "exits\n", "ex\nexi\nexit \n",
		"a\nexit\nnever", "a\nexit\r\nnever", "eexit\nexit", " exit\nEXIT\n", "exi\xc3\xa9t\n", "\xff\xfe\xc3\n\xe2\x82e\n\xf0\x9f\x98",
		"e", "\n\n\nexit\r\r\n", "é\nexité\nexit", strings.Repeat("a", 40) + "é" + strings.Repeat("z{`a", 20),
	} {
		in := []byte(text)
		want, wantOver := upperReference(in)
		for i := range len(in) + 1 {
			for j := i; j <= len(in); j++ {
				got, over := converse(new(upper), in, i, j)
				if !bytes.Equal(got, want) || over != wantOver {
					t.Fatalf("%q cut at %d and %d: %q, over %v; want %q, %v", text, i, j, got, over, want, wantOver)
				}
			}
		}
	}
}

func TestUpperEqualsToUpperForAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("exit\r\neEıɐⱥßſ")))).Draw(t, "text")
		cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
		want, wantOver := upperReference([]byte(text))
		got, over := converse(new(upper), []byte(text), cut)
		if !bytes.Equal(got, want) || over != wantOver {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
	})
}

func TestUpperHoldsBackOnlyWhatIsUndecided(t *testing.T) {
	for input, want := range map[string]string{
		"exi": "", "exit": "", "exit\r": "", "exin": "EXIN", "a": "A", "abc exi": "ABC EXI", "\nex": "\n", "x\xe2\x82": "X",
	} {
		got, _, _ := new(upper).Answer(nil, []byte(input))
		if string(got) != want {
			t.Errorf("after %q: %q, want %q", input, got, want)
		}
	}
}

func TestUpperASCIIChangesLettersOnly(t *testing.T) {
	for size := range 80 {
		for c := range 256 {
			p := bytes.Repeat([]byte{'m'}, size+1)
			p[size/2] = byte(c)
			want := bytes.Repeat([]byte{'M'}, size+1)
			want[size/2] = byte(c)
			if 'a' <= c && c <= 'z' {
				want[size/2] = byte(c) - 32
			}
			n := upperASCII(p)
			if c < utf8.RuneSelf && n != len(p) || c >= utf8.RuneSelf && n != size/2 {
				t.Fatalf("size %d, byte %#x: n = %d", size, c, n)
			}
			if !bytes.Equal(p[:n], want[:n]) {
				t.Fatalf("size %d, byte %#x: %q, want %q", size, c, p[:n], want[:n])
			}
		}
	}
}

func FuzzUpper(f *testing.F) {
	f.Add([]byte("exit\r\n"), 3)
	f.Add([]byte("a\xe2\x82\xac\nexit"), 2)
	f.Fuzz(func(t *testing.T, input []byte, cut int) {
		cut = min(max(cut, 0), len(input))
		want, wantOver := upperReference(input)
		got, over := converse(new(upper), input, cut)
		if !bytes.Equal(got, want) || over != wantOver {
			t.Fatalf("%q cut at %d: %q, over %v; want %q, %v", input, cut, got, over, want, wantOver)
		}
	})
}

func TestReplyAnswersEveryLineAndWhatHasNone(t *testing.T) {
	for input, want := range map[string]int{"a": 1, "a\n": 1, "a\nb\nc\n": 3, "a\nb": 2, "\n": 1} {
		got, _ := converse(reply("ok."), []byte(input))
		if string(got) != strings.Repeat("ok.", want) {
			t.Errorf("%q: %q, want %d answers", input, got, want)
		}
	}
	// The answer is bounded, and complete.
	out, rest, _ := reply(strings.Repeat("x", 1000)).Answer(nil, bytes.Repeat([]byte("\n"), 1000))
	if len(out) > answerSize+1000 || len(out)/1000+len(rest) != 1000 {
		t.Errorf("%d bytes and %d lines left", len(out), len(rest))
	}
}

func TestTimeIsRFC3339WithNanoseconds(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 60, time.UTC)
	got, over := converse(clock{func() time.Time { return at }}, nil)
	if string(got) != "2026-01-02T03:04:05.000000060Z\n" || !over {
		t.Errorf("%q, over %v", got, over)
	}
}

func BenchmarkUpperASCII4KiB(b *testing.B) {
	p := bytes.Repeat([]byte("the quick brown fox jumps over. "), 128)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		upperASCII(p)
	}
}
