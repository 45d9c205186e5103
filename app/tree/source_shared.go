package tree

import "strings"

// hidden is how the names of unfinished files of our own begin.
const hidden = ".dialtone-"

func isHidden(element string) bool {
	return len(element) >= len(hidden) && strings.EqualFold(element[:len(hidden)], hidden)
}

// fileID is what stays the same when a file is renamed.
type fileID struct{ dev, ino uint64 }
