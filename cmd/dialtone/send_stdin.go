package main

import (
	"context"
	"io"
	"os"
	"sync"
)

// standardInput returns standard input as a reader that ends with ctx, so that
// Ctrl-C works while whoever writes to it is silent.
func standardInput(ctx context.Context) io.Reader {
	if info, err := os.Stdin.Stat(); err == nil && info.Mode().IsRegular() {
		return os.Stdin // is never silent
	}
	return newInterruptible(ctx, os.Stdin)
}

// interruptible reads ahead in a goroutine. A read that is under way when the
// context ends stays behind with it: there is no way to end a read of a terminal
// or a pipe, and the process ends next.
type interruptible struct {
	ctx   context.Context
	r     io.Reader
	start sync.Once   // the first Read: until then somebody else may read
	full  chan filled // what was read
	free  chan []byte // where to read to
	last  filled      // not yet taken
	used  []byte      // the buffer that last stands in
}

type filled struct {
	p   []byte
	err error
}

// Two buffers of this size are the most that is read ahead.
const readAhead = 1 << 20

func newInterruptible(ctx context.Context, r io.Reader) *interruptible {
	in := &interruptible{ctx: ctx, r: r, full: make(chan filled), free: make(chan []byte, 2)}
	in.free <- make([]byte, readAhead)
	in.free <- make([]byte, readAhead)
	return in
}

func (in *interruptible) pump() {
	for {
		select {
		case buf := <-in.free:
			n, err := in.r.Read(buf)
			select {
			case in.full <- filled{buf[:n], err}:
			case <-in.ctx.Done():
				return
			}
			if err != nil {
				return
			}
		case <-in.ctx.Done():
			return
		}
	}
}

func (in *interruptible) Read(p []byte) (int, error) {
	in.start.Do(func() { go in.pump() })
	for len(in.last.p) == 0 {
		if in.last.err != nil {
			return 0, in.last.err
		}
		if in.used != nil {
			in.free <- in.used
			in.used = nil
		}
		select {
		case in.last = <-in.full:
			in.used = in.last.p[:cap(in.last.p)]
		case <-in.ctx.Done():
			return 0, context.Cause(in.ctx)
		}
	}
	n := copy(p, in.last.p)
	in.last.p = in.last.p[n:]
	return n, nil
}
