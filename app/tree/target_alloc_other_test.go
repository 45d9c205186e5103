//go:build !unix

package tree_test

import "os"

func allocated(*os.File) int64 { return 0 }
