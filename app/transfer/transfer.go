// Package transfer moves files, trees and streams between two machines: as fast
// as the path allows, verified, resumable, and never half-written.
package transfer

import (
	"context"
	"errors"
	"io"

	"dialtone/app/tree"
)

// Source is what is sent: a *tree.Source, or Stream's.
type Source interface {
	Walk(ctx context.Context, visit func(tree.Entry) error) error
}

// Stream is a source of one entry without a known size: what r gives until its
// end, under the given name.
func Stream(name string, r io.Reader) Source { return stream{name, r} }

type stream struct {
	name string
	r    io.Reader
}

func (s stream) Walk(ctx context.Context, visit func(tree.Entry) error) error {
	return visit(tree.Entry{Path: s.name, Kind: tree.File, Mode: 0o644, Size: -1})
}

// Target is where it arrives: a *tree.Target, or Writer's.
type Target any

// Writer is a target that takes one file or stream and writes its content, in
// order, to w.
func Writer(w io.Writer) Target { return writer{w} }

type writer struct{ w io.Writer }

// Session is what a transfer needs of a pairing.Session.
type Session any

// Send sends src over s until everything has arrived, failed or been refused.
func Send(ctx context.Context, s Session, src Source, o SendOptions) (Summary, error) {
	return Summary{}, errors.New("transfer: not built yet")
}

// Receive takes what the other end of s sends into dst.
func Receive(ctx context.Context, s Session, dst Target, o ReceiveOptions) (Summary, error) {
	return Summary{}, errors.New("transfer: not built yet")
}

// Snapshot returns the state of m now.
func (m *Meter) Snapshot() Snapshot { return Snapshot{} }
