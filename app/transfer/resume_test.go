package transfer

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

const quick = MinChunk // chunks of tests

// cutTransfer sends path to dst over a cable that breaks, and returns how many
// bytes of content the receiver had then, and what it said.
func cutTransfer(t testing.TB, path, dst string, after int64, o SendOptions) (kept int64, sent, got outcome) {
	t.Helper()
	c := newCut(after)
	a, b := newLoop(t)
	meter := &Meter{}
	src, err := tree.NewSource([]string{path}, tree.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := tree.OpenTarget(dst, tree.TargetOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	sent, got = move{
		src: src, send: o, dst: Folder(d), receive: ReceiveOptions{Meter: meter},
		sender: tap(a, c.tap), receiver: b, received: func() { close(c.released) },
	}.run(t)
	return meter.Snapshot().Bytes, sent, got
}

// TestResumeSendsOnlyWhatIsMissing cuts a transfer at any byte, again and again,
// until one comes to its end.
func TestResumeSendsOnlyWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	p := randomBytes(40*quick + 123)
	size := int64(len(p))
	path := writeFile(t, filepath.Join(dir, "f"), p)
	for seed := range uint64(24) {
		r := rand.New(rand.NewPCG(seed, 0))
		streams := []int{1, 3}[r.IntN(2)]
		cuts := make([]int64, 1+r.IntN(3))
		for i := range cuts {
			cuts[i] = 100 + r.Int64N(size)
		}
		t.Run(fmt.Sprintf("%d streams, cuts %d", streams, cuts), func(t *testing.T) { resumeAfter(t, path, p, streams, cuts) })
	}
}

func resumeAfter(t *testing.T, path string, p []byte, streams int, cuts []int64) {
	size, sum, dst := int64(len(p)), digest.Of(p), filepath.Join(t.TempDir(), "dst")
	o := SendOptions{Chunk: quick, Streams: streams, Compress: CompressOff}
	kept, done := int64(0), false
	for _, after := range cuts {
		before := kept
		var sent, got outcome
		kept, sent, got = cutTransfer(t, path, dst, after, o)
		if done = got.err == nil && sent.err == nil; done { // little was missing
			break
		}
		if !errors.Is(got.err, io.ErrUnexpectedEOF) || sent.err == nil {
			t.Fatalf("cut after %d: %v; %v", after, sent.err, got.err)
		}
		if got.sum.Files != 0 || kept < before {
			t.Fatalf("cut after %d: %d bytes were there and now %d, %+v", after, before, kept, got.sum)
		}
		if frames := after / quick * 100; streams == 1 && kept-before < after-frames-2*quick && kept < size {
			t.Fatalf("cut after %d bytes, of which %d count", after, kept-before)
		}
	}
	if done {
		return
	}
	src := &counted{Source: openTree(t, path)}
	sent, got := move{src: src, send: o, dst: openFolder(t, dst, tree.TargetOptions{NoSync: true})}.mustRun(t)
	if sent.sum.Sent != size-kept || got.sum.Sent != size-kept || src.read.Load() != size-kept {
		t.Errorf("of %d bytes %d were there; sent %d, got %d, read %d", size, kept, sent.sum.Sent, got.sum.Sent, src.read.Load())
	}
	if sent.sum.SkippedBytes != kept || got.sum.SkippedBytes != kept || sent.sum.Bytes != size || got.sum.Bytes != size {
		t.Errorf("sent %+v\ngot %+v", sent.sum, got.sum)
	}
	if e := got.of(EventDone); len(e) != 1 || e[0].Resumed != kept || e[0].Sum != sum {
		t.Errorf("%+v", got.events)
	}
	if got.sum.Sum != sum || sent.sum.Sum != sum {
		t.Errorf("hash %v there, %v here, want %v", got.sum.Sum, sent.sum.Sum, sum)
	}
	sameFile(t, filepath.Join(dst, "f"), p)
	if left := hiddenIn(t, dst); len(left) != 0 {
		t.Errorf("left are %q", left)
	}
}

// TestResumeOfAFileThatOnlyLacksItsEnd: all chunks are there, the word that the
// file did not change is not.
func TestResumeOfAFileThatOnlyLacksItsEnd(t *testing.T) {
	dir := t.TempDir()
	p := randomBytes(3 * quick)
	path := writeFile(t, filepath.Join(dir, "f"), p)
	dst := filepath.Join(dir, "dst")
	o := SendOptions{Chunk: quick, Streams: 1, Compress: CompressOff}
	for after := int64(3*quick + 300); ; after += 20 { // the heads have some length or other
		kept, _, got := cutTransfer(t, path, dst, after, o)
		if got.err == nil {
			t.Fatal("it came to its end before it lacked only that")
		}
		if kept == 3*quick {
			break
		}
		os.RemoveAll(dst)
	}
	src := &counted{Source: openTree(t, path)}
	sent, got := move{src: src, send: o, dst: openFolder(t, dst, tree.TargetOptions{})}.mustRun(t)
	if src.read.Load() != 0 || sent.sum.Sent != 0 || got.sum.Sum != digest.Of(p) {
		t.Errorf("read %d, %+v; %+v", src.read.Load(), sent.sum, got.sum)
	}
	sameFile(t, filepath.Join(dst, "f"), p)
}

// TestResumeTrustsOnlyWhatWasVerified: what came without a sum is nothing to a
// verified transfer, and the other way round it is.
func TestResumeTrustsOnlyWhatWasVerified(t *testing.T) {
	p := randomBytes(20 * quick)
	for _, c := range []struct {
		first, second Verify
		keeps         bool
	}{
		{VerifyNone, VerifyHash, false},
		{VerifyHash, VerifyNone, true},
		{VerifyNone, VerifyNone, true},
	} {
		t.Run(fmt.Sprint(c.first, c.second), func(t *testing.T) {
			dir := t.TempDir()
			path := writeFile(t, filepath.Join(dir, "f"), p)
			dst := filepath.Join(dir, "dst")
			kept, _, got := cutTransfer(t, path, dst, 10*quick, SendOptions{Chunk: quick, Verify: c.first, Streams: 1, Compress: CompressOff})
			if kept == 0 || got.err == nil {
				t.Fatalf("%d bytes were kept; %v", kept, got.err)
			}
			if !c.keeps {
				kept = 0
			}
			sent, got := move{
				src: openTree(t, path), send: SendOptions{Chunk: quick, Verify: c.second, Compress: CompressOff},
				dst: openFolder(t, dst, tree.TargetOptions{}),
			}.mustRun(t)
			if sent.sum.Sent != int64(len(p))-kept || sent.sum.SkippedBytes != kept || got.sum.SkippedBytes != kept {
				t.Errorf("%d bytes were there: sent %+v\ngot %+v", kept, sent.sum, got.sum)
			}
			sameFile(t, filepath.Join(dst, "f"), p)
			if left := hiddenIn(t, dst); len(left) != 0 {
				t.Errorf("left are %q", left)
			}
		})
	}
}

// TestResumeOfAChangedSourceStartsAnew: with another size or time nothing of what
// is there counts.
func TestResumeOfAChangedSourceStartsAnew(t *testing.T) {
	p := randomBytes(20 * quick)
	for name, change := range map[string]func(path string) ([]byte, error){
		"size": func(path string) ([]byte, error) {
			longer := append(p[:len(p):len(p)], "more"...)
			return longer, os.WriteFile(path, longer, 0o644)
		},
		"time": func(path string) ([]byte, error) {
			other := append([]byte("other"), p[5:]...)
			if err := os.WriteFile(path, other, 0o644); err != nil {
				return nil, err
			}
			return other, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := writeFile(t, filepath.Join(dir, "f"), p)
			dst := filepath.Join(dir, "dst")
			o := SendOptions{Chunk: quick, Streams: 1, Compress: CompressOff}
			if kept, _, _ := cutTransfer(t, path, dst, 10*quick, o); kept == 0 {
				t.Fatal("nothing was kept")
			}
			now, err := change(path)
			if err != nil {
				t.Fatal(err)
			}
			sent, got := move{src: openTree(t, path), send: o, dst: openFolder(t, dst, tree.TargetOptions{})}.mustRun(t)
			if sent.sum.Sent != int64(len(now)) || sent.sum.SkippedBytes != 0 || got.sum.Sum != digest.Of(now) {
				t.Errorf("sent %+v\ngot %+v", sent.sum, got.sum)
			}
			sameFile(t, filepath.Join(dst, "f"), now)
			if left := hiddenIn(t, dst); len(left) != 0 {
				t.Errorf("left are %q", left)
			}
		})
	}
}

