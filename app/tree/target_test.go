package tree_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

const chunk = 1024

var (
	t1 = time.Unix(1_600_000_001, 123_456_789)
	t2 = time.Unix(1_700_000_002, 987_654_321)
)

// opener opens a target in one of the ways there are.
type opener func(dir string, o tree.TargetOptions) (*tree.Target, error)

// each runs test with every kind of target.
func each(t *testing.T, test func(t *testing.T, open opener)) {
	for name, open := range map[string]opener{
		"inline": tree.OpenTargetInline, "synced": tree.OpenTargetSynced,
		"root": tree.OpenTargetByRoot, "named": tree.OpenTargetNamed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

// arrival is an entry, its content, and what is expected of it.
type arrival struct {
	tree.Entry
	content string
	verdict tree.Verdict // 0: Want for a File, Done for others
	final   string       // "": the entry's path
	fails   error        // of Begin, or of done
}

func file(path, content string) arrival {
	return arrival{Entry: tree.Entry{
		Path: path, Kind: tree.File, Mode: 0o644, ModTime: t1, Size: int64(len(content)),
	}, content: content}
}

func dir(path string) arrival {
	return arrival{Entry: tree.Entry{Path: path, Kind: tree.Dir, Mode: 0o755, ModTime: t1}}
}

func leave(path string) arrival {
	return arrival{Entry: tree.Entry{Path: path, Kind: tree.Leave}}
}

func symlink(path, text string) arrival {
	return arrival{Entry: tree.Entry{Path: path, Kind: tree.Symlink, ModTime: t1, Target: text}}
}

func link(path, to string) arrival {
	return arrival{Entry: tree.Entry{Path: path, Kind: tree.Link, Target: to}}
}

func (a arrival) verdictIs(v tree.Verdict) arrival { a.verdict = v; return a }
func (a arrival) as(final string) arrival          { a.final = final; return a }
func (a arrival) failing(err error) arrival        { a.fails = err; return a }
func (a arrival) at(t time.Time) arrival           { a.ModTime = t; return a }
func (a arrival) mode(m fs.FileMode) arrival       { a.Mode = m; return a }

// errAny is an error that need only be one.
var errAny = errors.New("any")

func wrong(got, want error) bool {
	if want == errAny {
		return got == nil
	}
	return !errors.Is(got, want)
}

// receive sends arrivals into a new target in root and closes it.
func receive(t *testing.T, open opener, root string, o tree.TargetOptions, list ...arrival) {
	t.Helper()
	target, err := open(root, o)
	if err != nil {
		t.Fatal(err)
	}
	var results results
	for _, a := range list {
		give(t, target, a, &results)
	}
	if err := target.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	results.check(t)
	noneHidden(t, root)
}

// results are what done was told.
type results struct {
	mu   sync.Mutex
	came sync.Cond // on mu: another one is in got
	want map[string]arrival
	got  map[string]result
}

type result struct {
	final string
	err   error
}

func (r *results) expect(a arrival) func(string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.want == nil {
		r.want, r.got = map[string]arrival{}, map[string]result{}
		r.came.L = &r.mu
	}
	r.want[a.Path] = a
	return func(final string, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got[a.Path] = result{final, err}
		r.came.Broadcast()
	}
}

func (r *results) check(t *testing.T) {
	t.Helper()
	for path, a := range r.want {
		got, ok := r.got[path]
		want := a.final
		if want == "" {
			want = path
		}
		switch {
		case !ok:
			t.Errorf("%s: done was not called", path)
		case a.fails != nil:
			if wrong(got.err, a.fails) {
				t.Errorf("%s: done got %v, want %v", path, got.err, a.fails)
			}
		case got.err != nil || got.final != want:
			t.Errorf("%s: done got %q, %v, want %q", path, got.final, got.err, want)
		}
	}
}

// give begins a and brings its content: whole when it is one chunk or less, in
// chunks out of order when it is more.
func give(t *testing.T, target *tree.Target, a arrival, r *results) {
	t.Helper()
	in, v, err := target.Begin(a.Entry, chunk)
	want := a.verdict
	if want == 0 {
		want = tree.Done
		if a.Kind == tree.File {
			want = tree.Want
		}
	}
	if v == tree.Compare && want != tree.Compare {
		v = resolve(t, in, a)
	}
	if v == tree.Later && want == tree.Done {
		v = want
	}
	if v != want {
		t.Errorf("%s: %v, %v, want %v", a.Path, v, err, want)
	}
	if v == tree.Refused && (err == nil || a.fails != nil && wrong(err, a.fails)) {
		t.Errorf("%s: refused by %v, want %v", a.Path, err, a.fails)
	}
	if in == nil || v == tree.Have || v == tree.Skipped || v == tree.Refused {
		return
	}
	bring(t, in, a, r.expect(a))
}

func bring(t *testing.T, in *tree.Incoming, a arrival, done func(string, error)) {
	t.Helper()
	switch {
	case a.Kind == tree.Link:
		in.Commit(0, done)
		return
	case len(a.content) <= chunk:
		in.WriteWhole([]byte(a.content), done)
		return
	}
	if err := write(in, a.content, -1); err != nil && a.fails == nil {
		t.Errorf("%s: %v", a.Path, err)
	}
	in.Commit(int64(len(a.content)), done)
}

// write writes and verifies the missing chunks, at most n of them when n is not
// negative, last first.
func write(in *tree.Incoming, content string, n int) error {
	var list []int64
	for from, to := range in.Missing() {
		for i := from; i < to; i++ {
			list = append(list, i)
		}
	}
	slices.Reverse(list)
	for _, i := range list {
		if n == 0 {
			return nil
		}
		n--
		p := []byte(content[i*chunk : min((i+1)*chunk, int64(len(content)))])
		if _, err := in.WriteAt(p, i*chunk); err != nil {
			return err
		}
		if err := in.Verified(i, digest.Chunk(p, i*chunk)); err != nil {
			return err
		}
	}
	return nil
}

// resolve does what a receiver does about Compare.
func resolve(t *testing.T, in *tree.Incoming, a arrival) tree.Verdict {
	t.Helper()
	for {
		sum, err := in.Hash(context.Background())
		if err != nil {
			t.Errorf("%s: %v", a.Path, err)
		}
		if v, _ := in.Resolve(sum == digest.Of([]byte(a.content))); v != tree.Compare {
			return v
		}
	}
}

func noneHidden(t *testing.T, root string) {
	t.Helper()
	for path := range snapshot(t, root) {
		if strings.Contains(path, ".dialtone-") {
			t.Errorf("%s was left behind", path)
		}
	}
}

// snapshot returns what is in root: "kind content" by path.
func snapshot(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		name, _ := filepath.Rel(root, p)
		switch {
		case d.IsDir():
			all[name] = "dir"
		case d.Type() == fs.ModeSymlink:
			text, _ := os.Readlink(p)
			all[name] = "→" + text
		default:
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			all[name] = string(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantTree(t *testing.T, root string, want map[string]string) {
	t.Helper()
	got := snapshot(t, root)
	if maps.Equal(got, want) {
		return
	}
	for _, p := range slices.Sorted(maps.Keys(got)) {
		if w, ok := want[p]; !ok || w != got[p] {
			t.Errorf("%q is %.40q, want %.40q (there: %v)", p, got[p], w, ok)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[p]; !ok {
			t.Errorf("%q is missing", p)
		}
	}
}

// text returns n bytes that are the same each time for the same seed.
func text(n int, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

func put(t *testing.T, path, content string, mtime time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, mtime, mtime); err != nil {
		t.Fatal(err)
	}
}

func TestATreeArrivesWhole(t *testing.T) {
	big := text(5*chunk+17, 1)
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		receive(
			t, open, root, tree.TargetOptions{},
			dir("a").mode(0o750), file("a/empty", ""), file("a/small", "hello").mode(0o600), file("a/big", big),
			symlink("a/s", "small"), dir("a/b").mode(0o500), file("a/b/x\n\xff", "awkward").mode(0o444),
			leave("a/b"), leave("a"), file("last", "end"), link("again", "a/big"),
		)
		wantTree(t, root, map[string]string{
			"a": "dir", "a/empty": "", "a/small": "hello", "a/big": big, "a/s": "→small",
			"a/b": "dir", "a/b/x\n\xff": "awkward", "last": "end", "again": big,
		})
		for path, mode := range map[string]fs.FileMode{
			"a": 0o750 | fs.ModeDir, "a/small": 0o600, "a/b": 0o500 | fs.ModeDir, "a/b/x\n\xff": 0o444, "last": 0o644,
		} {
			fi, err := os.Lstat(filepath.Join(root, path))
			if err != nil || fi.Mode() != mode || !fi.ModTime().Equal(t1) {
				t.Errorf("%q: %v %v %v, want %v %v", path, fi.Mode(), fi.ModTime(), err, mode, t1)
			}
		}
		one, _ := os.Stat(filepath.Join(root, "a/big"))
		other, _ := os.Stat(filepath.Join(root, "again"))
		if !os.SameFile(one, other) {
			t.Error("the hard link is a copy")
		}
	})
}

func TestTheSameAgainIsNotWanted(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		list := []arrival{dir("a"), file("a/f", "one"), link("a/l", "a/f"), symlink("a/s", "x"), leave("a")}
		receive(t, open, root, tree.TargetOptions{}, list...)
		list[1] = list[1].verdictIs(tree.Have)
		list[2] = list[2].verdictIs(tree.Have)
		list[3] = list[3].verdictIs(tree.Have)
		if strings.HasSuffix(t.Name(), "windows") {
			return
		}
		receive(t, open, root, tree.TargetOptions{}, list...)
		wantTree(t, root, map[string]string{"a": "dir", "a/f": "one", "a/l": "one", "a/s": "→x"})
	})
}

func TestConflictKeepBothDoesNotMultiply(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		put(t, filepath.Join(root, "n.tar.gz"), "theirs", t2)
		put(t, filepath.Join(root, "n (2).tar.gz"), "more", t2)
		put(t, filepath.Join(root, "d"), "a file", t2)
		if err := os.Symlink("elsewhere", filepath.Join(root, "s")); err != nil {
			t.Fatal(err)
		}
		list := []arrival{
			file("n.tar.gz", "mine!!").as("n (3).tar.gz"), symlink("s", "here"),
			dir("d"), file("d/x", "x").as("d (2)/x"), link("d/y", "n.tar.gz").as("d (2)/y"), leave("d"),
		}
		receive(t, open, root, tree.TargetOptions{}, list...)
		want := map[string]string{
			"n.tar.gz": "theirs", "n (2).tar.gz": "more", "n (3).tar.gz": "mine!!",
			"s": "→elsewhere", "s (2)": "→here", "d": "a file", "d (2)": "dir", "d (2)/x": "x", "d (2)/y": "mine!!",
		}
		wantTree(t, root, want)
		for i, a := range list {
			if a.Kind != tree.Dir && a.Kind != tree.Leave {
				list[i] = a.verdictIs(tree.Have)
			}
		}
		receive(t, open, root, tree.TargetOptions{}, list...)
		wantTree(t, root, want)
	})
}

