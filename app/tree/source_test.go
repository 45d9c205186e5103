package tree_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/app/tree"

	"pgregory.net/rapid"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shm returns a folder in memory, where there is one.
func shm(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "tree")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// grow makes a tree in a new folder and returns that. A name with a slash at its
// end is a folder, "a -> b" a symbolic link, "a = b" a hard link to b; all else is
// a file that contains its own name.
func grow(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		plant(t, dir, n)
	}
	return dir
}

func plant(t testing.TB, dir, n string) {
	t.Helper()
	name, text, isLink := strings.Cut(n, " -> ")
	name, other, isHard := strings.Cut(name, " = ")
	path := filepath.Join(dir, name)
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	switch {
	case isLink:
		must(t, os.Symlink(text, path))
	case isHard:
		must(t, os.Link(filepath.Join(dir, other), path))
	case strings.HasSuffix(n, "/"):
		must(t, os.MkdirAll(path, 0o755))
	default:
		must(t, os.WriteFile(path, []byte(name), 0o644))
	}
}

// said is what Notice was told.
type said []string

func (s *said) notice(path, what string) { *s = append(*s, path+": "+what) }

func source(t testing.TB, o tree.SourceOptions, paths ...string) *tree.Source {
	t.Helper()
	s, err := tree.NewSource(paths, o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// walk returns what Walk visits.
func walk(t testing.TB, s *tree.Source) (all []tree.Entry) {
	t.Helper()
	must(t, s.Walk(t.Context(), func(e tree.Entry) error { all = append(all, e); return nil }))
	return all
}

// show is how the tests write a walk: "dir/", "file", "link -> text",
// "name = first name", and "^dir" for the end of a folder.
func show(all []tree.Entry) (list []string) {
	for _, e := range all {
		list = append(list, map[tree.Kind]string{
			tree.File: e.Path, tree.Dir: e.Path + "/", tree.Leave: "^" + e.Path,
			tree.Symlink: e.Path + " -> " + e.Target, tree.Link: e.Path + " = " + e.Target,
		}[e.Kind])
	}
	return list
}

func wantWalk(t testing.TB, s *tree.Source, want ...string) {
	t.Helper()
	if got := show(walk(t, s)); !slices.Equal(got, want) {
		t.Errorf("walked\n\t%q\nwant\n\t%q", got, want)
	}
}

// find returns the entry at path.
func find(t testing.TB, s *tree.Source, path string) tree.Entry {
	t.Helper()
	for _, e := range walk(t, s) {
		if e.Path == path && e.Kind != tree.Leave {
			return e
		}
	}
	t.Fatalf("%s was not visited", path)
	return tree.Entry{}
}

func TestWalkGoesThroughFilesThenFolders(t *testing.T) {
	dir := grow(t, "t/b/2", "t/b/1", "t/a/x/deep", "t/z", "t/a0", "t/a.txt", "t/link -> ../elsewhere", "t/empty/")
	wantWalk(
		t, source(t, tree.SourceOptions{}, dir+"/t"),
		"t/", "t/a.txt", "t/a0", "t/link -> ../elsewhere", "t/z",
		"t/a/", "t/a/x/", "t/a/x/deep", "^t/a/x", "^t/a",
		"t/b/", "t/b/1", "t/b/2", "^t/b",
		"t/empty/", "^t/empty", "^t",
	)
}

func TestWalkTellsMetadata(t *testing.T) {
	dir := grow(t, "t/file", "t/sub/")
	when := time.Date(2001, 2, 3, 4, 5, 6, 123456700, time.UTC)
	file, sub := dir+"/t/file", dir+"/t/sub"
	must(t, os.Chmod(file, 0o640|fs.ModeSetgid))
	must(t, os.Chmod(sub, 0o777|fs.ModeSticky))
	must(t, os.Chtimes(file, when, when))
	must(t, os.Chtimes(sub, when, when.Add(time.Hour)))
	s := source(t, tree.SourceOptions{}, dir+"/t")
	f, d := find(t, s, "t/file"), find(t, s, "t/sub")
	if f.Size != 6 || !f.ModTime.Equal(when) || f.Sparse {
		t.Errorf("the file is %+v", f)
	}
	if !d.ModTime.Equal(when.Add(time.Hour)) {
		t.Errorf("the folder is %+v", d)
	}
	if runtime.GOOS != "windows" && (f.Mode != 0o640|fs.ModeSetgid || d.Mode != 0o777|fs.ModeSticky) {
		t.Errorf("modes are %v and %v", f.Mode, d.Mode)
	}
}

func TestArgumentsArriveUnderTheirLastName(t *testing.T) {
	dir := grow(t, "holiday/pic", "notes.txt", "link -> holiday", "file-link -> notes.txt")
	for _, c := range []struct {
		paths []string
		want  []string
	}{
		{[]string{"holiday"}, []string{"holiday/", "holiday/pic", "^holiday"}},
		{[]string{"holiday/"}, []string{"holiday/", "holiday/pic", "^holiday"}},
		{[]string{"./holiday//"}, []string{"holiday/", "holiday/pic", "^holiday"}},
		{[]string{"holiday/."}, []string{"holiday/", "holiday/pic", "^holiday"}},
		{[]string{"holiday/../holiday/pic"}, []string{"pic"}},
		{[]string{"notes.txt", "holiday"}, []string{"notes.txt", "holiday/", "holiday/pic", "^holiday"}},
		{[]string{"link"}, []string{"link -> holiday"}},
		{[]string{"link/"}, []string{"link/", "link/pic", "^link"}},
		{[]string{"link/."}, []string{"holiday/", "holiday/pic", "^holiday"}},
		{[]string{"link/pic"}, []string{"pic"}},
		{[]string{"file-link"}, []string{"file-link -> notes.txt"}},
	} {
		t.Run(fmt.Sprint(c.paths), func(t *testing.T) {
			t.Chdir(dir)
			s := source(t, tree.SourceOptions{}, c.paths...)
			wantWalk(t, s, c.want...)
			for _, e := range walk(t, s) {
				if e.Kind == tree.File {
					wantContent(t, s, e)
				}
			}
		})
	}
	t.Run("here", func(t *testing.T) {
		t.Chdir(filepath.Join(dir, "holiday"))
		wantWalk(t, source(t, tree.SourceOptions{}, "."), "holiday/", "holiday/pic", "^holiday")
		wantWalk(t, source(t, tree.SourceOptions{}, "../holiday"), "holiday/", "holiday/pic", "^holiday")
	})
}

// wantContent reads a file in every way; a planted one contains its name.
func wantContent(t testing.TB, s *tree.Source, e tree.Entry) {
	t.Helper()
	buf := make([]byte, 4096)
	n, err := s.ReadSmall(e, buf)
	if err != nil || !strings.HasSuffix(string(buf[:n]), filepath.Base(e.Path)) {
		t.Errorf("ReadSmall %s: %q, %v", e.Path, buf[:n], err)
	}
	f, err := s.Open(e)
	if err != nil {
		t.Error(err)
		return
	}
	got, err := io.ReadAll(io.NewSectionReader(f, 0, e.Size))
	if err != nil || string(got) != string(buf[:n]) {
		t.Errorf("ReadAt %s: %q, %v", e.Path, got, err)
	}
	if err := errors.Join(f.Changed(), f.Close()); err != nil {
		t.Error(err)
	}
}

func TestArgumentsThatCannotBeSent(t *testing.T) {
	dir := grow(t, "a/same", "b/same", "same/", ".dialtone-x.part", "file")
	for _, c := range []struct {
		want  string // in the error
		paths []string
	}{
		{"no path", nil},
		{"empty", []string{""}},
		{"send " + dir + "/missing", []string{dir + "/file", dir + "/missing"}},
		{"arrive as same", []string{dir + "/a/same", dir + "/b/same"}},
		{"arrive as same", []string{dir + "/same/", dir + "/b/same"}},
		{"unfinished", []string{dir + "/.dialtone-x.part"}},
		{"file/", []string{dir + "/file/"}},
		{"alone", []string{"/", dir + "/file"}},
		{"alone", []string{dir + "/file", "/"}},
	} {
		_, err := tree.NewSource(c.paths, tree.SourceOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.paths, err, c.want)
		}
	}
	_, err := tree.NewSource([]string{dir + "/missing"}, tree.SourceOptions{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing path is %v", err)
	}
}

func TestHiddenPartialsAreLeftOut(t *testing.T) {
	dir := grow(t, "t/.dialtone-abc.part", "t/a", "t/.dialtone-d/x")
	var notes said
	wantWalk(t, source(t, tree.SourceOptions{Notice: notes.notice}, dir+"/t"), "t/", "t/a", "^t")
	if len(notes) != 2 {
		t.Errorf("said %q", notes)
	}
}

func TestHardLinksAreNamedOnce(t *testing.T) {
	dir := grow(t, "t/b", "t/a/1 = t/b", "t/c = t/b", "u/d = t/b", "t/alone")
	wantWalk(
		t, source(t, tree.SourceOptions{}, dir+"/t", dir+"/u"),
		"t/", "t/alone", "t/b", "t/c = t/b", "t/a/", "t/a/1 = t/b", "^t/a", "^t",
		"u/", "u/d = t/b", "^u",
	)
}

func TestTotalCountsWhatWalkVisits(t *testing.T) {
	dir := grow(t, "t/b", "t/c = t/b", "t/sub/four", "t/link -> b", "t/skip.o")
	s := source(t, tree.SourceOptions{Exclude: []string{"*.o"}}, dir+"/t")
	files, bytes, err := s.Total(t.Context())
	if err != nil || files != 2 || bytes != int64(len("t/b")+len("t/sub/four")) {
		t.Errorf("%d files, %d bytes, %v", files, bytes, err)
	}
}

func TestWalkEndsWithContextAndWithVisit(t *testing.T) {
	s := source(t, tree.SourceOptions{}, grow(t, "t/a", "t/b", "t/c/d")+"/t")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := s.Walk(ctx, func(tree.Entry) error {
		if n++; n == 2 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || n != 2 {
		t.Errorf("%d visits, then %v", n, err)
	}
	if _, _, err := s.Total(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Total: %v", err)
	}
	enough := errors.New("enough")
	for stop := 1; stop <= 7; stop++ {
		n := 0
		err := s.Walk(t.Context(), func(tree.Entry) error {
			if n++; n == stop {
				return enough
			}
			return nil
		})
		if (err != enough || n != stop) && stop <= 6 {
			t.Errorf("stopped after %d of %d: %v", n, stop, err)
		}
	}
}

// TestOpenNoticesChanges: what Walk named is what is read, or ErrChanged.
func TestOpenNoticesChanges(t *testing.T) {
	for what, change := range map[string]func(path string) error{
		"grows":      func(p string) error { return os.WriteFile(p, []byte("longer than before"), 0o644) },
		"shrinks":    func(p string) error { return os.Truncate(p, 1) },
		"is touched": func(p string) error { return os.Chtimes(p, time.Time{}, time.Unix(1, 1)) },
		"is touched a microsecond later": func(p string) error {
			info, err := os.Stat(p)
			must(t, err)
			was := info.ModTime()
			return os.Chtimes(p, time.Time{}, time.Unix(was.Unix(), int64(was.Nanosecond()+1000)%1e9))
		},
		"is replaced": func(p string) error {
			return errors.Join(os.WriteFile(p+"~", []byte("T/file"), 0o644), os.Chtimes(p+"~", time.Time{}, time.Unix(1, 1)), os.Rename(p+"~", p))
		},
		"is a folder now": func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o755)) },
		"is a link now": func(p string) error {
			return errors.Join(os.Rename(p, p+"~"), os.Symlink(filepath.Base(p)+"~", p))
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := grow(t, "t/file")
			s := source(t, tree.SourceOptions{}, dir+"/t")
			e := find(t, s, "t/file")
			before, err := s.Open(e)
			must(t, err)
			defer before.Close()
			must(t, change(dir+"/t/file"))
			if _, err := s.Open(e); !errors.Is(err, tree.ErrChanged) {
				t.Errorf("Open: %v", err)
			}
			if _, err := s.ReadSmall(e, make([]byte, 100)); !errors.Is(err, tree.ErrChanged) {
				t.Errorf("ReadSmall: %v", err)
			}
			inPlace := what == "grows" || what == "shrinks" || strings.HasPrefix(what, "is touched")
			if err := before.Changed(); errors.Is(err, tree.ErrChanged) != inPlace {
				t.Errorf("Changed: %v", err)
			}
			if _, err := before.ReadAt(make([]byte, 6), 0); errors.Is(err, tree.ErrChanged) != (what == "shrinks") {
				t.Errorf("ReadAt: %v", err)
			}
		})
	}
}

