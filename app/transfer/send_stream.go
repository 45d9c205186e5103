package transfer

import (
	"context"
	"errors"
	"io"
	"time"

	"dialtone/app/digest"
)

// sendStream sends a file of unknown size to its end, chunk after chunk. It
// reads one chunk ahead, so that a file of at most one chunk is sent whole.
func (w *sending) sendStream(ctx context.Context, o *outgoing) error {
	f, err := w.open(o)
	if err != nil {
		w.giveUp(o, err)
		return nil
	}
	chunk := int64(0)
	for {
		began := time.Now()
		p := w.content(w.chunk)
		w.cleared = false
		n, err := f.ReadAt(p, chunk*w.chunk)
		w.meter.reading.Add(int64(time.Since(began)))
		if err != nil && !errors.Is(err, io.EOF) {
			w.giveUp(o, err)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		whole := chunk == 0 && n < len(p)
		last := n < len(p)
		if last {
			w.mu.Lock()
			o.entry.Size = chunk*w.chunk + int64(n)
			w.mu.Unlock()
		}
		if n > 0 || whole {
			if whole {
				w.sent(o)
			}
			if err := w.sendPart(ctx, o, p[:n], chunk, whole); err != nil {
				return err
			}
			o.shown.done.Add(int64(n))
		}
		if whole {
			o.close()
			return nil
		}
		if last {
			return w.end(ctx, o, o.entry.Size)
		}
		chunk++
	}
}

func (w *sending) sendPart(ctx context.Context, o *outgoing, p []byte, chunk int64, whole bool) error {
	r := record{entry: o.number, chunk: chunk, raw: int64(len(p))}
	if whole {
		r.flags |= recordWhole
	}
	if w.sums {
		began := time.Now()
		r.flags |= recordSummed
		if chunk == 0 { // it may be the only one
			r.sum = digest.Of(p)
			o.setSum(r.sum)
		}
		if !whole {
			r.sum = digest.Chunk(p, chunk*w.chunk)
			o.add(chunk, r.sum)
		}
		w.meter.hashing.Add(int64(time.Since(began)))
	}
	w.records = append(w.records[:0], r)
	return w.send(ctx, w.body[:room+len(p)])
}
