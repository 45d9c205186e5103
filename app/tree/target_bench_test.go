package tree_test

import (
	"fmt"
	"os"
	"testing"

	"dialtone/app/tree"
)

// BenchmarkWriteWhole is one small file: begun, written, named.
func BenchmarkWriteWhole(b *testing.B) {
	for name, open := range map[string]opener{
		"inline": tree.OpenTargetInline, "named": tree.OpenTargetNamed, "root": tree.OpenTargetByRoot,
	} {
		for _, size := range []int{0, 34_000} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				root := benchRoot(b)
				target, err := open(root, tree.TargetOptions{NoSync: true})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				p := make([]byte, size)
				e := file("", "").Entry
				e.Size = int64(size)
				done := func(_ string, err error) {
					if err != nil {
						b.Error(err)
					}
				}
				names := make([]string, 1000)
				var folder tree.Entry
				for i := 0; b.Loop(); i++ {
					if i%len(names) == 0 {
						b.StopTimer()
						folder = nextFolder(b, target, root, folder, i)
						for k := range names {
							names[k] = fmt.Sprintf("%s/f%d", folder.Path, k)
						}
						b.StartTimer()
					}
					e.Path = names[i%len(names)]
					in, _, err := target.Begin(e, 1<<20)
					if err != nil {
						b.Fatal(err)
					}
					in.WriteWhole(p, done)
				}
				target.Close()
			})
		}
	}
}

func nextFolder(b *testing.B, target *tree.Target, root string, was tree.Entry, i int) tree.Entry {
	if was.Path != "" {
		was.Kind = tree.Leave
		target.Begin(was, 1<<20)
		os.RemoveAll(root + "/" + was.Path)
	}
	d := dir(fmt.Sprintf("d%d", i)).Entry
	if _, v, err := target.Begin(d, 1<<20); v != tree.Done {
		b.Fatal(v, err)
	}
	return d
}

// benchRoot is a folder in memory, where there is one: it is the software that is
// measured, not the disk.
func benchRoot(b *testing.B) string {
	dir, err := os.MkdirTemp("/dev/shm", "dialtone")
	if err != nil {
		return b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// BenchmarkCommit is small files that reach the disk, as many together as come.
func BenchmarkCommit(b *testing.B) {
	for name, open := range map[string]opener{"default": tree.OpenTarget, "root": tree.OpenTargetByRoot} {
		b.Run(name, func(b *testing.B) {
			target, err := open(b.TempDir(), tree.TargetOptions{})
			if err != nil {
				b.Fatal(err)
			}
			p := make([]byte, 34_000)
			e := file("", "").Entry
			e.Size = int64(len(p))
			done := func(_ string, err error) {
				if err != nil {
					b.Error(err)
				}
			}
			for i := 0; b.Loop(); i++ {
				e.Path = fmt.Sprintf("f%d", i)
				in, _, err := target.Begin(e, 1<<20)
				if err != nil {
					b.Fatal(err)
				}
				in.WriteWhole(p, done)
			}
			if err := target.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}
