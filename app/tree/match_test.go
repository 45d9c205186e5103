package tree_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"dialtone/app/tree"

	"pgregory.net/rapid"
)

// files returns an fs.FS with these files.
func files(paths ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, p := range paths {
		m[p] = &fstest.MapFile{Data: []byte(p)}
	}
	return m
}

func TestPatterns(t *testing.T) {
	all := files("a.o", "b.c", "build/out", "doc/build/x", "doc/a.txt", "doc/sub/b.txt", "keep.o", "sub/keep.o", "[x]", "!bang", "x/y/z/w")
	for _, c := range []struct {
		exclude, include string // separated by blanks
		want             string // files and empty folders
	}{
		{"", "", "!bang [x] a.o b.c keep.o build/out doc/a.txt doc/build/x doc/sub/b.txt sub/keep.o x/y/z/w"},
		{"*.o doc /x", "", "!bang [x] b.c build/out sub/"},
		{"*.o !keep.o doc /x", "", "!bang [x] b.c keep.o build/out sub/keep.o"},
		{"*.o !/keep.o doc /x", "", "!bang [x] b.c keep.o build/out sub/"},
		{"!keep.o *.o doc /x", "", "!bang [x] b.c build/out sub/"},
		{"/build *.o /x", "", "!bang [x] b.c doc/a.txt doc/build/x doc/sub/b.txt sub/"},
		{"build *.o /x", "", "!bang [x] b.c doc/a.txt doc/sub/b.txt sub/"},
		{"b.c/ a.o/ doc/ x/ build/", "", "!bang [x] a.o b.c keep.o sub/keep.o"},
		{"doc/*.txt /x /sub /build", "", "!bang [x] a.o b.c keep.o doc/build/x doc/sub/b.txt"},
		{"doc/**/*.txt /x /sub /build", "", "!bang [x] a.o b.c keep.o doc/build/x doc/sub/"},
		{"doc/** /x /sub /build", "", "!bang [x] a.o b.c keep.o doc/"},
		{"**/sub /x /build", "", "!bang [x] a.o b.c keep.o doc/a.txt doc/build/x"},
		{`\[x\] \!bang ?.[oc] x doc`, "", "keep.o build/out sub/keep.o"},
		{"[!ab].o [!a-z]x[!a-z] x doc sub build", "", "!bang a.o b.c keep.o"},
		{"x/**/w doc sub build *.? [[]* !", "", "error"},
		{"x/**/w doc sub build *.?", "", "!bang [x] x/y/z/"},
		{"x/**/**/y/**/w doc sub build *.?", "", "!bang [x] x/y/z/"},
		{"/*", "", ""},
		{"**", "", ""},
		{"", "*.txt", "doc/a.txt doc/sub/b.txt"},
		{"", "doc", "doc/a.txt doc/build/x doc/sub/b.txt"},
		{"build", "doc", "doc/a.txt doc/sub/b.txt"},
		{"", "doc !*.txt", "doc/build/x doc/sub/"},
		{"", "doc !sub", "doc/a.txt doc/build/x"},
		{"", "doc !sub b.txt", "doc/a.txt doc/build/x doc/sub/b.txt"},
		{"", "/keep.o w", "keep.o x/y/z/w"},
		{"", "nothing", ""},
		{"[", "", "error"},
		{"", "a//b", "error"},
		{"../x", "", "error"},
		{"/", "", "error"},
	} {
		o := tree.SourceOptions{Exclude: strings.Fields(c.exclude), Include: strings.Fields(c.include)}
		var got string
		if list, err := leaves(tree.FromFS(all, o)); err != nil {
			got = "error"
		} else {
			got = strings.Join(list, " ")
		}
		if got != c.want {
			t.Errorf("exclude %q include %q:\n got %s\nwant %s", c.exclude, c.include, got, c.want)
		}
	}
}

// leaves returns the files, and the folders that nothing comes of.
func leaves(s *tree.Source) (list []string, err error) {
	last := ""
	err = s.Walk(nowhere(), func(e tree.Entry) error {
		switch {
		case e.Kind == tree.Leave && last == e.Path:
			list = append(list, e.Path+"/")
		case e.Kind == tree.File || e.Kind == tree.Symlink:
			list = append(list, e.Path)
		}
		last = e.Path
		return nil
	})
	return list, err
}

