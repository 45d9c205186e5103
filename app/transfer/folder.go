package transfer

import (
	"sync"

	"dialtone/app/tree"
)

// Folder returns t as the target of one transfer, which closes it.
func Folder(t *tree.Target) Target { return folderTarget{t} }

type folderTarget struct{ t *tree.Target }

func (f folderTarget) into() target { return folder{f.t, sync.OnceValue(f.t.Close)} }

type folder struct {
	t    *tree.Target
	shut func() error
}

func (f folder) begin(e tree.Entry, chunk int64) (incoming, tree.Verdict, error) {
	in, v, err := f.t.Begin(e, chunk)
	if in == nil { // not an interface around nothing
		return nil, v, err
	}
	return in, v, err
}

func (f folder) notices(tell func(note)) {
	f.t.Tell(func(path, what string) { tell(note{path: path, text: what}) })
}

func (f folder) dry(on bool) {
	if on {
		f.t.Rehearse()
	}
}

func (f folder) ordered() bool { return false }
func (f folder) close() error  { return f.shut() }
