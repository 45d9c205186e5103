package transfer

import (
	"errors"
	"fmt"
	"io"
)

// classicFile is a file of a target that is being received.
type classicFile interface {
	io.WriterAt // in order, by one goroutine
	// commit makes it a file of the given size and returns the name it got where
	// that is another one. After an error nothing is left of it.
	commit(size int64) (final string, err error)
	// discard leaves nothing of it.
	discard() error
}

// classicTarget makes a classicFile out of a name that checkClassicName lets pass.
type classicTarget interface {
	beginClassic(name string) (classicFile, error)
}

// errClassicSkip says that the target does not want the file, by its own rules.
var errClassicSkip = errors.New("it is there already")

func beginClassic(dst Target, name string) (classicFile, error) {
	if t, ok := dst.(classicTarget); ok {
		return t.beginClassic(name)
	}
	return nil, fmt.Errorf("a classic protocol cannot be stored in a %T", dst)
}

// A writer takes the content as it comes: what went out before a failure stays.
func (w writer) beginClassic(string) (classicFile, error) { return w, nil }

func (w writer) WriteAt(p []byte, _ int64) (int, error) { return w.w.Write(p) }
func (w writer) commit(int64) (string, error)           { return "", nil }
func (w writer) discard() error                         { return nil }
