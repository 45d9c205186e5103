package tree

import (
	"bytes"
	"io/fs"
	"slices"
)

// unknown is the type of a name that the folder does not tell.
const unknown = fs.ModeIrregular

// names is a list of names without a pointer to each.
type names struct {
	slab []byte
	list []found
	raw  []byte // of who reads the names, while that lasts
}

// found is a name in a slab.
type found struct {
	from, to uint32
	mode     fs.FileMode // the type, perhaps unknown
}

// add takes name, and puts a NUL behind it.
func (n *names) add(name []byte, mode fs.FileMode) {
	from := len(n.slab)
	n.slab = append(append(n.slab, name...), 0)
	n.list = append(n.list, found{uint32(from), uint32(len(n.slab) - 1), mode})
}

// bytes returns f's name, with a NUL behind its end.
func (n *names) bytes(f found) []byte { return n.slab[f.from:f.to] }

func (n *names) sort() {
	slices.SortFunc(n.list, func(a, b found) int { return bytes.Compare(n.bytes(a), n.bytes(b)) })
}

func (n *names) reset() { n.slab, n.list = n.slab[:0], n.list[:0] }
