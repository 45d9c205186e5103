//go:build !linux

package tree

import (
	"io/fs"
	"os"
	"path/filepath"
)

// newPlace returns the file or folder that was named on a command line. Of what
// is in the folder nothing is reached outside of it (os.Root).
func newPlace(path string, folder, _ bool) place {
	if folder {
		return &fsPlace{fsys: rootFS(path), base: "."}
	}
	return &fsPlace{fsys: rootFS(filepath.Dir(path)), base: filepath.Base(path)}
}

// rootFS is a folder as an fs.FS that holds no descriptor.
type rootFS string

func (r rootFS) Open(name string) (f fs.File, err error) {
	return use(r, func(root *os.Root) (fs.File, error) {
		return root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	})
}

func (r rootFS) Lstat(name string) (fs.FileInfo, error) {
	return use(r, func(root *os.Root) (fs.FileInfo, error) { return root.Lstat(name) })
}

func (r rootFS) ReadLink(name string) (string, error) {
	return use(r, func(root *os.Root) (string, error) { return root.Readlink(name) })
}

func use[T any](r rootFS, do func(*os.Root) (T, error)) (result T, err error) {
	root, err := os.OpenRoot(string(r))
	if err != nil {
		return result, err
	}
	defer root.Close()
	return do(root)
}
