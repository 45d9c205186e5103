package transfer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"dialtone/app/bulk"
	"dialtone/app/digest"
)

// receiving is one connection's share of a receiver, and its buffers.
type receiving struct {
	*receiver
	l       *link
	wire    []byte // a body as it came
	raw     []byte // a body unpacked
	whole   []byte // a chunk with its holes
	records []record
}

// data takes a frame of content.
func (w *receiving) data(f frameIn) error {
	flags, err := w.parse(f.head)
	if err != nil {
		return err
	}
	var raw int64
	for i := range w.records {
		raw += w.records[i].dataLen()
	}
	switch {
	case raw > w.chunk:
		return broken("a frame with %d bytes of content", raw)
	case flags&bodyZstd == 0 && raw != int64(f.body):
		return broken("a frame's content of %d bytes, where its records have %d", f.body, raw)
	}
	w.meter.sent.Add(raw)
	w.meter.compressed.Add(int64(f.body))
	if flags == 0 && len(w.records) == 1 && w.movable(&w.records[0]) {
		return w.move(&w.records[0])
	}
	body, err := w.read(f.body, flags, raw)
	if err != nil {
		return err
	}
	for i := range w.records {
		n := w.records[i].dataLen()
		if err := w.take(&w.records[i], body[:n:n]); err != nil {
			return err
		}
		body = body[n:]
	}
	return nil
}

func (w *receiving) parse(head []byte) (flags byte, err error) {
	d := &decoder{b: head}
	flags = d.byte()
	if flags&^bodyZstd != 0 {
		d.fail("content packed in an unknown way")
	}
	w.records = w.records[:0]
	for len(d.b) > 0 && d.err == nil {
		if len(w.records) == maxRecords {
			d.fail("too many records in a frame")
			break
		}
		w.records = append(w.records, parseRecord(d, w.chunk))
	}
	return flags, d.err
}

// read reads a body and unpacks it.
func (w *receiving) read(n int, flags byte, raw int64) ([]byte, error) {
	w.wire = sized(w.wire, n, int(w.chunk))
	began := time.Now()
	_, err := io.ReadFull(w.l, w.wire)
	w.meter.networking.Add(int64(time.Since(began)))
	if err != nil {
		return nil, unexpected(err)
	}
	if flags&bodyZstd == 0 {
		return w.wire, nil
	}
	defer func(began time.Time) { w.meter.hashing.Add(int64(time.Since(began))) }(time.Now())
	w.raw = sized(w.raw, int(raw), int(w.chunk))
	got, err := w.unpack.unpack(w.wire, w.raw[:0:raw])
	if err == nil && int64(len(got)) != raw {
		err = broken("compressed content of %d bytes, where its records have %d", len(got), raw)
	}
	return got, err
}

// sized returns b with length n, remade with at most most when it is too small.
func sized(b []byte, n, most int) []byte {
	if cap(b) < n {
		b = make([]byte, min(max(n, 2*cap(b)), max(n, most)))
	}
	return b[:n]
}

// movable reports whether the kernel can put the record's content into its file:
// nobody looks at it.
func (w *receiving) movable(r *record) bool {
	return r.flags == 0 && r.raw >= moveByFD && !w.dst.ordered()
}

// move lets the kernel put a chunk into its file.
func (w *receiving) move(r *record) error {
	a := w.find(r.entry)
	if a == nil {
		return w.drop(r.raw)
	}
	if err := w.fits(a, r); err != nil {
		return err
	}
	if !a.begin(r.chunk) {
		return w.drop(r.raw)
	}
	bad, err := w.moveInto(a, r)
	if err == nil && bad == nil {
		bad = w.arrived(a, r, digest.Sum{})
	}
	a.done(r.chunk)
	if err != nil {
		return err
	}
	if bad != nil {
		return w.lose(a, bad)
	}
	return w.complete(a)
}

// moveInto reads all of the record's content from the connection, whatever
// becomes of it. The file's error is bad, the connection's err.
func (w *receiving) moveInto(a *arriving, r *record) (bad, err error) {
	f, bad := a.in.File(r.raw)
	if bad != nil {
		return bad, w.drop(r.raw)
	}
	began := time.Now()
	defer func() { w.meter.networking.Add(int64(time.Since(began))) }()
	for done := int64(0); done < r.raw; {
		part := w.l.in.part(min(r.raw-done, mostPart))
		asked := time.Now()
		w.l.moveReadDeadline()
		n, err := bulk.ReceiveFile(f, r.chunk*w.chunk+done, w.l.c, part)
		w.l.in.took(part, time.Since(asked), w.l.timeout)
		w.l.wire.Add(n)
		var path *fs.PathError
		if errors.As(err, &path) { // the rest of the part was dropped
			return path, w.drop(r.raw - done - part)
		}
		if err != nil {
			return nil, unexpected(err)
		}
		done += part
	}
	return nil, nil
}

