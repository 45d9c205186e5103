package tree_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"dialtone/app/digest"
	"dialtone/app/tree"

	"pgregory.net/rapid"
)

// drawTree draws entries in the order of a manifest, with few names so that they
// meet what is there.
func drawTree(t *rapid.T, in string, depth int) (list []arrival) {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b.txt", "c", "d (2)", "d"}), 0, 5, rapid.ID).Draw(t, "names")
	for _, n := range names {
		p := n
		if in != "" {
			p = in + "/" + n
		}
		switch kind := rapid.IntRange(0, 6).Draw(t, "kind"); {
		case kind == 0:
			list = append(list, symlink(p, rapid.SampledFrom([]string{"a", "../c", "/etc"}).Draw(t, "text")))
		case kind <= 2 && depth > 0:
			list = append(list, dir(p))
			list = append(list, drawTree(t, p, depth-1)...)
			list = append(list, leave(p))
		default:
			a := file(p, text(rapid.SampledFrom([]int{0, 1, chunk, chunk + 1, 3 * chunk}).Draw(t, "size"), rapid.Uint64Range(1, 3).Draw(t, "seed")))
			if rapid.Bool().Draw(t, "later") {
				a = a.at(t2)
			}
			list = append(list, a)
		}
	}
	return list
}

// lay puts a drawn tree on disk without a target.
func lay(t *rapid.T, root string, list []arrival) {
	for _, a := range list {
		p := filepath.Join(root, a.Path)
		var err error
		switch a.Kind {
		case tree.Dir:
			err = os.Mkdir(p, 0o755)
		case tree.Symlink:
			err = os.Symlink(a.Target, p)
		case tree.File:
			if err = os.WriteFile(p, []byte(a.content), 0o644); err == nil {
				err = os.Chtimes(p, a.ModTime, a.ModTime)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRandomTreesMeet: whatever is there and whatever comes, under KeepBoth
// nothing that was there changes, everything arrives where done or Have says, and
// the second time all of it is there already.
func TestRandomTreesMeet(t *testing.T) {
	for name, open := range map[string]opener{"linux": tree.OpenTargetInline, "root": tree.OpenTargetByRoot} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			n := 0
			rapid.Check(t, func(rt *rapid.T) {
				n++
				root := filepath.Join(base, fmt.Sprint(n))
				if err := os.Mkdir(root, 0o755); err != nil {
					rt.Fatal(err)
				}
				defer os.RemoveAll(root)
				lay(rt, root, drawTree(rt, "", 2))
				before := snapshot(t, root)
				list := drawTree(rt, "", 2)
				finals := meet(rt, open, root, list, false)
				after := snapshot(t, root)
				for p, content := range before {
					if after[p] != content {
						rt.Fatalf("%q was %.20q and is %.20q", p, content, after[p])
					}
				}
				for p, content := range finals {
					if after[p] != content {
						rt.Fatalf("%q should have arrived as %.20q and is %.20q", p, content, after[p])
					}
				}
				meet(rt, open, root, list, true)
				if again := snapshot(t, root); !maps.Equal(again, after) {
					rt.Fatalf("the second time changes %q to %q", after, again)
				}
			})
		})
	}
}

// meet receives list and returns what arrived where. The second time nothing may
// be wanted.
func meet(t *rapid.T, open opener, root string, list []arrival, second bool) map[string]string {
	target, err := open(root, tree.TargetOptions{NoSync: true, KeepFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	finals := map[string]string{}
	for _, a := range list {
		in, v, err := target.Begin(a.Entry, chunk)
		if v == tree.Compare {
			sum, herr := in.Hash(t.Context())
			if herr != nil {
				t.Fatal(herr)
			}
			v, err = in.Resolve(sum == digest.Of([]byte(a.content)))
		}
		if err != nil || second && v == tree.Want {
			t.Fatalf("%s: %v, %v", a.Path, v, err)
		}
		if v != tree.Want {
			continue
		}
		done := func(final string, err error) {
			if err != nil {
				t.Fatalf("%s: %v", a.Path, err)
			}
			finals[filepath.FromSlash(final)] = a.content
		}
		if len(a.content) <= chunk {
			in.WriteWhole([]byte(a.content), done)
			continue
		}
		if err := write(in, a.content, -1); err != nil {
			t.Fatal(err)
		}
		in.Commit(int64(len(a.content)), done)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	return finals
}