func TestConflictOverwriteSkipFail(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		begin := func() string {
			root := t.TempDir()
			put(t, filepath.Join(root, "f"), "theirs", t2)
			put(t, filepath.Join(root, "d"), "theirs", t2)
			if err := os.Mkdir(filepath.Join(root, "e"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("e", filepath.Join(root, "s")); err != nil {
				t.Fatal(err)
			}
			return root
		}
		before := map[string]string{"f": "theirs", "d": "theirs", "e": "dir", "s": "→e"}
		list := func(v tree.Verdict, err error) []arrival {
			return []arrival{
				file("f", "mine is longer").verdictIs(v).failing(err), symlink("s", "f").verdictIs(v).failing(err),
				dir("d").verdictIs(v).failing(err), file("d/x", "x").verdictIs(v), leave("d"),
			}
		}
		t.Run("overwrite", func(t *testing.T) {
			root := begin()
			all := list(0, nil)
			receive(t, open, root, tree.TargetOptions{OnConflict: tree.Overwrite},
				append(all, file("e", "a folder stays").verdictIs(tree.Refused))...)
			wantTree(t, root, map[string]string{
				"f": "mine is longer", "s": "→f", "d": "dir", "d/x": "x", "e": "dir",
			})
		})
		t.Run("skip", func(t *testing.T) {
			root := begin()
			receive(t, open, root, tree.TargetOptions{OnConflict: tree.Skip}, list(tree.Skipped, nil)...)
			wantTree(t, root, before)
		})
		t.Run("fail", func(t *testing.T) {
			root := begin()
			receive(t, open, root, tree.TargetOptions{OnConflict: tree.Fail}, list(tree.Refused, tree.ErrConflict)...)
			wantTree(t, root, before)
		})
	})
}