func TestOpenOfWhatIsGone(t *testing.T) {
	dir := grow(t, "t/a/file", "alone")
	s := source(t, tree.SourceOptions{}, dir+"/t", dir+"/alone")
	list := []tree.Entry{find(t, s, "t/a/file"), find(t, s, "alone")}
	must(t, os.RemoveAll(dir+"/t/a"))
	must(t, os.Remove(dir+"/alone"))
	for _, e := range append(list, tree.Entry{Path: "t/never"}, tree.Entry{Path: "other/x"}, tree.Entry{Path: "t/a\x00b"}) {
		if _, err := s.Open(e); err == nil || !strings.Contains(err.Error(), e.Path) {
			t.Errorf("Open of %q: %v", e.Path, err)
		}
		if _, err := s.ReadSmall(e, nil); err == nil {
			t.Errorf("ReadSmall of %q: %v", e.Path, err)
		}
	}
	var notes said
	s = source(t, tree.SourceOptions{Notice: notes.notice}, dir+"/t", grow(t, "x")+"/x")
	must(t, os.RemoveAll(dir+"/t"))
	wantWalk(t, s, "x")
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "t: vanished") {
		t.Errorf("said %q", notes)
	}
}

// TestNothingOutsideIsOpened: neither a link in a path nor "..".
func TestNothingOutsideIsOpened(t *testing.T) {
	dir := grow(t, "t/sub/file", "secret/file")
	s := source(t, tree.SourceOptions{}, dir+"/t")
	e := find(t, s, "t/sub/file")
	must(t, os.Rename(dir+"/t/sub", dir+"/t/was"))
	info, err := os.Stat(dir + "/t/was/file")
	must(t, err)
	must(t, os.WriteFile(dir+"/secret/file", []byte("t/sub/FILE"), 0o644))
	must(t, os.Chtimes(dir+"/secret/file", time.Time{}, info.ModTime()))
	must(t, os.Symlink("../secret", dir+"/t/sub"))
	for _, path := range []string{"t/sub/file", "t/../secret/file", "t/was/../../secret/file", "t//was/file/../../../secret/file"} {
		e.Path = path
		if f, err := s.Open(e); err == nil {
			f.Close()
			t.Errorf("%s was opened", path)
		}
		if _, err := s.ReadSmall(e, make([]byte, 100)); err == nil {
			t.Errorf("%s was read", path)
		}
	}
}

