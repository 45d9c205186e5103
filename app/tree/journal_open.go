package tree

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"

	"dialtone/app/digest"
)

// journal is an open one. Its methods may be called by several goroutines.
type journal struct {
	head header
	seed uint32
	f    *os.File

	mu      sync.Mutex
	have    bitmap // chunks with a record
	records int64
	synced  int64
	end     int64 // where the next record goes
}

// newJournal starts f anew.
func newJournal(f *os.File, head header) (*journal, error) {
	j := &journal{head: head, seed: head.seed(), f: f}
	return j, j.restart()
}

// restart forgets all records.
func (j *journal) restart() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.f.Truncate(0); err != nil {
		return err
	}
	if _, err := j.f.WriteAt(j.head.bytes(), 0); err != nil {
		return err
	}
	j.have, j.records, j.synced, j.end = newBitmap(j.head.chunks()), 0, 0, headerSize
	return nil
}

// add records that chunk is in the partial. A chunk that has a record keeps it.
func (j *journal) add(chunk int64, cv digest.Sum) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.have.has(chunk) {
		return nil
	}
	if err := j.appendLocked(uint64(chunk), cv); err != nil {
		return err
	}
	j.have.set(chunk)
	j.records++
	return nil
}

func (j *journal) appendLocked(number uint64, cv digest.Sum) error {
	var buf [recordSize]byte
	if _, err := j.f.WriteAt(appendRecord(buf[:0], j.seed, number, cv), j.end); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.end += recordSize
	return nil
}

// count returns how many chunks have a record.
func (j *journal) count() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.records
}

// mark syncs the partial and says in the journal what that covered.
func (j *journal) mark(partial *os.File) error {
	covered := j.count()
	if err := syncContent(partial); err != nil {
		return err
	}
	return j.markSynced(covered)
}

func (j *journal) markSynced(covered int64) error {
	j.mu.Lock()
	if covered <= j.synced || covered > j.records {
		j.mu.Unlock()
		return nil
	}
	err := j.appendLocked(markBit|uint64(covered), digest.Sum{})
	if err == nil {
		j.synced = covered
	}
	j.mu.Unlock()
	if err != nil {
		return err
	}
	return syncContent(j.f)
}

// entries yields the records and marks up to offset end. It reads them from the
// file, for there may be many.
func (j *journal) entries(end int64) iter.Seq2[uint64, digest.Sum] {
	return func(yield func(uint64, digest.Sum) bool) {
		br := bufio.NewReaderSize(io.NewSectionReader(j.f, headerSize, end-headerSize), 64<<10)
		for {
			number, cv, ok := readRecord(br, j.seed)
			if !ok || !yield(number, cv) {
				return
			}
		}
	}
}

// all yields the chunks that have a record now, with their chaining values.
func (j *journal) all() iter.Seq2[int64, digest.Sum] {
	return func(yield func(int64, digest.Sum) bool) {
		j.mu.Lock()
		end := j.end
		j.mu.Unlock()
		for number, cv := range j.entries(end) {
			if number&markBit == 0 && !yield(int64(number), cv) {
				return
			}
		}
	}
}

// missing yields the ranges [from, to) of chunks that have no record.
func (j *journal) missing() iter.Seq2[int64, int64] {
	return func(yield func(int64, int64) bool) {
		n, from := j.head.chunks(), int64(-1)
		for i := range n + 1 {
			there := i == n || j.hasChunk(i)
			switch {
			case !there && from < 0:
				from = i
			case there && from >= 0:
				if !yield(from, i) {
					return
				}
				from = -1
			}
		}
	}
}

func (j *journal) hasChunk(i int64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.have.has(i)
}