func TestCompareDecidesByContent(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		long := strings.Repeat(text(1<<10, 7), 2<<10) + "end"
		put(t, filepath.Join(root, "same"), long, t2)
		put(t, filepath.Join(root, "differs"), "abc", t2)
		put(t, filepath.Join(root, "empty"), "", t2)
		put(t, filepath.Join(root, "sly"), "abc", t1) // same size and time, other content
		receive(
			t, open, root, tree.TargetOptions{},
			file("same", long).verdictIs(tree.Have), file("differs", "xyz").as("differs (2)"),
			file("empty", "").verdictIs(tree.Have), file("sly", "xyz").verdictIs(tree.Have),
		)
		receive(t, open, root, tree.TargetOptions{Compare: true}, file("sly", "xyz").as("sly (2)"))
		receive(t, open, root, tree.TargetOptions{Compare: true}, file("sly", "xyz").verdictIs(tree.Have))
		receive(t, open, root, tree.TargetOptions{OnConflict: tree.Overwrite}, file("same", long).verdictIs(tree.Have))
		want := map[string]string{
			"same": long, "differs": "abc", "differs (2)": "xyz", "empty": "", "sly": "abc", "sly (2)": "xyz",
		}
		wantTree(t, root, want)
		if fi, _ := os.Stat(filepath.Join(root, "same")); !fi.ModTime().Equal(t1) {
			t.Errorf("an identical file that may be overwritten has time %v, want %v", fi.ModTime(), t1)
		}
	})
}

