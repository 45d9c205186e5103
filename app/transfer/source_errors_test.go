package transfer

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"dialtone/app/tree"
)

// badFS is a file system whose files end in an error after some bytes.
type badFS struct {
	fs.FS
	name  string
	after int64
	err   error
}

func (b badFS) Open(name string) (fs.File, error) {
	f, err := b.FS.Open(name)
	if err != nil || name != b.name {
		return f, err
	}
	return badFile{f, b.after, b.err}, nil
}

type badFile struct {
	fs.File
	after int64
	err   error
}

func (b badFile) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.after {
		return 0, &fs.PathError{Op: "read", Path: "secret/place", Err: b.err}
	}
	return b.File.(io.ReaderAt).ReadAt(p, off)
}

// TestReadErrorsFailOneFile has a disk fail under one of several files.
func TestReadErrorsFailOneFile(t *testing.T) {
	now := time.Now()
	broken := errors.New("input/output error")
	for _, after := range []int64{0, MinChunk, 3 * MinChunk} {
		files := fstest.MapFS{
			"d/a":   {Data: randomBytes(100), Mode: 0o644, ModTime: now},
			"d/bad": {Data: randomBytes(4 * MinChunk), Mode: 0o644, ModTime: now},
			"d/big": {Data: randomBytes(3 * MinChunk), Mode: 0o644, ModTime: now},
			"d/z":   {Data: randomBytes(100), Mode: 0o644, ModTime: now},
		}
		src := tree.FromFS(badFS{files, "d/bad", after, broken}, tree.SourceOptions{})
		dst := t.TempDir()
		sent, got, err1, err2 := transferBetween(t, src, SendOptions{Chunk: MinChunk}, openFolder(t, dst, tree.TargetOptions{}), ReceiveOptions{})
		var failed1, failed2 *FailedError
		if !errors.As(err1, &failed1) || !errors.As(err2, &failed2) || !errors.Is(err1, broken) || failed1.Count != 1 || failed2.Count != 1 {
			t.Errorf("%v; %v", err1, err2)
		}
		if bytes.Contains([]byte(err2.Error()), []byte("secret")) {
			t.Errorf("the receiver learns a place: %v", err2)
		}
		if sent.Files != 3 || got.Files != 3 {
			t.Errorf("%+v; %+v", sent, got)
		}
		if _, err := os.Stat(filepath.Join(dst, "d/bad")); err == nil {
			t.Error("the bad file is there")
		}
		// Mended, it goes on.
		src = tree.FromFS(files, tree.SourceOptions{})
		_, _, err1, err2 = transferBetween(t, src, SendOptions{Chunk: MinChunk}, openFolder(t, dst, tree.TargetOptions{}), ReceiveOptions{})
		back, _ := os.ReadFile(filepath.Join(dst, "d/bad"))
		if err1 != nil || err2 != nil || !bytes.Equal(back, files["d/bad"].Data) {
			t.Errorf("%v; %v; %d bytes", err1, err2, len(back))
		}
		list, _ := os.ReadDir(filepath.Join(dst, "d"))
		if len(list) != 4 {
			t.Errorf("there is %v", list)
		}
	}
}

// TestStreamThatBreaksIsNoFile has what is streamed end in errors, one of which
// looks much like an end.
func TestStreamThatBreaksIsNoFile(t *testing.T) {
	for _, broken := range []error{errors.New("broken"), io.ErrUnexpectedEOF} {
		for _, n := range []int{0, 100, MinChunk, 3*MinChunk + 5} {
			dst := t.TempDir()
			r := io.MultiReader(bytes.NewReader(randomBytes(n)), iotest.ErrReader(broken))
			_, _, err1, err2 := transferBetween(t, Stream("s", r), SendOptions{Chunk: MinChunk}, openFolder(t, dst, tree.TargetOptions{}), ReceiveOptions{})
			if !errors.Is(err1, broken) || err2 == nil {
				t.Errorf("%v after %d: %v; %v", broken, n, err1, err2)
			}
			if list, _ := os.ReadDir(dst); len(list) != 0 {
				t.Errorf("%v after %d: there is %v", broken, n, list)
			}
		}
	}
}
