package transfer

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/app/tree"
)

// picture describes everything in a folder, a line each.
func picture(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if rel == "." {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%q %v %d", rel, info.Mode(), info.ModTime().UnixNano())
		switch {
		case info.Mode().IsRegular():
			p, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %d %x", len(p), sha256.Sum256(p))
		case info.Mode().Type() == fs.ModeSymlink:
			text, _ := os.Readlink(path)
			fmt.Fprintf(&b, " -> %q", text)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sampleTree makes a tree with some of everything.
func sampleTree(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "sample")
	write := func(name string, p []byte, mode fs.FileMode) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, p, mode); err != nil {
			t.Fatal(err)
		}
		os.Chmod(path, mode)
	}
	for i, n := range []int{0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 300_000, 3_000_001} {
		write(fmt.Sprintf("sizes/%d", n), randomBytes(n), []fs.FileMode{0o644, 0o600, 0o755, 0o444}[i%4])
	}
	for i := range 300 {
		write(fmt.Sprintf("many/%d/%d.txt", i%7, i), randomBytes(i*97), 0o644)
	}
	write("odd/new\nline", []byte("x"), 0o644)
	write("odd/\xff\xfe", []byte("y"), 0o640)
	os.MkdirAll(filepath.Join(root, "empty/deep/er"), 0o700)
	os.Symlink("../sizes/1", filepath.Join(root, "odd/link"))
	os.Symlink("nowhere", filepath.Join(root, "odd/dangling"))
	os.Link(filepath.Join(root, "sizes/4096"), filepath.Join(root, "odd/hard"))
	old := time.Unix(1_000_000_000, 123_456_789)
	for _, p := range []string{"sizes/1", "empty/deep", "many/3"} {
		os.Chtimes(filepath.Join(root, p), old, old)
	}
	return root
}

func openTree(t *testing.T, path string) *tree.Source {
	t.Helper()
	s, err := tree.NewSource([]string{path}, tree.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openFolder(t *testing.T, dir string, o tree.TargetOptions) Target {
	t.Helper()
	d, err := tree.OpenTarget(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return Folder(d)
}

func TestTreeArrivesWhole(t *testing.T) {
	src := sampleTree(t)
	want := picture(t, src)
	for _, o := range []SendOptions{
		{Chunk: MinChunk},
		{Chunk: MinChunk, Streams: 4},
		{Verify: VerifyNone, Chunk: MinChunk, Streams: 2},
		{Compress: CompressOn, Streams: 3},
		{Compress: CompressOff},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			dst := t.TempDir()
			sent, got, err1, err2 := transferBetween(t, openTree(t, src), o, openFolder(t, dst, tree.TargetOptions{}), ReceiveOptions{})
			if err1 != nil || err2 != nil {
				t.Fatalf("%v; %v", err1, err2)
			}
			if have := picture(t, filepath.Join(dst, "sample")); have != want {
				t.Errorf("got\n%s\nwant\n%s", have, want)
			}
			if sent.Files != got.Files || sent.Bytes != got.Bytes || sent.Files != 312 {
				t.Errorf("sent %+v\ngot %+v", sent, got)
			}
			// Once more: everything is there.
			sent, got, err1, err2 = transferBetween(t, openTree(t, src), o, openFolder(t, dst, tree.TargetOptions{}), ReceiveOptions{})
			if err1 != nil || err2 != nil || sent.Sent != 0 || sent.Skipped != got.Skipped || got.Skipped != 312 {
				t.Errorf("again: %v; %v\nsent %+v\ngot %+v", err1, err2, sent, got)
			}
			if have := picture(t, filepath.Join(dst, "sample")); have != want {
				t.Errorf("the second time changed something")
			}
		})
	}
}