func TestReadSmallNeedsRoom(t *testing.T) {
	s := source(t, tree.SourceOptions{}, grow(t, "file")+"/file")
	e := find(t, s, "file")
	if _, err := s.ReadSmall(e, make([]byte, 3)); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("3 bytes of room: %v", err)
	}
	if n, err := s.ReadSmall(e, make([]byte, 4)); n != 4 || err != nil {
		t.Errorf("4 bytes of room: %d, %v", n, err)
	}
}

func TestManyArguments(t *testing.T) {
	dir := t.TempDir()
	var paths, want []string
	for i := range 200 {
		plant(t, dir, fmt.Sprintf("%03d/f", i))
		paths = append(paths, fmt.Sprintf("%s/%03d", dir, i))
		want = append(want, fmt.Sprintf("%03d/", i), fmt.Sprintf("%03d/f", i), fmt.Sprintf("^%03d", i))
	}
	s := source(t, tree.SourceOptions{}, paths...)
	wantWalk(t, s, want...)
	all := walk(t, s)
	var wg sync.WaitGroup
	for range 4 { // as the streams of a transfer do
		wg.Go(func() {
			for _, e := range all {
				if e.Kind == tree.File {
					wantContent(t, s, e)
				}
			}
		})
	}
	wantWalk(t, s, want...)
	wg.Wait()
}

