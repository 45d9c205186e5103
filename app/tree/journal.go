package tree

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"strings"
	"sync"

	"dialtone/app/digest"
)

// A journal stands beside the partial of a file of several chunks and says which
// of them are there and right:
//
//	header   what is being received, and where and when
//	record   chunk number, chaining value   — after the chunk was written
//	record   …
//	mark     number of records              — those are on the disk
//	record   …
//
// All integers are big-endian. A header has 128 bytes: magic 8, chunk size 8,
// file size 8, mtime seconds 8 and nanoseconds 8, hash of the name 32, inode of
// the partial 8, boot id 36, zeros 8, CRC-32C of all before 4. A record or mark has 44: number 8,
// of which the top bit tells a mark, chaining value 32 (zeros in a mark), CRC-32C
// 4, which starts from the header's stable part so that no other journal's
// records count.
//
// The kernel keeps what was written when a process is killed: with the boot id
// of now all records count. After a crash of the machine those before the last
// mark count; the rest is read again from the partial and compared.
//
// The order in which things reach the disk is this, for every file:
//
//  1. content into the partial; a record after each chunk
//  2. every 64 MiB: fdatasync of the partial, a mark, fdatasync of the journal
//  3. at the end: size, mode, times; fsync of the partial, or one syncfs for many
//  4. the journal is removed, the partial renamed to its final name
//  5. fsync of the folder, or one syncfs for many; then the file is reported done
//
// So a name that is there always has its whole content, a chunk that the journal
// names is always in the partial, and what was reported done stays. A crash
// between the steps of 4 costs a transfer, not a file.