// TestNothingOfThisRunIsOverwritten: where names differ only in a way that the
// file system does not see, both arrive. Two entries with the same name stand for
// that here.
func TestNothingOfThisRunIsOverwritten(t *testing.T) {
	for _, c := range []tree.Conflict{tree.KeepBoth, tree.Overwrite} {
		each(t, func(t *testing.T, open opener) {
			root := t.TempDir()
			o := tree.TargetOptions{OnConflict: c}
			if c == tree.Overwrite {
				put(t, filepath.Join(root, "f"), "theirs", t2)
			}
			target, err := open(root, o)
			if err != nil {
				t.Fatal(err)
			}
			var first, second, third results
			give(t, target, file("f", "one"), &first)
			give(t, target, dir("d"), &first)
			give(t, target, file("d/f", "one"), &first)
			waitFor(&first, 2)
			give(t, target, file("d/f", "two!").as("d/f (2)"), &second)
			give(t, target, leave("d"), &second)
			give(t, target, file("f", "two!").as("f (2)"), &second)
			waitFor(&second, 2)
			give(t, target, dir("d"), &third)
			give(t, target, file("d/f", "three").as("d (2)/f"), &third)
			give(t, target, leave("d"), &third)
			if err := target.Close(); err != nil {
				t.Error(err)
			}
			first.check(t)
			second.check(t)
			third.check(t)
			wantTree(t, root, map[string]string{
				"f": "one", "f (2)": "two!", "d": "dir", "d/f": "one", "d/f (2)": "two!", "d (2)": "dir", "d (2)/f": "three",
			})
		})
	}
}

// waitFor waits until n results are there.
func waitFor(r *results, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.got) < n {
		r.came.Wait()
	}
}

