package tree_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/app/tree"
)

// wide is an fs.FS whose folders contain names without end, or n of them.
type wide struct {
	n      int
	flat   bool // only the uppermost folder contains anything
	mode   fs.FileMode
	nlink  uint64
	served *int // names handed out, all folders
}

type wideFile struct {
	wide
	name string
	mode fs.FileMode
	at   int
}

func (w wide) Open(name string) (fs.File, error) {
	f := &wideFile{wide: w, name: name, mode: fs.ModeDir | 0o755}
	if w.flat && name != "." {
		f.at = f.n
	}
	return f, nil
}

func (w wide) Lstat(name string) (fs.FileInfo, error) {
	return &wideFile{wide: w, name: name, mode: w.mode}, nil
}

func (w wide) ReadLink(string) (string, error) { return "", fs.ErrInvalid }

func (f *wideFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *wideFile) Info() (fs.FileInfo, error) { return f, nil }
func (f *wideFile) Read([]byte) (int, error)   { return 0, io.EOF }
func (f *wideFile) Close() error               { return nil }
func (f *wideFile) Name() string               { return f.name }
func (f *wideFile) Size() int64                { return 1 }
func (f *wideFile) Mode() fs.FileMode          { return f.mode }
func (f *wideFile) Type() fs.FileMode          { return f.mode.Type() }
func (f *wideFile) ModTime() time.Time         { return time.Time{} }
func (f *wideFile) IsDir() bool                { return f.mode.IsDir() }

func (f *wideFile) ReadDir(n int) (list []fs.DirEntry, err error) {
	for len(list) < n && (f.n == 0 || f.at < f.n) {
		list = append(list, &wideFile{wide: f.wide, name: strconv.Itoa(1_000_000 + f.at), mode: f.wide.mode})
		f.at++
		*f.served++
	}
	if len(list) == 0 {
		err = io.EOF
	}
	return list, err
}

var errEnough = errors.New("enough")

// TestFirstOfManyIsVisitedAtOnce: a folder without end has a first file, and
// many more, in memory that does not grow with them.
func TestFirstOfManyIsVisitedAtOnce(t *testing.T) {
	served, visited := 0, 0
	var before runtime.MemStats
	s := tree.FromFS(wide{served: &served}, tree.SourceOptions{})
	err := s.Walk(nowhere(), func(tree.Entry) error {
		switch visited++; visited {
		case 1:
			if served > 20_000 {
				t.Errorf("the first was visited after %d names", served)
			}
			runtime.GC()
			runtime.ReadMemStats(&before)
		case 200_000:
			var after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
				t.Errorf("memory grew by %d bytes", grown)
			}
			return errEnough
		}
		return nil
	})
	if err != errEnough {
		t.Error(err)
	}
}

// TestManyFoldersAtEveryDepth: their names are not all kept.
func TestManyFoldersAtEveryDepth(t *testing.T) {
	served, visited, deepest := 0, 0, 0
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := tree.FromFS(wide{n: 15_000, mode: fs.ModeDir | 0o755, served: &served}, tree.SourceOptions{})
	err := s.Walk(nowhere(), func(e tree.Entry) error {
		visited++
		deepest = max(deepest, strings.Count(e.Path, "/")+1)
		if visited < 60 {
			return nil
		}
		var after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 6<<20 {
			t.Errorf("memory grew by %d bytes", grown)
		}
		return errEnough
	})
	if err != errEnough || deepest != 60 {
		t.Errorf("%d deep, %v", deepest, err)
	}
}

// TestFewFoldersKeptStillAllVisited: where names are read a second time, none is
// lost and none comes twice.
func TestFewFoldersKeptStillAllVisited(t *testing.T) {
	served := 0
	var seen []string
	m := wide{n: 20_000, flat: true, mode: fs.ModeDir | 0o755, served: &served}
	must(t, tree.FromFS(m, tree.SourceOptions{}).Walk(nowhere(), func(e tree.Entry) error {
		if e.Kind == tree.Dir {
			seen = append(seen, e.Path)
		}
		return nil
	}))
	if len(seen) != 20_000 || !slices.IsSorted(seen) {
		t.Errorf("saw %d folders", len(seen))
	}
}

// Sys makes every file one with several names, of which only one is here.
func (f *wideFile) Sys() any {
	if f.nlink == 0 {
		return nil
	}
	ino, _ := strconv.Atoi(f.name)
	return &syscall.Stat_t{Dev: 1, Ino: uint64(ino) + 1, Nlink: f.nlink}
}

// TestLinksThatNobodyCompletes: a backup's files have names elsewhere too.
func TestLinksThatNobodyCompletes(t *testing.T) {
	served, entries := 0, 0
	var notes said
	s := tree.FromFS(wide{n: 265_000, nlink: 2, served: &served}, tree.SourceOptions{Notice: notes.notice})
	must(t, s.Walk(nowhere(), func(e tree.Entry) error {
		if entries++; e.Kind != tree.File {
			return fmt.Errorf("%s is of kind %d", e.Path, e.Kind)
		}
		return nil
	}))
	if entries != 265_000 || len(notes) != 1 || !strings.Contains(notes[0], "too many files") {
		t.Errorf("%d entries, said %q", entries, notes)
	}
}
