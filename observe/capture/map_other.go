//go:build !unix

package capture

import (
	"errors"
	"os"
)

// mapFile cannot: files are read in windows here.
func mapFile(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return nil }
