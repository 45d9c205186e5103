package tree

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestCheckPath(t *testing.T) {
	long := strings.Repeat("x", 255)
	for path, ok := range map[string]struct{ unix, windows bool }{
		"a": {true, true}, "a/b/c.txt": {true, true}, long: {true, true}, long + "x": {false, false},
		"": {}, "/": {}, "/a": {}, "a/": {}, "a//b": {}, ".": {}, "..": {}, "a/../b": {}, "a/./b": {}, "../a": {}, "a/..": {},
		"a\x00b": {}, ".dialtone-x": {}, "a/.DialTone-x.part": {}, ".dialtone": {true, true}, "x.dialtone-": {true, true},
		"...": {true, false}, "..a": {true, true}, "-rf": {true, true}, "~": {true, true}, "a\nb": {true, false},
		"a\xffb": {true, false}, `a\b`: {true, false}, `..\..\b`: {true, false}, "C:": {true, false}, "C:/x": {true, false},
		"a:stream": {true, false}, "nul": {true, false}, "NUL.txt": {true, false}, "a/Com1": {true, false},
		"com¹.x": {true, false}, "CONIN$": {true, false}, "aux ": {true, false}, "con .txt": {true, false},
		"com": {true, true}, "com10": {true, true}, "console": {true, true}, "a.": {true, false}, "a /b": {true, false},
		"a?": {true, false}, "ü/日本": {true, true},
	} {
		if rule := pathRule(path, false); (rule == "") != ok.unix {
			t.Errorf("%q: %q", path, rule)
		}
		if rule := pathRule(path, true); (rule == "") != ok.windows {
			t.Errorf("on Windows %q: %q", path, rule)
		}
	}
	var pe *PathError
	if err := CheckPath("a/../b"); !errors.As(err, &pe) || pe.Path != "a/../b" || !strings.Contains(err.Error(), `".."`) {
		t.Errorf("%v", err)
	}
}

// FuzzCheckPath: a path that passes is made of plain names.
func FuzzCheckPath(f *testing.F) {
	for _, s := range []string{"a/b", "..", "a/../b", "/a", ".dialtone-", "a\x00", "nul", `a\b`, "c:x", "a//b", "a/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if pathRule(path, false) != "" {
			if pathRule(path, true) == "" {
				t.Errorf("%q is allowed on Windows only", path)
			}
			return
		}
		for _, e := range strings.Split(path, "/") {
			if e == "" || e == "." || e == ".." || len(e) > 255 || strings.Contains(e, "\x00") || isHidden(e) {
				t.Errorf("%q passed with %q", path, e)
			}
		}
		if pathRule(path, true) == "" && strings.ContainsAny(path, `\:`) {
			t.Errorf("%q passed on Windows", path)
		}
	})
}

func TestCandidates(t *testing.T) {
	for _, c := range []struct {
		name   string
		k      int
		folder bool
		want   string
	}{
		{"a.txt", 1, false, "a.txt"},
		{"a.txt", 2, false, "a (2).txt"},
		{"a.b.txt", 12, false, "a.b (12).txt"},
		{"x.tar.gz", 2, false, "x (2).tar.gz"},
		{".tar.gz", 2, false, ".tar (2).gz"},
		{".bashrc", 2, false, ".bashrc (2)"},
		{"README", 3, false, "README (3)"},
		{"photos.d", 2, true, "photos.d (2)"},
		{strings.Repeat("x", 255), 2, false, strings.Repeat("x", 251) + " (2)"},
		{strings.Repeat("ü", 125) + ".txt", 2, false, strings.Repeat("ü", 123) + " (2).txt"},
	} {
		if got := candidate(c.name, c.k, c.folder); got != c.want {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCandidatesAreNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(1, 255, 255).Filter(func(s string) bool { return elementRule(s) == "" }).Draw(t, "name")
		k := rapid.IntRange(1, maxCandidates).Draw(t, "k")
		got := candidate(name, k, rapid.Bool().Draw(t, "folder"))
		if rule := elementRule(got); rule != "" || strings.Contains(got, "/") != strings.Contains(name, "/") {
			t.Fatalf("%q: %s", got, rule)
		}
		if utf8.ValidString(name) && !utf8.ValidString(got) {
			t.Fatalf("%q is cut within a character", got)
		}
	})
}