func (w *receiving) drop(n int64) error {
	w.wire = sized(w.wire, int(min(n, w.chunk)), int(w.chunk))
	for n > 0 {
		part := w.wire[:min(n, int64(len(w.wire)))]
		if _, err := io.ReadFull(w.l, part); err != nil {
			return unexpected(err)
		}
		n -= int64(len(part))
	}
	return nil
}

// fits checks a record against what its file was said to be.
func (w *receiving) fits(a *arriving, r *record) error {
	e := &a.entry
	off := r.chunk * w.chunk
	if !a.wanted.Load() {
		return broken("content of %s, which was not asked for", e.Path)
	}
	switch {
	case r.flags&recordEnd != 0:
		if e.Size >= 0 && r.raw != e.Size {
			return broken("%s was to have %d bytes and ends with %d", e.Path, e.Size, r.raw)
		}
	case e.Size < 0:
		if w.opt.MaxBytes > 0 && off+r.raw > w.opt.MaxBytes {
			return w.tooMuch()
		}
		if r.flags&recordWhole != 0 && r.chunk != 0 {
			return broken("all of %s in chunk %d", e.Path, r.chunk)
		}
		grown, err := a.fitsStream(r, off, w.chunk)
		if err != nil {
			return err
		}
		if err := w.grow(grown); err != nil {
			return err
		}
	case r.flags&recordWhole != 0 && (r.raw != e.Size || r.chunk != 0),
		r.flags&recordWhole == 0 && (e.Size <= w.chunk || off >= e.Size || r.raw != min(w.chunk, e.Size-off)):
		return broken("content of %s that does not fit its %d bytes", e.Path, e.Size)
	}
	if w.sums && r.flags&(recordSummed|recordEnd) == 0 {
		return broken("content without a sum in a transfer that is verified")
	}
	return nil
}

// fitsStream holds the chunks of a file of unknown size to its being their sum:
// none but the last is short. It returns by how much the file has grown.
func (a *arriving) fitsStream(r *record, off, chunk int64) (grown int64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.raw < chunk && r.flags&recordWhole == 0 {
		if r.raw == 0 || a.short != 0 && a.short != r.chunk+1 {
			return 0, broken("%s has two last chunks", a.entry.Path)
		}
		a.short = r.chunk + 1
	}
	grown = max(off+r.raw-a.length, 0)
	a.length += grown
	if a.short != 0 && a.length > a.short*chunk {
		return 0, broken("%s goes on behind its last chunk", a.entry.Path)
	}
	return grown, nil
}

// grow counts content that no entry has announced.
func (r *receiver) grow(n int64) error {
	r.mu.Lock()
	r.bytes += n
	over := r.bytes > r.opt.MaxBytes
	r.mu.Unlock()
	if over && r.opt.MaxBytes > 0 {
		return r.tooMuch()
	}
	return nil
}

func (r *receiver) tooMuch() error {
	return &LimitError{fmt.Sprintf("more than %d bytes", r.opt.MaxBytes), "--max-bytes"}
}

// take verifies and writes one record; p is its content.
func (w *receiving) take(r *record, p []byte) error {
	a := w.find(r.entry)
	if a == nil {
		return nil // given up meanwhile
	}
	if err := w.fits(a, r); err != nil {
		return err
	}
	switch {
	case r.flags&recordEnd != 0:
		return w.end(a, r)
	case r.flags&recordSparse != 0:
		p = w.expand(r, p)
	}
	sum, ok := w.verify(a, r, p)
	if !ok {
		return w.again(a, r.chunk)
	}
	if r.flags&recordWhole != 0 {
		return w.takeWhole(a, r, p, sum)
	}
	if !a.begin(r.chunk) {
		return nil
	}
	began := time.Now()
	err := w.write(a, r, p)
	w.meter.writing.Add(int64(time.Since(began)))
	if err == nil {
		err = w.arrived(a, r, sum)
	}
	a.done(r.chunk)
	if err != nil {
		return w.lose(a, err)
	}
	return w.complete(a)
}

// expand puts the content of a chunk between its holes.
func (w *receiving) expand(r *record, p []byte) []byte {
	w.whole = sized(w.whole, int(r.raw), int(w.chunk))
	clear(w.whole)
	for _, x := range r.extents {
		n := copy(w.whole[x[0]:x[1]], p)
		p = p[n:]
	}
	return w.whole
}

