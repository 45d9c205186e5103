package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

// Target is where a transfer arrives: a [Folder] or a [Writer].
type Target interface{ into() target }

// target is what a receiver does with it. begin is called by one goroutine at a
// time, in the order of the entries.
type target interface {
	begin(e tree.Entry, chunk int64) (incoming, tree.Verdict, error)
	notices(func(note)) // who is told what could not be kept; before begin
	dry(bool)           // nothing is to be written; before begin
	ordered() bool      // content is wanted in order, on one connection
	close() error       // waits for what is under way; may be called again
}

// incoming is a file on its way into a target: see [tree.Incoming].
type incoming interface {
	Have() iter.Seq2[int64, digest.Sum]
	WriteAt(p []byte, off int64) (int, error)
	File(n int64) (*os.File, error)
	Verified(chunk int64, cv digest.Sum) error
	WriteWhole(p []byte, done func(final string, err error))
	Commit(size int64, done func(final string, err error))
	Changed() error
	Suspend() error
	Discard() error
	Hash(ctx context.Context) (digest.Sum, error)
	Resolve(same bool) (tree.Verdict, error)
}

// Writer returns a target that takes one file or stream and writes its content
// to w, in order. What a transfer that fails has written stays written.
func Writer(w io.Writer) Target { return writerTarget{w} }

type writerTarget struct{ w io.Writer }

func (t writerTarget) into() target { return &writing{w: t.w} }

// writing is a Writer during one transfer.
type writing struct {
	w    io.Writer
	seen bool
}

var errOneFile = errors.New("only one file or stream fits here: the sender has more, or a folder")

func (t *writing) begin(e tree.Entry, chunk int64) (incoming, tree.Verdict, error) {
	if t.seen || e.Kind != tree.File {
		return nil, tree.Refused, errOneFile
	}
	t.seen = true
	return &written{w: t.w, name: e.Path}, tree.Want, nil
}

func (t *writing) notices(func(note)) {}
func (t *writing) dry(bool)           {}
func (t *writing) ordered() bool      { return true }
func (t *writing) close() error       { return nil }

// written is the one file of a Writer.
type written struct {
	w    io.Writer
	name string
	mu   sync.Mutex
	at   int64
}

func (f *written) Have() iter.Seq2[int64, digest.Sum] { return func(func(int64, digest.Sum) bool) {} }

func (f *written) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off < f.at {
		return 0, broken("content at byte %d after byte %d", off, f.at)
	}
	if err := f.zerosLocked(off - f.at); err != nil {
		return 0, err
	}
	n, err := f.w.Write(p)
	f.at += int64(n)
	if err != nil {
		err = fmt.Errorf("writing on: %w", err)
	}
	return n, err
}

// zerosLocked writes a hole.
func (f *written) zerosLocked(n int64) error {
	if n == 0 {
		return nil
	}
	zeros := make([]byte, min(n, 64<<10))
	for n > 0 {
		part := zeros[:min(n, int64(len(zeros)))]
		if _, err := f.w.Write(part); err != nil {
			return fmt.Errorf("writing on: %w", err)
		}
		f.at += int64(len(part))
		n -= int64(len(part))
	}
	return nil
}

func (f *written) File(int64) (*os.File, error)       { return nil, errors.ErrUnsupported }
func (f *written) Verified(int64, digest.Sum) error   { return nil }
func (f *written) Changed() error                     { return nil }
func (f *written) Suspend() error                     { return nil }
func (f *written) Discard() error                     { return nil }
func (f *written) Resolve(bool) (tree.Verdict, error) { return tree.Want, nil }
func (f *written) Hash(context.Context) (digest.Sum, error) {
	return digest.Sum{}, errors.ErrUnsupported
}

func (f *written) WriteWhole(p []byte, done func(string, error)) {
	_, err := f.WriteAt(p, 0)
	done(f.name, err)
}

func (f *written) Commit(size int64, done func(string, error)) {
	f.mu.Lock()
	err := f.zerosLocked(size - f.at)
	f.mu.Unlock()
	done(f.name, err)
}
