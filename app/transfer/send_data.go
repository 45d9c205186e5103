package transfer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

const (
	packFiles = 1024     // small files in one frame
	room      = 64 << 10 // in front of a body, for its head
	moveByFD  = 64 << 10 // from so many bytes on the kernel moves what nobody looks at
)

// smallReader is a source that reads a small file with fewer calls than Open.
type smallReader interface {
	ReadSmall(e tree.Entry, buf []byte) (int, error)
}

var _ interface { // what a tree is beyond a Source
	smallReader
	counter
} = (*tree.Source)(nil)

// sending is one stream: a connection, and the buffers of the goroutine that
// feeds it.
type sending struct {
	*sender
	l       *link
	head    []byte
	body    []byte // room, then content
	packed  compressor
	cleared bool // body[room:] is all zeros, for holes
	records []record
}

// stream sends what there is to send over l, until the transfer ends.
func (s *sender) stream(ctx context.Context, l *link) error {
	w := &sending{sender: s, l: l}
	defer s.meter.streamBegins()()
	for {
		j := s.next()
		var err error
		switch j.kind {
		case jobNone:
			return nil
		case jobPack:
			err = w.sendPack(ctx, j.files)
		case jobChunk:
			err = w.sendChunk(ctx, j)
		case jobStream:
			err = w.sendStream(ctx, j.file)
		case jobCompare:
			err = w.compare(ctx, j.file)
		}
		if err != nil {
			return err
		}
	}
}

// content returns room for n bytes of content behind the head.
func (w *sending) content(n int64) []byte {
	if need := room + int(n); cap(w.body) < need {
		w.body = make([]byte, need, room+max(int(w.chunk), int(n)))
		w.cleared = true
	}
	return w.body[room : room+n : cap(w.body)]
}

// sendPack sends small files in one frame.
func (w *sending) sendPack(ctx context.Context, files []*outgoing) error {
	content := w.content(w.chunk)
	w.cleared = false
	w.records = w.records[:0]
	at := int64(0)
	for _, o := range files {
		part := content[at : at+o.entry.Size]
		r := record{entry: o.number, flags: recordWhole, raw: o.entry.Size}
		began := time.Now()
		err := w.readWhole(o, &r, part)
		w.meter.reading.Add(int64(time.Since(began)))
		if err != nil {
			w.giveUp(o, err)
			continue
		}
		if w.sums {
			began := time.Now()
			r.flags |= recordSummed
			r.sum = digest.Of(part)
			o.setSum(r.sum)
			w.meter.hashing.Add(int64(time.Since(began)))
		}
		at += r.squeeze(part)
		w.records = append(w.records, r)
	}
	if len(w.records) == 0 {
		return nil
	}
	w.sent(files...)
	return w.send(ctx, w.body[:room+at])
}

// sent notes that all of some files is about to be sent, before results can come.
func (w *sending) sent(files ...*outgoing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range files {
		o.stage = stageSent
	}
}

// readWhole reads a small file, which must be as it was named.
func (w *sending) readWhole(o *outgoing, r *record, p []byte) error {
	if s, ok := w.src.(smallReader); ok && !o.entry.Sparse {
		n, err := s.ReadSmall(o.entry, p)
		if err == nil && n != len(p) {
			err = tree.ErrChanged
		}
		return err
	}
	f, err := w.src.Open(o.entry)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := w.readChunk(o, f, r, p, 0); err != nil {
		return err
	}
	return f.Changed()
}

// giveUp tells both ends that a file cannot be sent.
func (w *sending) giveUp(o *outgoing, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.gone {
		return
	}
	w.lost = true
	w.failLocked(o, err)
	w.out.put(frameGiveUp, func(b []byte, _ bool) []byte {
		b = append(appendUint(b, o.number), byte(bit(errors.Is(err, tree.ErrChanged))))
		return appendText(b, plainReason(err))
	})
	w.forgetLocked(o)
}

