package tree

// What is remembered of files with several names, all in all.
const (
	maxLinks     = 1 << 18
	maxLinkBytes = 16 << 20 // of paths
)

// links knows the files with several names until all of these have been seen.
type links struct {
	first map[fileID]*linked
	bytes int
	full  bool
}

// linked is a file of which left names have not been seen.
type linked struct {
	path string
	left uint64
}

// again returns the path under which the file was named first, if it was.
func (l *links) again(st status, path string, notice func(path, what string)) (string, bool) {
	if st.links < 2 || st.id == (fileID{}) {
		return "", false
	}
	if f := l.first[st.id]; f != nil {
		if f.left--; f.left == 0 {
			l.bytes -= len(f.path)
			delete(l.first, st.id)
		}
		return f.path, true
	}
	if len(l.first) < maxLinks && l.bytes+len(path) <= maxLinkBytes {
		l.first[st.id] = &linked{path, st.links - 1}
		l.bytes += len(path)
	} else if !l.full {
		l.full = true
		notice(path, "too many files have several names: this one and others are sent once for each")
	}
	return "", false
}
