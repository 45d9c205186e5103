//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package tree

import "os"

// lock does nothing: two receivers of one name are not kept apart here.
func lock(*os.File) error { return nil }
