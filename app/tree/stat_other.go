//go:build !unix

package tree

import "io/fs"

func addSystem(*status, fs.FileInfo) {}
