package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"dialtone/app/digest"
)

// Hash returns the BLAKE3 of the file that is there, for the verdict Compare.
func (in *Incoming) Hash(ctx context.Context) (digest.Sum, error) {
	sum, err := in.hash(ctx)
	if err != nil {
		return sum, fmt.Errorf("compare %q: %w", in.e.Path, pathless(err))
	}
	return sum, nil
}

const hashChunk = 1 << 20

var hashBuffers = sync.Pool{New: func() any { return new([hashChunk]byte) }}

func (in *Incoming) hash(ctx context.Context) (digest.Sum, error) {
	h, err := in.f.pin()
	if err != nil {
		return digest.Sum{}, err
	}
	f, err := h.openRead(in.final)
	in.f.unpin()
	if err != nil {
		return digest.Sum{}, err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return digest.Sum{}, errors.Join(err, errNotFile)
	}
	buf := hashBuffers.Get().(*[hashChunk]byte)
	defer hashBuffers.Put(buf)
	tree := digest.NewTree()
	for i := int64(0); ; i++ {
		if err := ctx.Err(); err != nil {
			return digest.Sum{}, err
		}
		n, err := io.ReadFull(f, buf[:])
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		switch {
		case err != nil && !last:
			return digest.Sum{}, err
		case i == 0 && (last || i*hashChunk+int64(n) >= in.e.Size):
			return digest.Of(buf[:n]), nil
		case n > 0:
			tree.Add(i, digest.Chunk(buf[:n], i*hashChunk))
		}
		if last {
			return tree.Root()
		}
	}
}

// Resolve gives Compare's answer: whether the content is the same. The verdict is
// Have, or what OnConflict says: Want, Skipped or Refused, or Compare again when
// TargetOptions.Compare is set and another candidate ("name (2)") may be the same.
// The Incoming goes on with Want and Compare only.
func (in *Incoming) Resolve(same bool) (Verdict, error) {
	v, err := in.resolve(same)
	if err != nil {
		v, err = Refused, fmt.Errorf("receive %q: %w", in.e.Path, err)
	}
	switch {
	case v == Compare:
		return v, nil
	case v != Want || in.t.o.DryRun:
		in.t.settled(in, v, err)
		in.end(in.f.below(in.final), err)
	}
	return v, err
}

func (in *Incoming) resolve(same bool) (Verdict, error) {
	h, err := in.f.pin()
	if err != nil {
		return Refused, err
	}
	defer in.f.unpin()
	if same {
		in.had(h)
		return Have, in.refresh(h)
	}
	v, err := in.conflict(in.seen)
	if v == 0 {
		in.pick++
		v, err = in.choose(h)
	}
	if err != nil || v != Want || in.t.o.DryRun {
		return v, err
	}
	in.resume(h)
	return Want, nil
}

// refresh gives a file that is the same but for its metadata what was sent, when
// it may be overwritten: the next run then sees at once that it is the same.
func (in *Incoming) refresh(h handle) error {
	if in.t.o.OnConflict != Overwrite || in.t.o.DryRun {
		return nil
	}
	f, err := h.openRead(in.final)
	if err != nil {
		return err
	}
	defer f.Close()
	return h.keep(f, in.final, &in.e, in)
}
