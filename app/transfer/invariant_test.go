package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

// anyTree makes a file system of some folders and files; those whose name has
// "bad" cannot be read.
func anyTree(t *rapid.T) (files fstest.MapFS, count, bad, bytes int64) {
	files = fstest.MapFS{}
	now := time.Unix(1_700_000_000, 0)
	for i := range rapid.IntRange(0, 30).Draw(t, "files") {
		dir := strings.Repeat("d/", rapid.IntRange(0, 3).Draw(t, "depth"))
		size := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(quick-1, quick+1), rapid.IntRange(0, 5*quick)).Draw(t, "size")
		name := fmt.Sprint(dir, "f", i)
		if size > 0 && rapid.IntRange(0, 9).Draw(t, "luck") == 0 {
			name += "bad"
			bad++
		} else {
			bytes += int64(size)
		}
		files[name] = &fstest.MapFile{Data: randomBytes(size), Mode: 0o644, ModTime: now}
		count++
	}
	return files, count, bad, bytes
}

// TestBothEndsCountTheSame, whatever is sent: files that arrive, that are there,
// that fail; and the meter agrees with the summary.
func TestBothEndsCountTheSame(t *testing.T) {
	broken := errors.New("a bad sector")
	rapid.Check(t, func(rt *rapid.T) {
		files, count, bad, size := anyTree(rt)
		before := rapid.SliceOfDistinct(rapid.IntRange(0, 29), func(i int) int { return i }).Draw(rt, "there before")
		streams := rapid.IntRange(1, 3).Draw(rt, "streams")
		dst, err := os.MkdirTemp("", "dialtone-test-")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dst)
		var skipped, skippedBytes int64
		for _, i := range before {
			for name, f := range files {
				if strings.HasSuffix(name, fmt.Sprint("f", i)) {
					writeFile(t, filepath.Join(dst, name), f.Data)
					os.Chtimes(filepath.Join(dst, name), f.ModTime, f.ModTime)
					skipped++
					skippedBytes += int64(len(f.Data))
				}
			}
		}
		var here, there Meter
		src := &counted{Source: tree.FromFS(files, tree.SourceOptions{}), bad: func(e tree.Entry) error {
			if strings.HasSuffix(e.Path, "bad") {
				return &fs.PathError{Op: "read", Path: e.Path, Err: broken}
			}
			return nil
		}}
		sent, got := move{
			src: src, send: SendOptions{Chunk: quick, Streams: streams, Compress: CompressOff, Meter: &here},
			dst: openFolder(t, dst, tree.TargetOptions{NoSync: true}), receive: ReceiveOptions{Meter: &there},
		}.run(t)
		for end, x := range map[string]struct {
			outcome
			*Meter
		}{"sender": {sent, &here}, "receiver": {got, &there}} {
			s, snap := x.sum, x.Snapshot()
			var failed *FailedError
			if errors.As(x.err, &failed) != (bad > 0) || x.err != nil && (bad == 0 || failed.Count != bad) {
				rt.Errorf("%s: %v, %d bad", end, x.err, bad)
			}
			if s.Files != count-bad-skipped || s.Failed != bad || s.Skipped != skipped || s.Bytes != size-skippedBytes || s.SkippedBytes != skippedBytes {
				rt.Errorf("%s: %d files, %d bad, %d there; %d bytes, %d there: %+v", end, count, bad, skipped, size, skippedBytes, s)
			}
			if snap.Files != s.Files || snap.Skipped != s.Skipped || snap.Failed != s.Failed || snap.Wire != s.Wire || snap.Sent != s.Sent ||
				snap.Compressed != s.Compressed || snap.SkippedBytes != s.SkippedBytes || snap.Bytes != s.Sent+s.SkippedBytes || len(snap.Active) != 0 || snap.Streams != 0 {
				rt.Errorf("%s: %+v\n%+v", end, snap, s)
			}
			if n := len(x.of(EventDone)); int64(n) != s.Files {
				rt.Errorf("%s: %d events of %d files", end, n, s.Files)
			}
			for _, e := range x.of(EventDone) {
				if f := files[e.Path]; f == nil || e.Bytes != int64(len(f.Data)) || e.Sum != digest.Of(f.Data) || e.Final != "" {
					rt.Errorf("%s: %+v", end, e)
				}
			}
			if int64(len(x.of(EventFailed))) != bad || int64(len(x.of(EventSkipped))) != skipped {
				rt.Errorf("%s: %+v", end, x.events)
			}
		}
		if sent.sum.Sent != got.sum.Sent || sent.sum.Sent < sent.sum.Bytes {
			rt.Errorf("%+v; %+v", sent.sum, got.sum)
		}
		if bad > 0 && !errors.Is(sent.err, broken) {
			rt.Errorf("%v", sent.err)
		}
		for name, f := range files {
			if !strings.HasSuffix(name, "bad") {
				sameFile(t, filepath.Join(dst, name), f.Data)
			}
		}
	})
}

