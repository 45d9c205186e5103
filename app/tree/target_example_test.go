package tree_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"dialtone/app/tree"
)

// A folder with one small file arrives.
func ExampleTarget() {
	dir, err := os.MkdirTemp("", "inbox")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	target, err := tree.OpenTarget(dir, tree.TargetOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	content := []byte("sand\n")
	for _, e := range []tree.Entry{
		{Path: "holiday", Kind: tree.Dir, Mode: 0o755, ModTime: time.Unix(1, 0)},
		{Path: "holiday/notes.txt", Kind: tree.File, Mode: 0o644, ModTime: time.Unix(2, 0), Size: int64(len(content))},
		{Path: "../escape", Kind: tree.File},
		{Path: "holiday", Kind: tree.Leave},
	} {
		in, verdict, err := target.Begin(e, 1<<20)
		fmt.Println(e.Path, verdict, err)
		if verdict == tree.Want {
			in.WriteWhole(content, func(final string, err error) {
				if err != nil {
					fmt.Println(err)
				}
			})
		}
	}
	if err := target.Close(); err != nil {
		fmt.Println(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "holiday", "notes.txt"))
	fmt.Printf("%q %v\n", b, err)
	// Output:
	// holiday done <nil>
	// holiday/notes.txt want <nil>
	// ../escape refused receive "../escape": path "../escape" is not allowed: an element is ".."
	// holiday done <nil>
	// "sand\n" <nil>
}
