package tree_test

import (
	"os"
	"path/filepath"
	"testing"

	"dialtone/app/tree"
)

// FuzzBegin: whatever an entry says, nothing appears beside the target, and what
// is there is not changed.
func FuzzBegin(f *testing.F) {
	for _, s := range [][2]string{
		{"a", "b"}, {"../a", "../../b"}, {"d/x", "d/f"}, {"d", ""}, {"out/x", "out/f"}, {"d/../../x", "/etc/passwd"}, {"f", "f"},
	} {
		for kind := range uint8(6) {
			f.Add(s[0], s[1], kind, true)
		}
	}
	base := f.TempDir()
	f.Fuzz(func(t *testing.T, path, text string, kind uint8, overwrite bool) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		root := filepath.Join(dir, "root")
		if err := os.MkdirAll(filepath.Join(root, "d"), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "f"), "outside", t1)
		put(t, filepath.Join(root, "d", "f"), "inside", t1)
		if err := os.Symlink("..", filepath.Join(root, "out")); err != nil {
			t.Fatal(err)
		}
		attempt(t, root, tree.Entry{Path: path, Kind: tree.Kind(kind % 7), Target: text, Size: 1, Mode: 0o644}, overwrite)
		got := snapshot(t, dir)
		beside := 0
		for p := range got {
			if filepath.Dir(p) == "." {
				beside++
			}
		}
		if beside != 2 || got["f"] != "outside" || got["root"] != "dir" || got["root/d/f"] != "inside" {
			t.Errorf("%q of kind %d leaves %q", path, kind, got)
		}
	})
}

// attempt sends one entry, and the same in a folder and behind a link.
func attempt(t *testing.T, root string, e tree.Entry, overwrite bool) {
	o := tree.TargetOptions{NoSync: true}
	if overwrite {
		o.OnConflict = tree.Overwrite
	}
	for _, in := range []string{"", "d", "out"} {
		target, err := tree.OpenTarget(root, o)
		if err != nil {
			t.Fatal(err)
		}
		inside := e
		if in != "" {
			if _, v, err := target.Begin(tree.Entry{Path: in, Kind: tree.Dir, Mode: 0o755}, chunk); v != tree.Done {
				t.Errorf("%s: %v, %v", in, v, err)
			}
			inside.Path = in + "/" + e.Path
		}
		if inside.Path != "d/f" { // which may be replaced
			attemptOne(target, inside)
		}
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	}
}

func attemptOne(target *tree.Target, e tree.Entry) {
	in, v, _ := target.Begin(e, chunk)
	switch v {
	case tree.Compare:
		_, _ = in.Resolve(true)
	case tree.Want:
		in.WriteWhole([]byte("x"), func(string, error) {})
	}
}