// verify hashes a record's content.
func (w *receiving) verify(a *arriving, r *record, p []byte) (sum digest.Sum, ok bool) {
	if r.flags&recordSummed == 0 {
		return sum, true
	}
	defer func(began time.Time) { w.meter.hashing.Add(int64(time.Since(began))) }(time.Now())
	if r.flags&recordWhole != 0 {
		sum = digest.Of(p)
		return sum, sum == r.sum
	}
	if r.raw == 0 {
		return sum, false
	}
	sum = digest.Chunk(p, r.chunk*w.chunk)
	if a.entry.Size < 0 && r.chunk == 0 { // it may be the only one
		one := digest.Of(p)
		a.mu.Lock()
		a.sum = one
		a.mu.Unlock()
	}
	return sum, sum == r.sum
}

// again asks for a chunk that arrived damaged, or loses the file when it does so
// all the time.
func (w *receiving) again(a *arriving, chunk int64) error {
	a.mu.Lock()
	if a.repeats == nil {
		a.repeats = map[int64]int{}
	}
	a.repeats[chunk]++
	n := a.repeats[chunk]
	if len(a.repeats) > mostWrong {
		n = mostRepeat + 1
	}
	a.mu.Unlock()
	if n > mostRepeat || a.entry.Size < 0 || w.dst.ordered() {
		return w.lose(a, fmt.Errorf("content at byte %d arrives damaged", chunk*w.chunk))
	}
	w.meter.repaired.Add(1)
	w.tell(Event{Kind: EventRepaired, Path: a.entry.Path, Offset: chunk * w.chunk})
	w.out.put(frameAgain, func(b []byte, _ bool) []byte {
		return appendUint(appendUint(b, a.number), chunk)
	})
	return nil
}

// takeWhole writes a small file and commits it.
func (w *receiving) takeWhole(a *arriving, r *record, p []byte, sum digest.Sum) error {
	if !a.end() {
		return nil // it came twice
	}
	a.mu.Lock()
	a.sum = sum
	a.size = r.raw
	a.mu.Unlock()
	w.meter.bytes.Add(r.raw)
	began := time.Now()
	if r.flags&recordSparse == 0 {
		a.in.WriteWhole(p, func(final string, err error) { w.stored(a, final, err) })
	} else if err := w.write(a, r, p); err == nil {
		w.commit(a)
	} else {
		a.in.Discard()
		w.stored(a, "", err)
	}
	w.meter.writing.Add(int64(time.Since(began)))
	return nil
}

// write writes a chunk's data; its holes stay holes.
func (w *receiving) write(a *arriving, r *record, p []byte) error {
	off := r.chunk * w.chunk
	if r.flags&recordSparse == 0 {
		_, err := a.in.WriteAt(p, off)
		return err
	}
	for _, x := range r.extents {
		if _, err := a.in.WriteAt(p[x[0]:x[1]], off+x[0]); err != nil {
			return err
		}
	}
	return nil
}

// arrived notes a chunk that is written and right.
func (w *receiving) arrived(a *arriving, r *record, sum digest.Sum) error {
	w.meter.bytes.Add(r.raw)
	a.mu.Lock()
	if a.shown == nil {
		a.shown = w.meter.show(a.entry.Path, a.entry.Size, a.kept)
	}
	a.shown.done.Add(r.raw)
	a.have.add(r.chunk)
	scattered := len(a.have) > mostRuns
	if a.tree != nil {
		a.tree.Add(r.chunk, sum)
	}
	a.mu.Unlock()
	if scattered {
		return broken("the chunks of %s come in too great a disorder", a.entry.Path)
	}
	return a.in.Verified(r.chunk, sum)
}

// end takes the sender's word that all of a file has been sent.
func (w *receiving) end(a *arriving, r *record) error {
	a.mu.Lock()
	a.ended = true
	a.size = r.raw
	if r.flags&recordSummed != 0 {
		sum := r.sum
		a.theirs = &sum
	}
	a.mu.Unlock()
	return w.complete(a)
}

// complete commits a file of which everything is there.
func (w *receiving) complete(a *arriving) error {
	a.mu.Lock()
	ready := a.ended && a.have.full((a.size+w.chunk-1)/w.chunk)
	length := a.length
	a.mu.Unlock()
	if ready && a.entry.Size < 0 && length != a.size {
		return broken("%s was to end at byte %d and has %d", a.entry.Path, a.size, length)
	}
	if !ready || !a.end() {
		return nil
	}
	a.mu.Lock()
	var wrong error
	if a.tree != nil && a.tree.Chunks() > 1 {
		sum, err := a.tree.Root()
		if err != nil {
			wrong = err
		} else if a.theirs != nil && sum != *a.theirs {
			wrong = errors.New("its hash is not the one the sender found")
		}
		a.sum = sum
	}
	a.mu.Unlock()
	if wrong != nil {
		a.in.Discard()
		w.refuse(a, wrong)
		return nil
	}
	w.commit(a)
	return nil
}
