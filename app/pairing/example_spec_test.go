package pairing

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/example.txt anew")

// TestTheSpecsExample computes the example that app/transfer/spec.md shows, and
// holds the text against it.
func TestTheSpecsExample(t *testing.T) {
	got := example(t)
	if *update {
		if err := os.WriteFile("testdata/example.txt", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/example.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the example is now\n%s", got)
	}
	spec, err := os.ReadFile("../transfer/spec.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(spec, want) {
		t.Error("app/transfer/spec.md does not show testdata/example.txt as it is")
	}
}

func example(t *testing.T) []byte {
	must := func(p []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var out bytes.Buffer
	show := func(what string, p []byte) {
		fmt.Fprintf(&out, "%s\n", what)
		for s := hex.EncodeToString(p); s != ""; {
			n := min(len(s), 64)
			fmt.Fprintf(&out, "  %s\n", s[:n])
			s = s[n:]
		}
	}
	c, a := plainCaller(t), plainAnswerer(t)
	hello := must(c.begin())
	show("preface", []byte(preface))
	show("hello", hello)
	welcome := must(a.welcome(parsed(t, hello, typeHello), hello))
	show("welcome", welcome)
	confirm := must(c.confirm(parsed(t, welcome, typeWelcome), welcome))
	show("confirm", confirm)
	if !a.check(parsed(t, confirm, typeConfirm)) {
		t.Fatal("the ends do not agree")
	}
	show("done", a.done())
	if _, err := c.finish(parsed(t, a.done(), typeDone)); err != nil {
		t.Fatal(err)
	}
	show("key of joins", c.grant.keys.join)
	join := must(joinMessage(&draw{&counter{0xa0}}, c.grant.keys.join, c.grant.id, 1, nil))
	show("join, number 1", join)
	joined := must(joinedMessage(&draw{&counter{0xc0}}, a.grant.keys.join, join, nil))
	show("joined", joined)
	if !joinProved(a.grant.keys.join, join, nil) || !joinedProved(c.grant.keys.join, join, joined, nil) {
		t.Fatal("the ends do not agree")
	}
	refused := fields{tagReason: {byte(forWrongCode)}, tagMethods: {byte(byCode)}}
	show("refused: the code is wrong", refused.append(nil, typeRefused))
	return []byte(strings.TrimSpace(out.String()) + "\n")
}
