package transfer

import (
	"context"

	"dialtone/app/digest"
)

// compare hashes a file and tells the receiver the sum.
func (w *sending) compare(ctx context.Context, o *outgoing) error {
	sum, err := w.hash(ctx, o)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	o.close()
	if err != nil {
		w.giveUp(o, err)
		return nil
	}
	w.mu.Lock()
	o.stage = stageHashed
	w.mu.Unlock()
	w.out.put(frameSums, func(b []byte, _ bool) []byte {
		return append(appendUint(b, o.number), sum[:]...)
	})
	return nil
}

func (w *sending) hash(ctx context.Context, o *outgoing) (digest.Sum, error) {
	f, err := w.open(o)
	if err != nil {
		return digest.Sum{}, err
	}
	w.cleared = false
	if o.entry.Size <= w.chunk {
		p := w.content(o.entry.Size)
		if err := readFull(f, p, 0); err != nil {
			return digest.Sum{}, err
		}
		return digest.Of(p), f.Changed()
	}
	t := digest.NewTree()
	for off := int64(0); off < o.entry.Size && ctx.Err() == nil; off += w.chunk {
		p := w.content(min(w.chunk, o.entry.Size-off))
		if err := readFull(f, p, off); err != nil {
			return digest.Sum{}, err
		}
		t.Add(off/w.chunk, digest.Chunk(p, off))
	}
	sum, err := t.Root()
	if err != nil {
		return sum, err
	}
	return sum, f.Changed()
}
