package transfer

import (
	"errors"
	"fmt"
	"time"

	"dialtone/app/tree"
)

// classicFile is the one file of a target, as it arrives.
type classicFile struct {
	name string
	dst  target
	in   incoming
}

// errClassicSkip says that the target does not want the file, by its own rules.
var errClassicSkip = errors.New("it is there already")

// beginClassic begins a file without a known size in t, also where the size is
// known: there is no hash to compare and nothing that a later run could resume,
// so that no partial is worth keeping.
func beginClassic(t target, name string, notice func(text string)) (*classicFile, error) {
	t.notices(func(n note) { notice(n.text) })
	e := tree.Entry{Path: name, Kind: tree.File, Mode: 0o644, ModTime: time.Now(), Size: -1}
	in, v, err := t.begin(e, DefaultChunk)
	if err == nil && v == tree.Want {
		return &classicFile{name, t, in}, nil
	}
	if err == nil && (v == tree.Skipped || v == tree.Have) {
		err = errClassicSkip
	} else if err == nil {
		err = fmt.Errorf("the target does not take it: verdict %d", v)
	}
	return nil, err
}

// WriteAt writes the next part.
func (f *classicFile) WriteAt(p []byte, off int64) (int, error) { return f.in.WriteAt(p, off) }

// commit gives the file its name, and returns it if it had to be another one. It
// is then on the disk, as far as the target promises.
func (f *classicFile) commit(size int64) (final string, err error) {
	type result struct {
		final string
		err   error
	}
	done := make(chan result, 1)
	f.in.Commit(size, func(final string, err error) { done <- result{final, err} })
	r := <-done
	if r.final == f.name {
		r.final = ""
	}
	if r.err != nil {
		return "", r.err
	}
	return r.final, f.dst.close()
}

// discard leaves nothing of it, because of err.
func (f *classicFile) discard(err error) error {
	if still := f.in.Discard(); still != nil {
		return fmt.Errorf("%w; what had arrived is left behind: %w", err, still)
	}
	return err
}
