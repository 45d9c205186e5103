package connect

import (
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestCRLFDoesNotDependOnSegmentation(t *testing.T) {
	const in, want = "a\nb\r\n\n\r\r\nc\r", "a\r\nb\r\n\r\n\r\r\nc\r"
	for name, r := range map[string]io.Reader{
		"whole":      strings.NewReader(in),
		"bytes":      iotest.OneByteReader(strings.NewReader(in)),
		"early EOF":  iotest.DataErrReader(strings.NewReader(in)),
		"small buff": strings.NewReader(in),
	} {
		r = CRLF(r)
		if name == "small buff" {
			r = iotest.OneByteReader(r)
		}
		if got, err := io.ReadAll(r); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestLinesAreDatagrams(t *testing.T) {
	in := Lines(&script{[]string{"a\n", "\n", "b"}})
	var got []string
	buf := make([]byte, 10)
	for {
		n, err := in.Read(buf)
		if err != nil {
			break
		}
		got = append(got, string(buf[:n]))
	}
	if !slices.Equal(got, []string{"a", "", "b"}) {
		t.Errorf("got %q", got)
	}
}