// TestPatternsDoNotTouchArguments: what was named is sent.
func TestPatternsDoNotTouchArguments(t *testing.T) {
	dir := grow(t, "a.o", "build/build/x", "build/y", "build/a.o")
	o := tree.SourceOptions{Exclude: []string{"*.o", "/build"}}
	wantWalk(t, source(t, o, dir+"/a.o", dir+"/build"), "a.o", "build/", "build/y", "^build")
	o = tree.SourceOptions{Include: []string{"y"}}
	wantWalk(t, source(t, o, dir+"/a.o", dir+"/build"), "a.o", "build/", "build/y", "^build")
	if _, err := tree.NewSource([]string{dir}, tree.SourceOptions{Include: []string{"a", "[z"}}); err == nil || !strings.Contains(err.Error(), `include pattern "[z"`) {
		t.Errorf("a bad pattern: %v", err)
	}
}

// TestPatternsAreGits compares with git itself.
func TestPatternsAreGits(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	dir := grow(t)
	git(t, dir, "init", "-q")
	name := rapid.SampledFrom([]string{"a", "b", "ab", "c.o", "ba"})
	element := rapid.SampledFrom([]string{"a", "b", "*", "a*", "?", "*b", "**", "[ab]", "[!a]*", "*.o", "**b"})
	rapid.Check(t, func(t *rapid.T) {
		top := filepath.Join(dir, "top")
		defer os.RemoveAll(top)
		for _, names := range rapid.SliceOfN(rapid.SliceOfN(name, 1, 4), 1, 12).Draw(t, "files") {
			path := filepath.Join(top, filepath.Join(names...))
			os.MkdirAll(filepath.Dir(path), 0o755)
			os.WriteFile(path, nil, 0o644)
		}
		var patterns []string
		for _, elements := range rapid.SliceOfN(rapid.SliceOfN(element, 1, 4), 0, 4).Draw(t, "patterns") {
			p := strings.Join(elements, "/")
			p = rapid.SampledFrom([]string{"", "", "!"}).Draw(t, "not") + rapid.SampledFrom([]string{"", "/"}).Draw(t, "anchor") +
				p + rapid.SampledFrom([]string{"", "", "/"}).Draw(t, "folder")
			patterns = append(patterns, p)
		}
		if err := os.WriteFile(filepath.Join(dir, "patterns"), []byte(strings.Join(patterns, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(git(t, top, "--git-dir="+filepath.Join(dir, ".git"), "--work-tree=.", "ls-files", "--others", "--exclude-from="+filepath.Join(dir, "patterns")))
		s, err := tree.NewSource([]string{top}, tree.SourceOptions{Exclude: patterns})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var got []string
		s.Walk(nowhere(), func(e tree.Entry) error {
			if e.Kind == tree.File {
				got = append(got, strings.TrimPrefix(e.Path, "top/"))
			}
			return nil
		})
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("with %q\n got %q\n git %q", patterns, got, want)
		}
	})
}

func git(t interface{ Fatal(...any) }, dir string, args ...string) string {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(fmt.Sprint("git ", args, ": ", err, ": ", stderr.String()))
	}
	return string(out)
}

// FuzzPatterns: no pattern takes for ever or panics, and "!" turns it round.
func FuzzPatterns(f *testing.F) {
	f.Add("*.o", "a/b.o")
	f.Add("a/**/b/", "a/x/y/b/c")
	f.Add(`[!a-\]]**?`, "\xff/\xfe")
	f.Add(strings.Repeat("**/a*a*a/", 8)+"b", strings.Repeat("aaaa/", 15)+"c")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern)+len(path) > 200 {
			return // MapFS is slow
		}
		m := fstest.MapFS{path: &fstest.MapFile{}}
		plain, err := leaves(tree.FromFS(m, tree.SourceOptions{})) // or none, of "/b" or "."
		if err != nil || len(plain) != 1 || strings.Contains(path, ".dialtone-") {
			return // no path
		}
		without, err := leaves(tree.FromFS(m, tree.SourceOptions{Exclude: []string{pattern}}))
		if err != nil {
			return // no pattern
		}
		again, err := leaves(tree.FromFS(m, tree.SourceOptions{Exclude: []string{pattern, "!**"}}))
		if err != nil || !slices.Equal(again, plain) {
			t.Errorf("%q and then !** leaves %q of %q, %v", pattern, again, plain, err)
		}
		only, err := leaves(tree.FromFS(m, tree.SourceOptions{Include: []string{pattern}}))
		not := strings.HasPrefix(pattern, "!")
		if taken := !slices.Equal(without, plain); err != nil || not && taken || !not && taken != (len(only) > 0) {
			t.Errorf("%q of %q: excluded %q are left, included %q, %v", pattern, plain, without, only, err)
		}
	})
}
