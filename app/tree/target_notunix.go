//go:build !unix

package tree

import (
	"io/fs"
	"os"
)

const openNonblock = 0

// statSystem adds nothing: identity is size and time here.
func statSystem(fs.FileInfo, *stat) {}

// syncFolder does nothing: such systems sync names with files.
func syncFolder(*os.File) error { return nil }
