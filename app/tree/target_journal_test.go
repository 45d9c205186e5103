package tree

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dialtone/app/digest"

	"pgregory.net/rapid"
)

const testChunk = 1024

// crash is a partial and its journal as a crash leaves them.
type crash struct {
	head    header
	content []byte
	journal []byte
	order   []int64 // chunks as they were recorded
	synced  []int64 // for each mark, how many chunks it covers, and
	ends    []int64 // where it ends
}

// drawCrash records some chunks of a file in some order, with marks between.
func drawCrash(t *rapid.T, dir string) crash {
	size := rapid.Int64Range(testChunk+1, 12*testChunk).Draw(t, "size")
	e := Entry{Path: "f", Kind: File, Size: size, ModTime: time.Unix(5, 7)}
	c := crash{head: headerOf(&e, "f", testChunk, 42, "boot-a"), content: make([]byte, size)}
	for i := range c.content {
		c.content[i] = byte(i*7 + i/256)
	}
	part := create(t, filepath.Join(dir, "part"))
	defer part.Close()
	f := create(t, filepath.Join(dir, "journal"))
	defer f.Close()
	j, err := newJournal(f, c.head)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]int64, c.head.chunks())
	for i := range all {
		all[i] = int64(i)
	}
	all = rapid.Permutation(all).Draw(t, "order")
	c.order = all[:rapid.IntRange(0, len(all)).Draw(t, "written")]
	for n, i := range c.order {
		if err := j.add(i, c.sum(i)); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "mark") {
			if err := j.mark(part); err != nil {
				t.Fatal(err)
			}
			c.synced, c.ends = append(c.synced, int64(n+1)), append(c.ends, j.end)
		}
	}
	if c.journal, err = os.ReadFile(f.Name()); err != nil {
		t.Fatal(err)
	}
	return c
}

// memoryDir returns a folder where a sync costs nothing, if there is one.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "dialtone")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func create(t *rapid.T, path string) *os.File {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (c *crash) chunk(i int64) []byte {
	return c.content[i*testChunk : min((i+1)*testChunk, int64(len(c.content)))]
}

func (c *crash) sum(i int64) digest.Sum { return digest.Chunk(c.chunk(i), i*testChunk) }

// resume resumes from the first n bytes of the journal.
func (c *crash) resume(t *rapid.T, dir string, n int, boot string, content []byte) (*journal, error) {
	path := filepath.Join(dir, "cut")
	if err := os.WriteFile(path, c.journal[:n], 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	head := c.head
	head.boot = boot
	j, err := resumeJournal(f, head, bytes.NewReader(content), int64(len(content)))
	if err != nil {
		f.Close()
	}
	return j, err
}

// wholeRecords returns how many chunks the first n bytes of the journal name.
func (c *crash) wholeRecords(n int) (count int64) {
	r := bytes.NewReader(c.journal[min(headerSize, n):n])
	for {
		number, _, ok := readRecord(r, c.head.seed())
		if !ok {
			return count
		}
		if number&markBit == 0 {
			count++
		}
	}
}

func wantChunks(t *rapid.T, what string, j *journal, c *crash, want map[int64]bool) {
	got := map[int64]bool{}
	for i, cv := range j.all() {
		if got[i] || !want[i] || cv != c.sum(i) {
			t.Fatalf("%s: chunk %d, of which twice %v, wanted %v, right %v", what, i, got[i], want[i], cv == c.sum(i))
		}
		got[i] = true
	}
	missing := int64(0)
	for from, to := range j.missing() {
		missing += to - from
		for i := from; i < to; i++ {
			if want[i] {
				t.Fatalf("%s: chunk %d is missing", what, i)
			}
		}
	}
	if len(got) != len(want) || missing != c.head.chunks()-int64(len(want)) || j.count() != int64(len(want)) {
		t.Fatalf("%s: %d chunks of %d, %d missing", what, len(got), len(want), missing)
	}
}

func setOf(list []int64) map[int64]bool {
	s := map[int64]bool{}
	for _, i := range list {
		s[i] = true
	}
	return s
}

// TestJournalCutAnywhere: whatever byte a kill cut the journal at, what is
// recorded whole counts, nothing else does, and the journal can be continued.
func TestJournalCutAnywhere(t *testing.T) {
	dir := memoryDir(t)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCrash(t, dir)
		// A step that no record's length divides: the cuts of all cases together
		// are at every byte.
		for n := rapid.IntRange(0, 22).Draw(t, "first cut"); n <= len(c.journal); n += 23 {
			j, err := c.resume(t, dir, n, "boot-a", c.content)
			if n < headerSize {
				if !errors.Is(err, errOtherJournal) {
					t.Fatalf("a header cut at %d: %v", n, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			wantChunks(t, "cut", j, &c, setOf(c.order[:c.wholeRecords(n)]))
			continueJournal(t, j, &c)
			j.f.Close()
		}
	})
}

// continueJournal adds what is missing and reads all of it again.
func continueJournal(t *rapid.T, j *journal, c *crash) {
	for i := range c.head.chunks() {
		if err := j.add(i, c.sum(i)); err != nil {
			t.Fatal(err)
		}
	}
	a, err := readJournal(io.NewSectionReader(j.f, 0, 1<<40), j.head)
	if err != nil || a.records != c.head.chunks() {
		t.Fatalf("continued: %d chunks of %d, %v", a.records, c.head.chunks(), err)
	}
}

// TestJournalAfterACrashOfTheMachine: what was synced counts, the rest counts if
// it is in the partial.
func TestJournalAfterACrashOfTheMachine(t *testing.T) {
	dir := memoryDir(t)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCrash(t, dir)
		n := rapid.IntRange(headerSize, len(c.journal)).Draw(t, "cut")
		recorded := c.order[:c.wholeRecords(n)]
		synced := int64(0)
		for k, end := range c.ends {
			if end <= int64(n) {
				synced = c.synced[k]
			}
		}
		content := bytes.Clone(c.content)
		want := setOf(recorded)
		for _, i := range recorded[synced:] {
			if rapid.Bool().Draw(t, "lost") {
				content[i*testChunk]++
				delete(want, i)
			}
		}
		j, err := c.resume(t, dir, n, "boot-b", content)
		if err != nil {
			t.Fatal(err)
		}
		defer j.f.Close()
		wantChunks(t, "crashed", j, &c, want)

		// It is now a journal of this run of the kernel, and stays right.
		again := crash{head: c.head, content: c.content}
		again.head.boot = "boot-b"
		if again.journal, err = os.ReadFile(j.f.Name()); err != nil {
			t.Fatal(err)
		}
		k, err := again.resume(t, dir, len(again.journal), "boot-b", content)
		if err != nil {
			t.Fatal(err)
		}
		defer k.f.Close()
		wantChunks(t, "again", k, &c, want)
	})
}