// send writes w.records and their content, which stands in body behind room.
func (w *sending) send(ctx context.Context, body []byte) error {
	began := time.Now()
	raw := int64(len(body) - room)
	flags := byte(0)
	if w.compressing() && raw > 0 {
		if packed, ok := w.packed.pack(body, room); ok {
			body, flags = packed, bodyZstd
		}
		w.meter.hashing.Add(int64(time.Since(began)))
		began = time.Now()
	}
	w.head = append(w.head[:0], flags)
	for i := range w.records {
		w.head = appendRecord(w.head, &w.records[i])
	}
	for i := range w.records {
		if r := &w.records[i]; r.flags&recordEnd == 0 {
			w.meter.bytes.Add(r.raw)
		}
	}
	w.meter.sent.Add(raw)
	w.meter.compressed.Add(int64(len(body) - room))
	err := w.l.writeData(ctx, w.head, body, room)
	w.meter.networking.Add(int64(time.Since(began)))
	return err
}

// compressing says whether the next frame should be compressed.
func (w *sending) compressing() bool {
	switch w.opt.Compress {
	case CompressOn:
		return true
	case CompressOff:
		return false
	}
	return w.slow.Load()
}

// sendChunk sends one chunk of a large file; chunk -1 is only its end.
func (w *sending) sendChunk(ctx context.Context, j job) error {
	o, chunk := j.file, j.chunk
	f, err := w.open(o)
	if err != nil {
		w.giveUp(o, err)
		return nil
	}
	if chunk < 0 {
		return w.sendEnd(ctx, o, f)
	}
	off := chunk * w.chunk
	n := min(w.chunk, o.entry.Size-off)
	if !w.sums && !o.entry.Sparse && f.File() != nil && n >= moveByFD && !w.compressing() {
		err = w.moveChunk(ctx, o, f, chunk, n)
	} else {
		err = w.copyChunk(ctx, o, f, j, n)
	}
	var bad *readError
	if errors.As(err, &bad) {
		w.giveUp(o, bad.error)
		return nil
	}
	if err != nil {
		return err
	}
	if j.again {
		return nil
	}
	if o.shown != nil {
		o.shown.done.Add(n)
	}
	o.mu.Lock()
	o.left--
	last := o.left == 0
	o.mu.Unlock()
	if last {
		return w.sendEnd(ctx, o, f)
	}
	return nil
}

// readError is the source's, as opposed to the connection's.
type readError struct{ error }

// open returns o's file, opening it when it is the first who asks.
func (w *sending) open(o *outgoing) (tree.SourceFile, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		return o.file, nil
	}
	if o.over {
		return nil, fs.ErrClosed // whoever forgot it has said why
	}
	f, err := w.src.Open(o.entry)
	if err != nil {
		return nil, err
	}
	o.file = f
	if o.shown == nil {
		o.shown = w.meter.show(o.entry.Path, o.entry.Size, o.kept)
	}
	return f, nil
}

// copyChunk reads, hashes and sends a chunk.
func (w *sending) copyChunk(ctx context.Context, o *outgoing, f tree.SourceFile, j job, n int64) error {
	began, chunk := time.Now(), j.chunk
	r := record{entry: o.number, chunk: chunk, raw: n}
	p := w.content(n)
	if err := w.readChunk(o, f, &r, p, chunk*w.chunk); err != nil {
		return &readError{err}
	}
	hashing := time.Now()
	w.meter.reading.Add(int64(hashing.Sub(began)))
	if w.sums {
		r.flags |= recordSummed
		r.sum = digest.Chunk(p, chunk*w.chunk)
		if !j.again {
			o.add(chunk, r.sum)
		}
		w.meter.hashing.Add(int64(time.Since(hashing)))
	}
	n = r.squeeze(p)
	w.records = append(w.records[:0], r)
	return w.send(ctx, w.body[:room+n])
}

// squeeze moves the data in p, which is all of the record's content, together
// over the holes, and returns how much it is.
func (r *record) squeeze(p []byte) int64 {
	if r.flags&recordSparse == 0 {
		return int64(len(p))
	}
	at := 0
	for _, x := range r.extents {
		at += copy(p[at:], p[x[0]:x[1]])
	}
	return int64(at)
}