func TestBothOfTwoThatWaitAreKept(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		put(t, filepath.Join(root, "f"), "theirs", t2)
		target, err := open(root, tree.TargetOptions{OnConflict: tree.Overwrite})
		if err != nil {
			t.Fatal(err)
		}
		in, v, err := target.Begin(file("f", "mine").Entry, chunk)
		if v != tree.Want {
			t.Fatal(v, err)
		}
		put(t, filepath.Join(root, "new"), "somebody's", t2) // f is replaced meanwhile
		if err := os.Rename(filepath.Join(root, "new"), filepath.Join(root, "f")); err != nil {
			t.Fatal(err)
		}
		var r results
		bring(t, in, file("f", "mine"), r.expect(file("f", "mine").as("f (2)")))
		target.Close()
		r.check(t)
		wantTree(t, root, map[string]string{"f": "somebody's", "f (2)": "mine"})
	})
}

func TestPathsOutOfOrderAreRefused(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		deep := strings.Repeat("a/", 1024) + "b"
		receive(
			t, open, root, tree.TargetOptions{},
			file("../x", "").verdictIs(tree.Refused).failing(errAny), file("/x", "").verdictIs(tree.Refused),
			file("a/b", "").verdictIs(tree.Refused), dir("a"), file("b", "").verdictIs(tree.Refused),
			leave("b").verdictIs(tree.Refused), dir("a/b"), file("a/c", "").verdictIs(tree.Refused),
			leave("a").verdictIs(tree.Refused), leave("a/b"), leave("a"), leave("a").verdictIs(tree.Refused),
			file(deep, "").verdictIs(tree.Refused), file(strings.Repeat("a/", 2100)+"b", "").verdictIs(tree.Refused),
			file(".dialtone-x", "").verdictIs(tree.Refused),
		)
		wantTree(t, root, map[string]string{"a": "dir", "a/b": "dir"})
		var pe *tree.PathError
		if err := tree.CheckPath("a//b"); !errors.As(err, &pe) || pe.Path != "a//b" {
			t.Errorf("CheckPath: %v", err)
		}
	})
}

func TestSymbolicLinksInTheWayAreNotFollowed(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		for _, c := range []tree.Conflict{tree.KeepBoth, tree.Overwrite} {
			root, outside := t.TempDir(), t.TempDir()
			if err := os.Mkdir(filepath.Join(root, "inside"), 0o755); err != nil {
				t.Fatal(err)
			}
			for name, to := range map[string]string{"out": outside, "in": "inside", "f": filepath.Join(outside, "f")} {
				if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
					t.Fatal(err)
				}
			}
			suffix := map[tree.Conflict]string{tree.KeepBoth: " (2)", tree.Overwrite: ""}[c]
			receive(
				t, open, root, tree.TargetOptions{OnConflict: c},
				dir("out"), file("out/x", "x").as("out"+suffix+"/x"), leave("out"),
				dir("in"), file("in/x", "x").as("in"+suffix+"/x"), leave("in"), file("f", "f").as("f"+suffix),
			)
			if got := snapshot(t, outside); len(got) > 0 {
				t.Errorf("outside there is %v", got)
			}
			if got := snapshot(t, filepath.Join(root, "inside")); len(got) > 0 {
				t.Errorf("inside there is %v", got)
			}
		}
	})
}

func TestAFolderReplacedByALinkIsNoticed(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root, outside := t.TempDir(), t.TempDir()
		target, err := open(root, tree.TargetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var r results
		give(t, target, dir("a"), &r)
		give(t, target, file("a/x", "x"), &r)
		give(t, target, dir("a/b"), &r)
		give(t, target, file("a/b/x", "x"), &r)
		waitFor(&r, 2)
		target.ShutHandles()
		if err := os.Rename(filepath.Join(root, "a"), filepath.Join(root, "was")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, filepath.Join(root, "a")); err != nil {
			t.Fatal(err)
		}
		give(t, target, file("a/b/y", "y").failing(errAny), &r)
		if err := os.Remove(filepath.Join(root, "a")); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(root, "a", "b"), 0o755); err != nil {
			t.Fatal(err)
		}
		give(t, target, file("a/b/z", "z").failing(errAny), &r)
		give(t, target, leave("a/b"), &r)
		give(t, target, leave("a"), &r)
		give(t, target, dir("c"), &r) // and before anything was in it
		if err := os.Remove(filepath.Join(root, "c")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, filepath.Join(root, "c")); err != nil {
			t.Fatal(err)
		}
		give(t, target, file("c/x", "x").failing(errAny), &r)
		target.Close()
		r.check(t)
		if got := snapshot(t, outside); len(got) > 0 {
			t.Errorf("outside there is %v", got)
		}
		if got := snapshot(t, filepath.Join(root, "a")); len(got) != 1 {
			t.Errorf("in the folder put there instead there is %v", got)
		}
	})
}

