package tree

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"

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
// the partial 8, boot id 36, zeros 8, CRC-32C of all before 4. A record or mark
// has 44: number 8, of which the top bit tells a mark, chaining value 32 (zeros in
// a mark), CRC-32C 4, which starts from the header's stable part so that no other
// journal's records count.
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
//  5. fsync of the folder and of those above it that are new, or one syncfs for
//     many; then the file is reported done
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