// TestJournalOfAPartialThatIsTooShort: records of what is not there do not count.
func TestJournalOfAPartialThatIsTooShort(t *testing.T) {
	dir := memoryDir(t)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCrash(t, dir)
		size := rapid.IntRange(0, len(c.content)).Draw(t, "left")
		j, err := c.resume(t, dir, len(c.journal), "boot-a", c.content[:size])
		if err != nil {
			t.Fatal(err)
		}
		defer j.f.Close()
		want := map[int64]bool{}
		for _, i := range c.order {
			if i*testChunk+int64(len(c.chunk(i))) <= int64(size) {
				want[i] = true
			}
		}
		wantChunks(t, "short", j, &c, want)
		continueJournal(t, j, &c)
	})
}

func TestJournalOfSomethingElseDoesNotCount(t *testing.T) {
	e := Entry{Path: "f", Kind: File, Size: 5000, ModTime: time.Unix(5, 7)}
	head := headerOf(&e, "f", testChunk, 42, "a")
	for what, change := range map[string]func(*header){
		"chunk": func(h *header) { h.chunk *= 2 }, "size": func(h *header) { h.size++ },
		"seconds": func(h *header) { h.sec++ }, "nanoseconds": func(h *header) { h.nsec++ },
		"name": func(h *header) { h.name[3]++ }, "partial": func(h *header) { h.ino++ },
	} {
		other := head
		change(&other)
		if _, err := readJournal(bytes.NewReader(other.bytes()), head); !errors.Is(err, errOtherJournal) {
			t.Errorf("another %s: %v", what, err)
		}
	}
	for i := range headerSize {
		b := head.bytes()
		b[i] ^= 0x10
		if _, err := readJournal(bytes.NewReader(b), head); err == nil {
			t.Errorf("byte %d of the header may be anything", i)
		}
	}
	if a, err := readJournal(bytes.NewReader(head.bytes()), head); err != nil || !a.sameRun {
		t.Errorf("its own: %v, %v", a.sameRun, err)
	}
}

// FuzzReadJournal: whatever stands in a journal, what is read of it makes sense.
func FuzzReadJournal(f *testing.F) {
	e := Entry{Path: "f", Kind: File, Size: 5000, ModTime: time.Unix(5, 7)}
	head := headerOf(&e, "f", testChunk, 42, "a")
	b := head.bytes()
	b = appendRecord(b, head.seed(), 3, digest.Sum{1})
	b = appendRecord(b, head.seed(), markBit|1, digest.Sum{})
	b = appendRecord(b, head.seed(), 0, digest.Sum{2})
	f.Add(b, false)
	f.Add(appendRecord(b, head.seed(), 3, digest.Sum{}), false)
	f.Add(appendRecord(b, head.seed(), 99, digest.Sum{}), false)
	f.Add(b[headerSize:], true)
	f.Fuzz(func(t *testing.T, b []byte, dress bool) {
		if dress { // make the checksums right, so that what is behind them is reached
			records := b
			b = head.bytes()
			for ; len(records) >= 40; records = records[40:] {
				b = append(b, appendRecord(nil, head.seed(), uint64(records[0]&0x87)<<56>>56|uint64(records[1]&0x80)<<56,
					digest.Sum(records[8:40]))...)
			}
		}
		a, err := readJournal(bytes.NewReader(b), head)
		if err != nil {
			return
		}
		n := int64(0)
		for i := range head.chunks() {
			if a.have.has(i) {
				n++
			}
		}
		if n != a.records || a.synced > a.records || a.end > int64(len(b)) || (a.end-headerSize)%recordSize != 0 {
			t.Errorf("%+v of %d bytes", a, len(b))
		}
	})
}