// TestFileThatChangesWhileItIsSentFailsAlone at both ends, and leaves nothing.
func TestFileThatChangesWhileItIsSentFailsAlone(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"appended": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString("more")
			return err
		},
		"cut short": func(path string) error { return os.Truncate(path, 5*quick) },
		"touched":   func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)) },
	} {
		for _, streams := range []int{1, 3} {
			t.Run(fmt.Sprint(name, streams), func(t *testing.T) {
				root := filepath.Join(t.TempDir(), "d")
				path := writeFile(t, filepath.Join(root, "bad"), randomBytes(20*quick))
				writeFile(t, filepath.Join(root, "good"), randomBytes(10*quick))
				writeFile(t, filepath.Join(root, "small"), randomBytes(10))
				dst := t.TempDir()
				src := &counted{Source: openTree(t, root)}
				var once sync.Once
				src.each = func(off int64) (err error) {
					if off >= 8*quick {
						once.Do(func() { err = change(path) })
					}
					return err
				}
				sent, got := move{
					src: src, send: SendOptions{Chunk: quick, Streams: streams},
					dst: openFolder(t, dst, tree.TargetOptions{}),
				}.run(t)
				for end, o := range map[string]outcome{"sender": sent, "receiver": got} {
					var failed *FailedError
					if !errors.As(o.err, &failed) || failed.Count != 1 || failed.First.Path != "d/bad" || !errors.Is(o.err, tree.ErrChanged) {
						t.Errorf("the %s says %v", end, o.err)
					}
					if o.sum.Files != 2 || o.sum.Failed != 1 {
						t.Errorf("the %s has %+v", end, o.sum)
					}
				}
				if names := namesIn(t, filepath.Join(dst, "d")); len(names) != 2 {
					t.Errorf("there are %q", names)
				}
			})
		}
	}
}
