package tree_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dialtone/app/tree"
)

// BenchmarkTree is what one file of a tree of 20,000 small ones costs.
func BenchmarkTree(b *testing.B) {
	dir := filepath.Join(shm(b), "files")
	for i := range 20 {
		sub := filepath.Join(dir, fmt.Sprint(i))
		must(b, os.MkdirAll(sub, 0o755))
		for j := range 1000 {
			must(b, os.WriteFile(filepath.Join(sub, fmt.Sprintf("file%d.txt", j)), make([]byte, 4096), 0o644))
		}
	}
	s, err := tree.NewSource([]string{dir}, tree.SourceOptions{})
	must(b, err)
	defer s.Close()
	var all []tree.Entry
	must(b, s.Walk(context.Background(), func(e tree.Entry) error {
		if e.Kind == tree.File {
			all = append(all, e)
		}
		return nil
	}))
	b.Run("Walk", func(b *testing.B) {
		b.ReportAllocs()
		n := 0
		for n < b.N {
			s.Walk(context.Background(), func(e tree.Entry) error { n++; return nil })
		}
	})
	b.Run("ReadSmall", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 64<<10)
		for i := range b.N {
			_, err := s.ReadSmall(all[i%len(all)], buf)
			must(b, err)
		}
	})
	b.Run("os.ReadFile", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			_, err := os.ReadFile(filepath.Join(dir, all[i%len(all)].Path[len("files/"):]))
			must(b, err)
		}
	})
}