// TestFilesOfUnknownSize among others: what does not say how much it has.
func TestFilesOfUnknownSize(t *testing.T) {
	files := fstest.MapFS{}
	for i, n := range []int{0, 1, quick - 1, quick, quick + 1, 5 * quick, 3} {
		files[fmt.Sprint("d/", i)] = &fstest.MapFile{Data: randomBytes(n), Mode: 0o644, ModTime: time.Unix(1_700_000_000, 0)}
	}
	for _, streams := range []int{1, 3} {
		dst := t.TempDir()
		sent, got := move{
			src:  unsized{tree.FromFS(files, tree.SourceOptions{})},
			send: SendOptions{Chunk: quick, Streams: streams}, dst: openFolder(t, dst, tree.TargetOptions{NoSync: true}),
		}.mustRun(t)
		for name, f := range files {
			sameFile(t, filepath.Join(dst, name), f.Data)
		}
		if sent.sum.Files != 7 || got.sum.Files != 7 || sent.sum.Bytes != got.sum.Bytes {
			t.Errorf("%+v; %+v", sent.sum, got.sum)
		}
	}
}

// unsized is a source that does not say how large its files are.
type unsized struct{ Source }

func (u unsized) Walk(ctx context.Context, visit func(tree.Entry) error) error {
	return u.Source.Walk(ctx, func(e tree.Entry) error {
		if e.Kind == tree.File {
			e.Size = -1
		}
		return visit(e)
	})
}

// TestTinyFiles: many of them, in folders.
func TestTinyFiles(t *testing.T) {
	root := filepath.Join(t.TempDir(), "d")
	for i := range 2000 {
		writeFile(t, filepath.Join(root, fmt.Sprint(i%50), fmt.Sprint(i)), fmt.Append(nil, i))
	}
	dst := t.TempDir()
	var here, there Meter
	stop := make(chan struct{})
	var watching sync.WaitGroup
	for _, m := range []*Meter{&here, &there} {
		watching.Go(func() { // anybody may look at any time, and never sees less than before
			var last Snapshot
			for tick := time.Tick(time.Millisecond); ; {
				s := m.Snapshot()
				if s.Files < last.Files || s.Bytes < last.Bytes || s.Wire < last.Wire {
					t.Errorf("%+v after %+v", s, last)
				}
				last = s
				select {
				case <-stop:
					return
				case <-tick:
				}
			}
		})
	}
	sent, got := move{
		src: openTree(t, root), send: SendOptions{Meter: &here},
		dst: openFolder(t, dst, tree.TargetOptions{NoSync: true}), receive: ReceiveOptions{Meter: &there},
	}.mustRun(t)
	close(stop)
	watching.Wait()
	if sent.sum.Files != 2000 || got.sum.Files != 2000 || got.sum.Folders != 51 {
		t.Errorf("%+v; %+v", sent.sum, got.sum)
	}
	if picture(t, filepath.Join(dst, "d")) != picture(t, root) {
		t.Error("something is not as it was sent")
	}
	// Few frames: they travel together.
	if over := sent.sum.Wire - sent.sum.Sent; over > 2000*120 {
		t.Errorf("%d bytes on the wire beside the content, %d a file", over, over/2000)
	}
}
