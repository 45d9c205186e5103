package tree

import (
	"io"
	"os"

	"dialtone/app/digest"
)

// maxAgain is how many records behind the first bad one are kept.
const maxAgain = 1 << 16

// resumption is a journal that is being looked through.
type resumption struct {
	*journal
	sameRun bool        // the kernel has not been restarted since
	partial io.ReaderAt // of size bytes
	size    int64
	buf     []byte // a chunk

	dropped int64    // records that do not count
	keep    int64    // end of those before the first of them
	again   []record // good ones behind it
}

type record struct {
	chunk int64
	cv    digest.Sum
}

// resumeJournal continues the journal in f, of what head describes, after an
// interruption. The partial has size bytes. Records that do not count are dropped.
func resumeJournal(f *os.File, head header, partial io.ReaderAt, size int64) (*journal, error) {
	a, err := readJournal(io.NewSectionReader(f, 0, 1<<62), head)
	if err != nil {
		return nil, err
	}
	j := &journal{head: head, seed: head.seed(), f: f, have: a.have, records: a.records, synced: a.synced, end: a.end}
	r := &resumption{journal: j, sameRun: a.sameRun, partial: partial, size: size, keep: headerSize}
	r.look()
	return j, r.rewrite()
}

// look decides which records count.
func (r *resumption) look() {
	seen, at := int64(0), int64(headerSize)
	for number, cv := range r.entries(r.end) {
		at += recordSize
		good := true
		if number&markBit == 0 {
			seen++
			good = r.counts(int64(number), cv, r.sameRun || seen <= r.synced)
		}
		switch {
		case !good:
			r.have.clear(int64(number))
			r.dropped++
		case r.dropped == 0:
			r.keep = at
		case number&markBit == 0:
			r.again = append(r.again, record{int64(number), cv})
		}
	}
}

// counts reports whether a chunk is in the partial. Unless trusted, it is read.
func (r *resumption) counts(chunk int64, cv digest.Sum, trusted bool) bool {
	end := min((chunk+1)*r.head.chunk, r.head.size)
	if end > r.size || len(r.again) >= maxAgain {
		return false
	}
	return trusted || r.holds(chunk*r.head.chunk, end, cv)
}

// holds reads bytes from to end of the partial and reports whether they are right.
func (r *resumption) holds(from, end int64, cv digest.Sum) bool {
	if r.buf == nil {
		r.buf = make([]byte, r.head.chunk)
	}
	p := r.buf[:end-from]
	if n, err := r.partial.ReadAt(p, from); n < len(p) && err != nil {
		return false
	}
	return digest.Chunk(p, from) == cv
}

// rewrite makes the journal say what counts. After a restart of the kernel what
// was read back is on the disk, and the journal becomes one of this run.
func (r *resumption) rewrite() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = r.keep
	r.records -= r.dropped
	r.synced = min(r.synced, r.records-int64(len(r.again)))
	if err := r.f.Truncate(r.end); err != nil {
		return err
	}
	for _, a := range r.again {
		if err := r.appendLocked(uint64(a.chunk), a.cv); err != nil {
			return err
		}
	}
	if r.sameRun {
		return nil
	}
	if r.records > r.synced {
		if err := r.appendLocked(markBit|uint64(r.records), digest.Sum{}); err != nil {
			return err
		}
		r.synced = r.records
	}
	_, err := r.f.WriteAt(r.head.bytes(), 0)
	return err
}
