package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/app/tree"
)

// made is a source of n entries that exist nowhere else. Files have size bytes of
// their number.
type made struct {
	n    int
	size int64
	each func(i int)
}

func (m made) Walk(ctx context.Context, visit func(tree.Entry) error) error {
	for i := range m.n {
		if m.each != nil {
			m.each(i)
		}
		if err := visit(tree.Entry{Path: fmt.Sprintf("some-file-%08d", i), Kind: tree.File, Mode: 0o644, Size: m.size, ModTime: time.Unix(1e9, 0)}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (m made) Open(e tree.Entry) (tree.SourceFile, error) { return madeFile{m.size}, nil }

type madeFile struct{ size int64 }

func (f madeFile) ReadAt(p []byte, off int64) (int, error) {
	if n := f.size - off; n < int64(len(p)) {
		return int(max(n, 0)), io.EOF
	}
	return len(p), nil
}

func (f madeFile) Data(off int64) (int64, int64, error) { return off, f.size, nil }
func (f madeFile) Changed() error                       { return nil }
func (f madeFile) Close() error                         { return nil }
func (f madeFile) File() *os.File                       { return nil }

// TestMemoryIsBounded: both ends together, for any number of files.
func TestMemoryIsBounded(t *testing.T) {
	const n, most = 100_000, 48 << 20
	var peak uint64
	src := made{n: n, size: 10, each: func(i int) {
		if i%20_000 == 19_999 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}}
	a, b := newLoop(t)
	other := make(chan error)
	go func() {
		_, err := Receive(t.Context(), b, forgetful{}, ReceiveOptions{})
		other <- err
	}()
	sum, err := Send(t.Context(), a, src, SendOptions{})
	if err := errors.Join(err, <-other); err != nil || sum.Files != n {
		t.Fatalf("%v; %+v", err, sum)
	}
	t.Logf("peak %d KiB", peak>>10)
	if peak > most {
		t.Errorf("%d bytes in use, more than %d", peak, most)
	}
}

// forgetful is a target that takes everything and keeps nothing.
type forgetful struct{}

func (f forgetful) into() target { return f }
func (forgetful) begin(tree.Entry, int64) (incoming, tree.Verdict, error) {
	return nowhere{}, tree.Want, nil
}
func (forgetful) notices(func(note)) {}
func (forgetful) dry(bool)           {}
func (forgetful) ordered() bool      { return false }
func (forgetful) close() error       { return nil }

type nowhere struct{ *written }

func (nowhere) WriteAt(p []byte, off int64) (int, error)              { return len(p), nil }
func (nowhere) WriteWhole(p []byte, done func(string, error))         { done("", nil) }
func (nowhere) Commit(size int64, done func(final string, err error)) { done("", nil) }

// TestChunksCostNoMemory: what a chunk more allocates is nothing to its size.
func TestChunksCostNoMemory(t *testing.T) {
	allocated := func(chunks int64) (bytes, objects uint64) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		move{src: made{n: 1, size: chunks * quick}, send: SendOptions{Chunk: quick, Streams: 1, Compress: CompressOff}, dst: forgetful{}}.mustRun(t)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs
	}
	const few, many = 100, 2100
	bytes1, objects1 := allocated(few)
	bytes2, objects2 := allocated(many)
	perChunk := float64(int64(bytes2-bytes1)) / (many - few)
	t.Logf("%.0f bytes, %.1f objects a chunk at both ends", perChunk, float64(int64(objects2-objects1))/(many-few))
	if perChunk > quick/50 {
		t.Errorf("%.0f bytes allocated for each chunk of %d", perChunk, quick)
	}
}

// TestRateIsKept at least: a transfer is not faster than its limit.
func TestRateIsKept(t *testing.T) {
	const rate, size = 4 << 20, 2 << 20
	for _, streams := range []int{1, 3} {
		sent, _ := move{
			src: made{n: 1, size: size}, dst: forgetful{},
			send: SendOptions{Chunk: quick, Rate: rate, Streams: streams, Compress: CompressOff},
		}.mustRun(t)
		least := time.Second * (size - rate/10) / rate // a tenth of a second may leave at once
		if sent.sum.Elapsed < least {
			t.Errorf("%d bytes at %d bytes/s took %v, less than %v", size, rate, sent.sum.Elapsed, least)
		}
	}
}

// TestSlowLineIsNotSilent: however low the limit, bytes come all the time, and
// in the end as many as the limit lets.
func TestSlowLineIsNotSilent(t *testing.T) {
	for _, rate := range []int64{1 << 10, 100 << 10, 50 << 20} {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			var wire atomic.Int64
			l := newLink(a, 0, &wire)
			l.pace = newPacer(rate)
			began := time.Now()
			const size = 1 << 20
			go func() {
				buf := make([]byte, room+size)
				if err := l.writeData(t.Context(), nil, buf, room); err != nil {
					t.Error(err)
				}
				a.Close()
			}()
			last, longest := began, time.Duration(0)
			p := make([]byte, 64<<10)
			for {
				_, err := b.Read(p)
				longest = max(longest, time.Since(last))
				if last = time.Now(); err != nil {
					break
				}
			}
			took, want := time.Since(began).Seconds(), float64(size)/float64(rate)
			if math.Abs(took-want) > want/10+0.2 {
				t.Errorf("%d bytes at %d bytes/s took %.1f s, want %.1f", size, rate, took, want)
			}
			if longest > 5*time.Second {
				t.Errorf("at %d bytes/s the line is silent for %v", rate, longest)
			}
		})
	}
}

// TestALineOfAFewKilobytesIsNotDead: who takes a frame slowly takes it.
func TestALineOfAFewKilobytesIsNotDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		var wire atomic.Int64
		l := newLink(a, 0, &wire)
		const size = 1 << 20
		go func() {
			defer a.Close()
			for range 2 {
				if err := l.writeData(t.Context(), nil, make([]byte, room+size), room); err != nil {
					t.Error(err)
				}
			}
		}()
		p, got := make([]byte, 2<<10), 0
		for {
			n, err := b.Read(p)
			got += n
			if err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if got < 2*size {
			t.Errorf("%d bytes came, want two frames of %d", got, size)
		}
	})
}