func TestLinksWaitForTheirFile(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		put(t, filepath.Join(root, "f"), "theirs", t2)
		target, err := open(root, tree.TargetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		content := text(3*chunk, 3)
		f := file("f", content).as("f (2)")
		in, _, err := target.Begin(f.Entry, chunk)
		if err != nil {
			t.Fatal(err)
		}
		lost, _, err := target.Begin(file("lost", content).Entry, chunk)
		if err != nil {
			t.Fatal(err)
		}
		var r results
		give(t, target, dir("d"), &r)
		give(t, target, link("d/before", "f").verdictIs(tree.Later), &r)
		give(t, target, link("d/none", "lost").verdictIs(tree.Later).failing(errAny), &r)
		bring(t, in, f, r.expect(f))
		if err := lost.Discard(); err != nil {
			t.Error(err)
		}
		waitFor(&r, 3)
		give(t, target, link("d/after", "f"), &r)
		give(t, target, leave("d"), &r)
		if err := target.Close(); err != nil {
			t.Error(err)
		}
		r.check(t)
		wantTree(t, root, map[string]string{
			"f": "theirs", "f (2)": content, "d": "dir", "d/before": content, "d/after": content,
		})
		if fi, _ := os.Stat(filepath.Join(root, "d")); !fi.ModTime().Equal(t1) {
			t.Errorf("the folder's time is %v, want %v", fi.ModTime(), t1)
		}
	})
}

func TestDryRunWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		put(t, filepath.Join(root, "f"), "abc", t1)
		put(t, filepath.Join(root, "g"), "abc", t1)
		before := snapshot(t, root)
		target, err := open(root, tree.TargetOptions{DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		var r results
		give(t, target, file("f", "abc").verdictIs(tree.Have), &r)
		in, v, err := target.Begin(file("g", "xyz").at(t2).Entry, chunk)
		if v != tree.Compare {
			t.Fatal(v, err)
		}
		if v := resolve(t, in, file("g", "xyz")); v != tree.Want {
			t.Errorf("a file that differs: %v", v)
		}
		for _, a := range []arrival{
			file("new", "abc"), dir("d"), file("d/x", "x"), dir("d/e"), file("d/e/x", text(9*chunk, 1)),
			leave("d/e"), leave("d"), symlink("s", "x"), link("l", "f"),
		} {
			in, v, err := target.Begin(a.Entry, chunk)
			if in != nil || err != nil || v != tree.Want && v != tree.Done {
				t.Errorf("%s: %v, %v, %v", a.Path, in, v, err)
			}
		}
		target.Close()
		wantTree(t, root, before)
	})
}

func TestRenameIsForOneFile(t *testing.T) {
	root := t.TempDir()
	o := tree.TargetOptions{Rename: "other"}
	receive(t, tree.OpenTarget, root, o, file("f", "x").as("other"), file("g", "y").verdictIs(tree.Refused))
	receive(t, tree.OpenTarget, root, o, dir("d").verdictIs(tree.Refused))
	wantTree(t, root, map[string]string{"other": "x"})
	if _, err := tree.OpenTarget(root, tree.TargetOptions{Rename: "../x"}); err == nil {
		t.Error("a file can be renamed out of the folder")
	}
}

func TestStreamsOfUnknownSize(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		target, err := open(root, tree.TargetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		a := file("s", "")
		a.Size = -1
		in, v, err := target.Begin(a.Entry, chunk)
		if v != tree.Want {
			t.Fatal(v, err)
		}
		content := text(2500, 4)
		for off := 0; off < len(content); off += 100 {
			if _, err := in.WriteAt([]byte(content[off:off+100]), int64(off)); err != nil {
				t.Fatal(err)
			}
		}
		var r results
		in.Commit(int64(len(content)), r.expect(a))
		target.Close()
		r.check(t)
		wantTree(t, root, map[string]string{"s": content})
	})
}