// TestArgumentThatIsALinkNow: it was a folder, and is not followed.
func TestArgumentThatIsALinkNow(t *testing.T) {
	dir := grow(t, "t/file", "secret/file", "u/file")
	var notes said
	s := source(t, tree.SourceOptions{Notice: notes.notice}, dir+"/t", dir+"/u")
	must(t, os.Rename(dir+"/t", dir+"/was"))
	must(t, os.Symlink("secret", dir+"/t"))
	if runtime.GOOS == "linux" { // elsewhere os.Root follows what was named
		wantWalk(t, s, "u/", "u/file", "^u")
		if want := (said{"t: changed while the tree was read: left out"}); !slices.Equal(notes, want) {
			t.Errorf("said %q, want %q", notes, want)
		}
	}
}

// TestLargeFolders: more names than one batch holds, files and folders.
func TestLargeFolders(t *testing.T) {
	const n = 17_000
	dir := filepath.Join(shm(t), "t")
	must(t, os.Mkdir(dir, 0o755))
	for i := range n {
		must(t, os.Mkdir(filepath.Join(dir, fmt.Sprint("d", i)), 0o755))
		must(t, os.Symlink("x", filepath.Join(dir, fmt.Sprint("f", i))))
	}
	seen := map[string]int{}
	folders := false
	must(t, source(t, tree.SourceOptions{}, dir).Walk(t.Context(), func(e tree.Entry) error {
		seen[e.Path]++
		folders = folders || e.Kind == tree.Dir && e.Path != "t"
		if folders && e.Kind == tree.Symlink {
			t.Fatalf("%s comes after a folder", e.Path)
		}
		return nil
	}))
	if len(seen) != 2*n+1 {
		t.Errorf("saw %d paths, want %d", len(seen), 2*n+1)
	}
	for path, times := range seen {
		if want := 1 + strings.Count(path, "d") + (1 - min(1, strings.Count(path, "/"))); times != want {
			t.Errorf("%s was visited %d times, want %d", path, times, want)
		}
	}
}

