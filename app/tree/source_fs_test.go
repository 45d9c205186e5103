package tree_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"dialtone/app/tree"
)

// nowhere is a context for walks that no test cancels.
func nowhere() context.Context { return context.Background() }

func TestFromFS(t *testing.T) {
	when := time.Unix(1, 2)
	m := files("b", "a/x", "a/b/c")
	m["b"].ModTime = when
	m["b"].Mode = 0o4600
	m["link"] = &fstest.MapFile{Data: []byte("a/x"), Mode: fs.ModeSymlink}
	m["pipe"] = &fstest.MapFile{Mode: fs.ModeNamedPipe}
	var notes said
	s := tree.FromFS(m, tree.SourceOptions{Notice: notes.notice})
	wantWalk(t, s, "b", "link -> a/x", "a/", "a/x", "a/b/", "a/b/c", "^a/b", "^a")
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "pipe: ") {
		t.Errorf("said %q", notes)
	}
	if b := find(t, s, "b"); b.Mode != 0o600 || !b.ModTime.Equal(when) || b.Size != 1 {
		t.Errorf("b is %+v", b)
	}
	if x := find(t, s, "a/x"); x.Mode != 0o644 || !x.ModTime.IsZero() {
		t.Errorf("a/x is %+v", x)
	}
	for _, path := range []string{"b", "a/x", "a/b/c"} {
		wantContent(t, s, find(t, s, path))
	}
	if files, bytes, err := s.Total(nowhere()); files != 3 || bytes != 9 || err != nil {
		t.Errorf("%d files, %d bytes, %v", files, bytes, err)
	}
	must(t, s.Close())
}

func TestFSThatChanges(t *testing.T) {
	m := files("a/x", "a/y", "a/z")
	s := tree.FromFS(m, tree.SourceOptions{})
	x, y, z := find(t, s, "a/x"), find(t, s, "a/y"), find(t, s, "a/z")
	m["a/x"] = &fstest.MapFile{Data: []byte("longer")}
	m["a/y"] = &fstest.MapFile{Data: []byte("z"), Mode: fs.ModeSymlink}
	for _, e := range []tree.Entry{x, y} {
		if _, err := s.Open(e); !errors.Is(err, tree.ErrChanged) {
			t.Errorf("Open %s: %v", e.Path, err)
		}
		if _, err := s.ReadSmall(e, make([]byte, 10)); !errors.Is(err, tree.ErrChanged) {
			t.Errorf("ReadSmall %s: %v", e.Path, err)
		}
	}
	delete(m, "a/z")
	if _, err := s.Open(z); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
}

func TestFSThatCannotBeRead(t *testing.T) {
	err := tree.FromFS(os.DirFS("/nowhere/at/all"), tree.SourceOptions{}).Walk(nowhere(), func(tree.Entry) error { return nil })
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Walk: %v", err)
	}
}

// TestFSOfTheKernel: os.DirFS gives files of the kernel.
func TestFSOfTheKernel(t *testing.T) {
	dir := grow(t, "a/x", "a/y = a/x", "link -> a")
	s := tree.FromFS(os.DirFS(dir), tree.SourceOptions{})
	wantWalk(t, s, "link -> a", "a/", "a/x", "a/y = a/x", "^a")
	f, err := s.Open(find(t, s, "a/x"))
	must(t, err)
	defer f.Close()
	if f.File() == nil {
		t.Error("it is no file of the kernel")
	}
}

// TestFSThatOnlyReadsOn: a file of an archive cannot be read anywhere.
func TestFSThatOnlyReadsOn(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 1000)
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	f, err := w.Create("dir/file")
	must(t, err)
	_, err = f.Write(content)
	must(t, err)
	must(t, w.Close())
	r, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	must(t, err)

	s := tree.FromFS(r, tree.SourceOptions{})
	e := find(t, s, "dir/file")
	src, err := s.Open(e)
	must(t, err)
	defer src.Close()
	for _, off := range []int64{0, 5000, 100, 9990, 3, 9999} {
		got := make([]byte, 10)
		n, err := src.ReadAt(got, off)
		want := content[off:min(off+10, int64(len(content)))]
		if !bytes.Equal(got[:n], want) || (err == io.EOF) != (len(want) < 10) {
			t.Errorf("at %d: %q, %v", off, got[:n], err)
		}
	}
	if start, end, err := src.Data(7); start != 7 || end != 10000 || err != nil {
		t.Errorf("Data: %d, %d, %v", start, end, err)
	}
}

// endless is an fs.FS with one file whose size is not known.
type endless struct{ fs.FS }

type (
	unsized     struct{ fs.File }
	unsizedInfo struct{ fs.FileInfo }
)

func (e endless) Open(name string) (fs.File, error) {
	f, err := e.FS.Open(name)
	if _, ok := f.(fs.ReadDirFile); ok || err != nil {
		return f, err
	}
	return unsized{f}, nil
}

func (f unsized) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return unsizedInfo{info}, err
}

func (unsizedInfo) Size() int64 { return -1 }

func TestFilesOfUnknownSize(t *testing.T) {
	s := tree.FromFS(endless{files("a/stream")}, tree.SourceOptions{})
	e := find(t, s, "a/stream")
	if e.Size != -1 {
		t.Errorf("the size is %d", e.Size)
	}
	buf := make([]byte, 100)
	if n, err := s.ReadSmall(e, buf); string(buf[:n]) != "a/stream" || err != nil {
		t.Errorf("ReadSmall: %q, %v", buf[:n], err)
	}
	if _, err := s.ReadSmall(e, buf[:3]); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("ReadSmall into 3 bytes: %v", err)
	}
	f, err := s.Open(e)
	must(t, err)
	defer f.Close()
	if n, err := f.ReadAt(buf, 2); string(buf[:n]) != "stream" || err != io.EOF {
		t.Errorf("ReadAt: %q, %v", buf[:n], err)
	}
	must(t, f.Changed())
}

func ExampleSource_Walk() {
	site := fstest.MapFS{
		"index.html":   {Data: []byte("<h1>hello</h1>")},
		"img/logo.png": {Data: []byte("...")},
		"img/logo.psd": {Data: []byte("......")},
	}
	s := tree.FromFS(site, tree.SourceOptions{Exclude: []string{"*.psd"}})
	defer s.Close()
	s.Walk(context.Background(), func(e tree.Entry) error {
		switch e.Kind {
		case tree.Dir:
			fmt.Printf("folder %s\n", e.Path)
		case tree.File:
			buf := make([]byte, e.Size)
			n, err := s.ReadSmall(e, buf)
			fmt.Printf("file   %s: %d bytes, %v\n", e.Path, n, err)
		}
		return nil
	})
	// Output:
	// file   index.html: 14 bytes, <nil>
	// folder img
	// file   img/logo.png: 3 bytes, <nil>
}
