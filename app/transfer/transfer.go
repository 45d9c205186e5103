// Package transfer moves files, trees and streams between two machines: as fast
// as the path allows, verified, resumable, and never half-written.
//
// One end sends, the other receives; which of the two dialled does not matter:
//
//	src, err := tree.NewSource([]string{"holiday"}, tree.SourceOptions{})
//	sum, err := transfer.Send(ctx, session, src, transfer.SendOptions{})
//
//	dst, err := tree.OpenTarget("inbox", tree.TargetOptions{})
//	sum, err := transfer.Receive(ctx, session, transfer.Folder(dst), transfer.ReceiveOptions{})
//
// A session is a pairing of two peers (package pairing), which carries as many
// connections as the transfer finds useful, or any connection of the caller's
// (pairing.New). Send and Receive use it up: they close its connections.
//
// The rules:
//
//   - Both return when everything has arrived or failed, when the context is
//     cancelled, or when the other end is gone. The Summary is valid beside every
//     error. Entries that failed while the rest arrived make a *FailedError.
//   - A receiver never shows a file under its name before all of it is there and
//     verified. What an interrupted transfer has left is taken up by the next.
//   - Memory is bounded at both ends, whatever is sent: two chunks for each
//     connection, and 16,384 entries under way.
//   - A cancelled context tells the other end, which reports a *PeerError.
//
// The wire format is in spec.md. The classic protocols that beginners write are
// SendClassic and ReceiveClassic.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"

	"dialtone/app/tree"
)

// Session is what a transfer needs of a *pairing.Session: a first connection,
// and further ones, which the end that dialled opens and the other accepts.
type Session interface {
	Conn() net.Conn
	Dialed() bool
	Open(ctx context.Context) (net.Conn, error)
	AcceptStream(ctx context.Context) (net.Conn, error)
	Close() error
}

// Source is what is sent: a *tree.Source or a [Stream].
type Source interface {
	Walk(ctx context.Context, visit func(tree.Entry) error) error
	Open(e tree.Entry) (tree.SourceFile, error)
}

// Send sends src over s until everything has arrived or failed.
func Send(ctx context.Context, s Session, src Source, o SendOptions) (Summary, error) {
	if c := o.Chunk; c != 0 && (c < MinChunk || c > MaxChunk || c&(c-1) != 0) {
		return Summary{}, fmt.Errorf("transfer: a chunk of %d bytes is not a power of two from %d to %d", c, MinChunk, MaxChunk)
	}
	return newSender(s, src, o).run(ctx)
}

// Receive takes what the other end of s sends into dst, which it closes.
func Receive(ctx context.Context, s Session, dst Target, o ReceiveOptions) (Summary, error) {
	return newReceiver(s, dst, o).run(ctx)
}

// Stream returns a source of one entry without a known size: what r gives until
// its end, under the given name. A Read of r that never returns outlives a
// cancelled transfer.
func Stream(name string, r io.Reader) Source { return &stream{name: name, r: r} }

type stream struct {
	name string
	r    io.Reader
}

func (s *stream) Walk(_ context.Context, visit func(tree.Entry) error) error {
	return visit(tree.Entry{Path: s.name, Kind: tree.File, Mode: 0o644, Size: -1})
}

func (s *stream) Open(tree.Entry) (tree.SourceFile, error) { return &streamFile{r: s.r}, nil }

// streamFile reads on where it stands; an end in the middle of a read is io.EOF.
type streamFile struct {
	r  io.Reader
	at int64
}

func (f *streamFile) ReadAt(p []byte, off int64) (int, error) {
	if off != f.at {
		return 0, errors.New("a stream is read once, from its beginning to its end")
	}
	n := 0
	var err error
	for n < len(p) && err == nil { // not io.ReadFull: to that a cut-off gzip is an end like others
		var m int
		m, err = f.r.Read(p[n:])
		n += m
	}
	f.at += int64(n)
	if n == len(p) {
		err = nil
	}
	return n, err
}

func (f *streamFile) Close() error   { return nil }
func (f *streamFile) Changed() error { return nil }
func (f *streamFile) File() *os.File { return nil }

func (f *streamFile) Data(off int64) (int64, int64, error) { return off, math.MaxInt64, nil }