// readChunk fills p from off on and notes where the holes are.
func (w *sending) readChunk(o *outgoing, f tree.SourceFile, r *record, p []byte, off int64) error {
	if !o.entry.Sparse {
		w.cleared = false
		return readFull(f, p, off)
	}
	end := off + int64(len(p))
	for at := off; at < end && len(r.extents) < maxExtents; {
		from, to, err := o.data(f, at)
		if errors.Is(err, io.EOF) || err == nil && from >= end {
			break
		}
		if err != nil {
			return err
		}
		from, to = max(from, at), min(to, end)
		if len(r.extents) == maxExtents-1 {
			to = end
		}
		r.extents = append(r.extents, [2]int64{from - off, to - off})
		at = to
	}
	if len(r.extents) == 1 && r.extents[0] == [2]int64{0, int64(len(p))} {
		r.extents = nil
		w.cleared = false
		return readFull(f, p, off)
	}
	r.flags |= recordSparse
	if !w.cleared {
		clear(p)
	}
	w.cleared = len(r.extents) == 0 && int64(len(p)) == w.chunk
	for _, x := range r.extents {
		if err := readFull(f, p[x[0]:x[1]], off+x[0]); err != nil {
			return err
		}
	}
	return nil
}

// readFull reads all of p; an end of the file in it is a change of the file.
func readFull(f io.ReaderAt, p []byte, off int64) error {
	n, err := f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return tree.ErrChanged
	}
	return err
}

// data returns the data extent at or behind off; extents are long, chunks many.
func (o *outgoing) data(f tree.SourceFile, off int64) (from, to int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.searched[0] <= off && off < o.searched[1] { // nothing but hole from searched[0] to extent[0]
		return o.extent[0], o.extent[1], nil
	}
	from, to, err = f.Data(off)
	switch {
	case errors.Is(err, io.EOF):
		from, to = o.entry.Size, o.entry.Size+1
		err = nil
	case err != nil:
		return 0, 0, err
	}
	o.searched = [2]int64{off, to}
	o.extent = [2]int64{from, to}
	return from, to, nil
}

// moveChunk lets the kernel move a chunk that nobody looks at.
func (w *sending) moveChunk(ctx context.Context, o *outgoing, f tree.SourceFile, chunk, n int64) error {
	began := time.Now()
	r := record{entry: o.number, chunk: chunk, raw: n}
	w.head = appendRecord(append(w.head[:0], 0), &r)
	had, err := w.l.writeFile(ctx, w.head, f.File(), chunk*w.chunk, n)
	w.meter.networking.Add(int64(time.Since(began)))
	w.meter.bytes.Add(n)
	w.meter.sent.Add(n)
	w.meter.compressed.Add(n)
	if err == nil && had < n {
		return &readError{tree.ErrChanged}
	}
	return err
}

// sendEnd says that all of a large file has been sent, unless it changed.
func (w *sending) sendEnd(ctx context.Context, o *outgoing, f tree.SourceFile) error {
	if err := f.Changed(); err != nil {
		w.giveUp(o, err)
		return nil
	}
	return w.end(ctx, o, o.entry.Size)
}

func (w *sending) end(ctx context.Context, o *outgoing, size int64) error {
	r := record{entry: o.number, flags: recordEnd, raw: size}
	o.mu.Lock()
	if o.tree != nil {
		if o.tree.Chunks() > 1 {
			o.sum, _ = o.tree.Root()
		}
		r.flags |= recordSummed
		r.sum = o.sum
	}
	o.mu.Unlock()
	o.close()
	w.sent(o)
	w.records = append(w.records[:0], r)
	w.content(0)
	return w.send(ctx, w.body[:room])
}

// add gives the file's tree the sum of a chunk.
func (o *outgoing) add(chunk int64, sum digest.Sum) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.tree != nil {
		o.tree.Add(chunk, sum)
	}
}

func (o *outgoing) setSum(sum digest.Sum) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sum = sum
}

// forget closes o's file for good, and returns what is shown of it.
func (o *outgoing) forget() *activeFile {
	defer o.close()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	return o.shown
}

// close closes o's file, if it is open.
func (o *outgoing) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		o.file.Close()
		o.file = nil
	}
}

// plainReason is err for the other end: without this end's paths.
func plainReason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return cut(err.Error(), maxReason)
}