// TestWalkSeesWhatWalkDirSees on random trees with awkward names.
func TestWalkSeesWhatWalkDirSees(t *testing.T) {
	name := rapid.OneOf(
		rapid.SampledFrom(awkward()),
		rapid.StringMatching(`[a-c]{1,2}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "walk")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		top := filepath.Join(dir, "top")
		os.Mkdir(top, 0o755)
		for _, names := range rapid.SliceOfN(rapid.SliceOfN(name, 1, 5), 0, 20).Draw(t, "paths") {
			path := filepath.Join(top, filepath.Join(names...))
			os.MkdirAll(filepath.Dir(path), 0o755) // may fail where a file is in the way
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				os.WriteFile(path, []byte(path), 0o644)
			case 1:
				os.Mkdir(path, 0o755)
			case 2:
				os.Symlink(names[0], path)
			}
		}
		var want []string
		filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			rel, _ := filepath.Rel(dir, path)
			want = append(want, fmt.Sprint(filepath.ToSlash(rel), " ", d.Type()))
			return err
		})
		s, err := tree.NewSource([]string{top}, tree.SourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var got, open []string
		err = s.Walk(context.Background(), func(e tree.Entry) error {
			if e.Kind == tree.Leave {
				if last := len(open) - 1; open[last] == e.Path {
					open = open[:last]
					return nil
				}
				return fmt.Errorf("left %q while in %q", e.Path, open)
			}
			if len(open) > 0 && filepath.ToSlash(filepath.Dir(e.Path)) != open[len(open)-1] {
				return fmt.Errorf("visited %q while in %q", e.Path, open)
			}
			types := map[tree.Kind]fs.FileMode{tree.Dir: fs.ModeDir, tree.Symlink: fs.ModeSymlink}
			got = append(got, fmt.Sprint(e.Path, " ", types[e.Kind]))
			if e.Kind == tree.Dir {
				open = append(open, e.Path)
			}
			return nil
		})
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("walked %q, %v, want %q", got, err, want)
		}
	})
}

// awkward returns names that this system can hold.
func awkward() []string {
	list := []string{"-rf", "a b", "\u00e9", "e\u0301", "\U0001F98A", "~", "$HOME", ".hidden", "x" + strings.Repeat("y", 254)}
	if runtime.GOOS == "linux" {
		list = append(list, "new\nline", "bad\xff\xfeutf8", "\x01", "tab\t", `back\slash`, "*", "?", "[", ":", "\"")
	}
	return list
}