func TestAFileIsItsSize(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		target, err := open(root, tree.TargetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		begin := func(name string) *tree.Incoming {
			in, _, err := target.Begin(file(name, text(3*chunk, 1)).Entry, chunk)
			if err != nil {
				t.Fatal(err)
			}
			return in
		}
		var r results
		begin("whole").WriteWhole([]byte("short"), r.expect(file("whole", "").failing(errAny)))
		long := begin("long")
		if _, err := long.WriteAt(make([]byte, chunk), 2*chunk+1); err == nil {
			t.Error("more than the file's size can be written")
		}
		if err := long.Verified(3, digest.Sum{}); err == nil {
			t.Error("a fourth chunk of three is verified")
		}
		long.Commit(3*chunk+1, r.expect(file("long", "").failing(errAny)))
		target.Close()
		r.check(t)
		wantTree(t, root, map[string]string{})
	})
}

func TestDeepTreesNeedFewDescriptors(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		if strings.HasSuffix(t.Name(), "named") || strings.HasSuffix(t.Name(), "synced") {
			t.Skip("it would be the same as inline")
		}
		root := t.TempDir()
		target, err := open(root, tree.TargetOptions{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		const depth = 1000 // as deep as a tree must be able to be
		var r results
		for i := range depth {
			p := strings.Repeat("d/", i)
			give(t, target, dir(p+"d"), &r)
			if i%50 == 0 {
				give(t, target, file(p+"d/f", "x"), &r)
			}
		}
		for i := depth; i > 0; i-- {
			give(t, target, leave(strings.TrimSuffix(strings.Repeat("d/", i), "/")), &r)
			if n := target.Handles(); n > 65 {
				t.Fatalf("%d folders are open", n)
			}
		}
		if err := target.Close(); err != nil {
			t.Error(err)
		}
		r.check(t)
		if _, err := os.Stat(filepath.Join(root, strings.Repeat("d/", 951), "f")); err != nil {
			t.Error(err)
		}
	})
}

func TestNoticesWhatIsNotKept(t *testing.T) {
	root := t.TempDir()
	var got []string
	o := tree.TargetOptions{Notice: func(path, what string) { got = append(got, fmt.Sprintf("%s: %s", path, what)) }}
	target, err := tree.OpenTarget(root, o)
	if err != nil {
		t.Fatal(err)
	}
	var r results
	give(t, target, file("setuid", "x").mode(0o755|fs.ModeSetuid), &r)
	give(t, target, symlink("abs", "/etc/passwd"), &r)
	give(t, target, symlink("up", "../x"), &r)
	give(t, target, symlink("fine", "a/../b"), &r)
	target.Close()
	r.check(t)
	for _, want := range []string{"setuid: ", "abs: ", "up: "} {
		if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("nothing is said of %q: %q", want, got)
		}
	}
	if len(got) != 3 {
		t.Errorf("notices: %q", got)
	}
	if fi, _ := os.Stat(filepath.Join(root, "setuid")); fi.Mode() != 0o755 {
		t.Errorf("mode %v", fi.Mode())
	}
}

func TestHolesStayHoles(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		target, err := open(root, tree.TargetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		const size = 1 << 40
		a := file("f", "")
		a.Size, a.Sparse = size, true
		in, v, err := target.Begin(a.Entry, 1<<20)
		if v != tree.Want {
			t.Fatal(v, err)
		}
		if _, err := in.WriteAt([]byte("middle"), size/2); err != nil {
			t.Fatal(err)
		}
		var r results
		in.Commit(size, r.expect(a))
		target.Close()
		r.check(t)
		f, err := os.Open(filepath.Join(root, "f"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		p := make([]byte, 10)
		if _, err := f.ReadAt(p, size/2-2); err != nil || !bytes.Equal(p, []byte("\x00\x00middle\x00\x00")) {
			t.Errorf("%q, %v", p, err)
		}
		if n := allocated(f); n > 1<<20 {
			t.Errorf("%d bytes are allocated", n)
		}
	})
}