const (
	journalMagic  = "dialjnl1"
	headerSize    = 128
	headerStable  = 80 // of it, what does not change when the machine has started anew
	recordSize    = 44
	markBit       = 1 << 63
	syncEvery     = 64 << 20 // bytes between marks
	bootIDSize    = 36
	headerUsed    = headerStable + bootIDSize
	maxJournalled = 1 << 24 // chunks; more are not journalled
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what a journal is about. Two headers that differ in anything but the
// boot id are of different files.
type header struct {
	chunk, size int64
	sec, nsec   int64
	name        digest.Sum
	ino         uint64
	boot        string
}

func headerOf(e *Entry, name string, chunk int64, ino uint64, boot string) header {
	return header{
		chunk: chunk, size: e.Size, sec: e.ModTime.Unix(), nsec: int64(e.ModTime.Nanosecond()),
		name: digest.Of([]byte(name)), ino: ino, boot: boot,
	}
}

func (h *header) chunks() int64 { return (h.size + h.chunk - 1) / h.chunk }

func (h *header) bytes() []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, journalMagic...)
	for _, v := range []int64{h.chunk, h.size, h.sec, h.nsec} {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	b = append(b, h.name[:]...)
	b = binary.BigEndian.AppendUint64(b, h.ino)
	b = append(b, h.boot[:min(len(h.boot), bootIDSize)]...)
	b = append(b, make([]byte, headerSize-4-len(b))...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// seed is where the checksums of the records start.
func (h *header) seed() uint32 { return crc32.Checksum(h.bytes()[:headerStable], castagnoli) }

func appendRecord(b []byte, seed uint32, number uint64, cv digest.Sum) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint64(b, number)
	b = append(b, cv[:]...)
	return binary.BigEndian.AppendUint32(b, crc32.Update(seed, castagnoli, b[at:]))
}

// bitmap is a set of chunk numbers.
type bitmap []uint64

func newBitmap(n int64) bitmap    { return make(bitmap, (n+63)/64) }
func (m bitmap) has(i int64) bool { return m[i>>6]&(1<<(i&63)) != 0 }
func (m bitmap) set(i int64)      { m[i>>6] |= 1 << (i & 63) }
func (m bitmap) clear(i int64)    { m[i>>6] &^= 1 << (i & 63) }

// account is what a journal says.
type account struct {
	have    bitmap // chunks with a record
	records int64  // how many
	synced  int64  // how many of them, from the first, are on the disk
	marks   int64
	end     int64 // offset behind the last good record
	sameRun bool  // the kernel has not been restarted since
}

var errOtherJournal = errors.New("journal of another file")

// readJournal reads a journal of what want describes, up to the first record
// that is torn or wrong. It returns errOtherJournal when it is of something else.
func readJournal(r io.Reader, want header) (account, error) {
	var head [headerSize]byte
	br := bufio.NewReaderSize(r, 64<<10)
	if _, err := io.ReadFull(br, head[:]); err != nil {
		return account{}, errOtherJournal
	}
	boot := want.boot
	want.boot = strings.TrimRight(string(head[headerStable:headerUsed]), "\x00")
	if string(want.bytes()) != string(head[:]) {
		return account{}, errOtherJournal
	}
	a := account{have: newBitmap(want.chunks()), end: headerSize, sameRun: boot != "" && boot == want.boot}
	for seed := want.seed(); ; {
		number, _, ok := readRecord(br, seed)
		if !ok || !a.take(number, want.chunks()) {
			return a, nil
		}
		a.end += recordSize
	}
}

func readRecord(r io.Reader, seed uint32) (number uint64, cv digest.Sum, ok bool) {
	var rec [recordSize]byte
	if _, err := io.ReadFull(r, rec[:]); err != nil {
		return 0, cv, false
	}
	sum := crc32.Update(seed, castagnoli, rec[:recordSize-4])
	if sum != binary.BigEndian.Uint32(rec[recordSize-4:]) {
		return 0, cv, false
	}
	return binary.BigEndian.Uint64(rec[:]), digest.Sum(rec[8:40]), true
}

// take counts one record and reports whether it makes sense. Chunks come once
// and marks grow, so that a journal is never longer than twice its chunks.
func (a *account) take(number uint64, chunks int64) bool {
	if number&markBit != 0 {
		n := int64(number &^ markBit)
		if n <= a.synced || n > a.records {
			return false
		}
		a.synced = n
		a.marks++
		return true
	}
	if number >= uint64(chunks) || a.have.has(int64(number)) {
		return false
	}
	a.have.set(int64(number))
	a.records++
	return true
}

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

// all yields the chunks that have a record now, with their chaining values. It
// reads them from the file, for there may be many.
func (j *journal) all() iter.Seq2[int64, digest.Sum] {
	return func(yield func(int64, digest.Sum) bool) {
		j.mu.Lock()
		end := j.end
		j.mu.Unlock()
		br := bufio.NewReaderSize(io.NewSectionReader(j.f, headerSize, end-headerSize), 64<<10)
		for {
			number, cv, ok := readRecord(br, j.seed)
			if !ok {
				return
			}
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

// resumeJournal continues the journal in f, of what head describes, after an
// interruption. The partial has size bytes.
func resumeJournal(f *os.File, head header, partial io.ReaderAt, size int64) (*journal, error) {
	a, err := readJournal(io.NewSectionReader(f, 0, 1<<62), head)
	if err != nil {
		return nil, err
	}
	j := &journal{head: head, seed: head.seed(), f: f, have: a.have, records: a.records, synced: a.synced, end: a.end}
	return j, j.settle(a.sameRun, partial, size)
}

// settle drops the records that do not count and writes those that do after the
// last that certainly does.
func (j *journal) settle(sameRun bool, partial io.ReaderAt, size int64) error {
	type record struct {
		chunk int64
		cv    digest.Sum
	}
	var good []record // behind the first bad one
	var buf []byte
	seen, bad := int64(0), int64(0)
	end := int64(headerSize)
	br := bufio.NewReaderSize(io.NewSectionReader(j.f, headerSize, j.end-headerSize), 64<<10)
	for at := int64(headerSize); at < j.end; at += recordSize {
		number, cv, ok := readRecord(br, j.seed)
		if !ok {
			return fmt.Errorf("journal: %w", errReplaced)
		}
		if number&markBit != 0 {
			if bad == 0 {
				end = at + recordSize
			}
			continue
		}
		seen++
		chunk := int64(number)
		trusted := sameRun || seen <= j.synced
		if j.chunkEnd(chunk) <= size && (trusted || j.holds(partial, chunk, cv, &buf)) {
			if bad == 0 {
				end = at + recordSize
			} else {
				good = append(good, record{chunk, cv})
			}
			continue
		}
		j.have.clear(chunk)
		bad++
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.end = end
	j.records -= bad
	j.synced = min(j.synced, j.records-int64(len(good)))
	if err := j.f.Truncate(end); err != nil {
		return err
	}
	for _, r := range good {
		if err := j.appendLocked(uint64(r.chunk), r.cv); err != nil {
			return err
		}
	}
	return j.renewLocked(sameRun)
}

// renewLocked makes the journal one of this run of the kernel: what was read
// back is on the disk.
func (j *journal) renewLocked(sameRun bool) error {
	if sameRun {
		return nil
	}
	if j.records > j.synced {
		if err := j.appendLocked(markBit|uint64(j.records), digest.Sum{}); err != nil {
			return err
		}
		j.synced = j.records
	}
	_, err := j.f.WriteAt(j.head.bytes(), 0)
	return err
}

func (j *journal) chunkEnd(chunk int64) int64 { return min((chunk+1)*j.head.chunk, j.head.size) }

// holds reads a chunk of the partial and reports whether it is right.
func (j *journal) holds(partial io.ReaderAt, chunk int64, cv digest.Sum, buf *[]byte) bool {
	if *buf == nil {
		*buf = make([]byte, j.head.chunk)
	}
	from := chunk * j.head.chunk
	p := (*buf)[:j.chunkEnd(chunk)-from]
	if n, err := partial.ReadAt(p, from); n < len(p) && err != nil {
		return false
	}
	return digest.Chunk(p, from) == cv
}
