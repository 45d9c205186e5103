package transfer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"dialtone/app/tree"
)

// inFolder receives hello as a.txt into a folder that holds what there is, and
// returns what is then there.
func inFolder(t *testing.T, there map[string]string, o tree.TargetOptions, size int64) (now map[string]string, received Summary, serr, rerr error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range there {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dst, err := tree.OpenTarget(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	a, b := newClassicWires(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		received, rerr = ReceiveClassic(t.Context(), b, Classic1, Folder(dst), ReceiveOptions{})
	}()
	_, serr = SendClassic(t.Context(), a, Classic1, "a.txt", strings.NewReader("hello"), size, SendOptions{})
	<-done
	return files(t, dir), received, serr, rerr
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	now := map[string]string{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		p, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		now[e.Name()] = string(p)
	}
	return now
}

func TestClassicIntoFolder(t *testing.T) {
	old := map[string]string{"a.txt": "old"}
	for _, c := range []struct {
		what  string
		there map[string]string
		o     tree.TargetOptions
		size  int64
		want  map[string]string
		rerr  error
		serr  error
	}{
		{"free", nil, tree.TargetOptions{}, 5, map[string]string{"a.txt": "hello"}, nil, nil},
		{"keep both", old, tree.TargetOptions{}, 5, map[string]string{"a.txt": "old", "a (2).txt": "hello"}, nil, nil},
		{"overwrite", old, tree.TargetOptions{OnConflict: tree.Overwrite}, 5, map[string]string{"a.txt": "hello"}, nil, nil},
		{"skip", old, tree.TargetOptions{OnConflict: tree.Skip}, 5, old, nil, syscall.ECONNRESET},
		{"fail", old, tree.TargetOptions{OnConflict: tree.Fail}, 5, old, fs.ErrExist, syscall.ECONNRESET},
		{"renamed", old, tree.TargetOptions{Rename: "b"}, 5, map[string]string{"a.txt": "old", "b": "hello"}, nil, nil},
		{"cut off", old, tree.TargetOptions{OnConflict: tree.Overwrite}, 6, old, syscall.ECONNRESET, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			now, received, serr, rerr := inFolder(t, c.there, c.o, c.size)
			if !errors.Is(rerr, c.rerr) || c.serr != nil && !errors.Is(serr, c.serr) || (rerr == nil) != (c.rerr == nil) {
				t.Errorf("the receiver says %v, the sender %v", rerr, serr)
			}
			if len(now) != len(c.want) {
				t.Errorf("there is %q", now)
			}
			for name, text := range c.want {
				if now[name] != text {
					t.Errorf("%s holds %q, want %q", name, now[name], text)
				}
			}
			if stored := received.Files == 1; stored != (c.serr == nil && c.rerr == nil) {
				t.Errorf("summary %+v", received)
			}
		})
	}
}

// The names that a target keeps for itself, or that a folder cannot hold, are
// refused before they are answered.
func TestClassicFolderRefusesNames(t *testing.T) {
	for _, name := range []string{".dialtone-aaaaaaaaaaaaaaaa.part", "..", "a/b", strings.Repeat("ä", 128)} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			dst, err := tree.OpenTarget(dir, tree.TargetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			there, here := newClassicWires(t)
			there.Write([]byte(name))
			_, err = ReceiveClassic(t.Context(), here, ClassicAuto, Folder(dst), ReceiveOptions{})
			if path := new(tree.PathError); !errors.Is(err, ErrClassicName) && !errors.As(err, &path) {
				t.Errorf("%q: %v", name, err)
			}
			if said := classicHeard(there); said != " reset" {
				t.Errorf("%q is answered %q", name, said)
			}
		})
		if now := files(t, dir); len(now) != 0 {
			t.Errorf("%q left %q", name, now)
		}
	}
}

// The writer of a receiver that writes to its output gets the bytes alone.
func TestClassicIntoWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		_, received, serr, rerr := betweenUs(t, Classic3, ClassicAuto, strings.NewReader("hello"), 5, Writer(&out), SendOptions{})
		if serr != nil || rerr != nil || out.String() != "hello" || received.Bytes != 5 {
			t.Error(serr, rerr, out.String(), received)
		}
	})
}
