package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/app/tree"
)

// give sends path into dst, by the rules of o.
func give(t *testing.T, path, dst string, o tree.TargetOptions) (sent, got outcome) {
	t.Helper()
	o.NoSync = true
	return move{src: openTree(t, path), send: SendOptions{Chunk: quick}, dst: openFolder(t, dst, o)}.run(t)
}

// TestConflictsFollowTheRule, for a small and a large file, once and again.
func TestConflictsFollowTheRule(t *testing.T) {
	for _, size := range []int{10, 3*quick + 7} {
		for _, c := range []struct {
			rule             tree.Conflict
			names            []string
			replaced, failed bool
			skipped          int64
		}{
			{rule: tree.KeepBoth, names: []string{"f (2).txt", "f.txt"}},
			{rule: tree.Overwrite, names: []string{"f.txt"}, replaced: true},
			{rule: tree.Skip, names: []string{"f.txt"}, skipped: 1},
			{rule: tree.Fail, names: []string{"f.txt"}, failed: true},
		} {
			t.Run(fmt.Sprint(c.rule, size), func(t *testing.T) {
				p := randomBytes(size)
				old := append([]byte("old"), p[3:]...)
				path := writeFile(t, filepath.Join(t.TempDir(), "f.txt"), p)
				dst := t.TempDir()
				there := writeFile(t, filepath.Join(dst, "f.txt"), old)
				os.Chtimes(there, time.Time{}, time.Unix(1_000_000_000, 0))
				for run := range 2 { // the second finds what the first has left, and changes nothing
					sent, got := give(t, path, dst, tree.TargetOptions{OnConflict: c.rule})
					for end, o := range map[string]outcome{"sender": sent, "receiver": got} {
						var failed *FailedError
						if errors.As(o.err, &failed) != c.failed || o.err != nil && !c.failed {
							t.Errorf("run %d: the %s says %v", run, end, o.err)
						}
						files, skipped := int64(0), c.skipped
						switch {
						case c.failed || c.skipped > 0:
						case run == 0:
							files = 1
						default:
							skipped = 1
						}
						if o.sum.Files != files || o.sum.Skipped != skipped {
							t.Errorf("run %d: the %s has %+v", run, end, o.sum)
						}
					}
					if run == 0 && c.rule == tree.KeepBoth {
						if e := sent.of(EventDone); len(e) != 1 || e[0].Final != "f (2).txt" {
							t.Errorf("the sender hears %+v", e)
						}
					}
				}
				if names := namesIn(t, dst); strings.Join(names, ",") != strings.Join(c.names, ",") {
					t.Errorf("there are %q", names)
				}
				if c.replaced {
					old = p
				}
				sameFile(t, there, old)
				if len(c.names) > 1 {
					sameFile(t, filepath.Join(dst, c.names[0]), p)
				}
			})
		}
	}
}

// TestComparedFilesAreSentOnlyWhenTheyDiffer: of many with the size of what is
// there but another time.
func TestComparedFilesAreSentOnlyWhenTheyDiffer(t *testing.T) {
	const n = 600
	for _, streams := range []int{1, 3} {
		root := filepath.Join(t.TempDir(), "d")
		dst := t.TempDir()
		var differ, bytesDiffer, bytesSame int64
		for i := range n {
			p := randomBytes(i * 7)
			if i == n-1 {
				p = randomBytes(5*quick + 1)
			}
			name := fmt.Sprintf("%03d", i)
			writeFile(t, filepath.Join(root, name), p)
			q := bytes.Clone(p)
			if i%3 == 2 {
				q[len(q)-1] ^= 1
				differ++
				bytesDiffer += int64(len(p))
			} else {
				bytesSame += int64(len(p))
			}
			there := writeFile(t, filepath.Join(dst, "d", name), q)
			os.Chtimes(there, time.Time{}, time.Unix(1_000_000_000, 0))
		}
		sent, got := move{
			src: openTree(t, root), send: SendOptions{Chunk: quick, Streams: streams, Compress: CompressOff},
			dst: openFolder(t, dst, tree.TargetOptions{NoSync: true}),
		}.mustRun(t)
		for end, o := range map[string]outcome{"sender": sent, "receiver": got} {
			if o.sum.Files != differ || o.sum.Skipped != n-differ || o.sum.Bytes != bytesDiffer || o.sum.Sent != bytesDiffer || o.sum.SkippedBytes != bytesSame {
				t.Errorf("the %s has %+v", end, o.sum)
			}
		}
		if names := namesIn(t, filepath.Join(dst, "d")); len(names) != n+int(differ) {
			t.Errorf("there are %d names", len(names))
		}
		sameFile(t, filepath.Join(dst, "d", fmt.Sprintf("%03d (2)", n-1)), randomBytes(5*quick+1))
	}
}

// TestComparisonsGiveTheirPlaceInTheWindowBack: more of them than it has room for.
func TestComparisonsGiveTheirPlaceInTheWindowBack(t *testing.T) {
	r := newReceiver(nil, Writer(nil), ReceiveOptions{})
	for i := range int64(10) {
		a := &arriving{number: i, entry: file("some/path", 10)}
		r.keep(a) // to be compared
		r.keep(a) // and then wanted
		r.forget(a)
	}
	if r.text != 0 {
		t.Errorf("%d bytes are held by nothing", r.text)
	}
}

// TestCompareLooksAtContentWhereTimesAgree.
func TestCompareLooksAtContentWhereTimesAgree(t *testing.T) {
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "f"), []byte("one"))
	dst := filepath.Join(dir, "dst")
	there := writeFile(t, filepath.Join(dst, "f"), []byte("two"))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	os.Chtimes(there, time.Time{}, info.ModTime())
	if _, got := give(t, path, dst, tree.TargetOptions{}); got.sum.Skipped != 1 {
		t.Errorf("%+v", got.sum)
	}
	for range 2 {
		give(t, path, dst, tree.TargetOptions{Compare: true})
		if names := namesIn(t, dst); len(names) != 2 {
			t.Errorf("there are %q", names)
		}
	}
	sameFile(t, there, []byte("two"))
	sameFile(t, filepath.Join(dst, "f (2)"), []byte("one"))
}

// TestLinksFollowTheirFile: made when it is, lost when it is.
func TestLinksFollowTheirFile(t *testing.T) {
	for _, size := range []int{10, 4 * quick} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "d")
			first := writeFile(t, filepath.Join(root, "a"), randomBytes(size))
			for _, name := range []string{"b", "c", "z"} {
				if err := os.Link(first, filepath.Join(root, name)); err != nil {
					t.Skip(err)
				}
			}
			writeFile(t, filepath.Join(root, "other"), nil)
			dst := t.TempDir()
			sent, got := give(t, root, dst, tree.TargetOptions{})
			if sent.err != nil || got.err != nil || sent.sum.Links != 3 || got.sum.Links != 3 || sent.sum.Files != 2 || got.sum.Files != 2 {
				t.Fatalf("%v; %v; %+v; %+v", sent.err, got.err, sent.sum, got.sum)
			}
			a, _ := os.Stat(filepath.Join(dst, "d/a"))
			for _, name := range []string{"b", "c", "z"} {
				if b, err := os.Stat(filepath.Join(dst, "d", name)); err != nil || !os.SameFile(a, b) {
					t.Errorf("%s: %v", name, err)
				}
			}
			// Again: all is there, at both ends.
			sent, got = give(t, root, dst, tree.TargetOptions{})
			if sent.err != nil || got.err != nil || sent.sum.Skipped != 2 || got.sum.Skipped != 2 || got.sum.Sent != 0 {
				t.Errorf("%v; %v; %+v; %+v", sent.err, got.err, sent.sum, got.sum)
			}
			if names := namesIn(t, filepath.Join(dst, "d")); len(names) != 5 {
				t.Errorf("there are %q", names)
			}

			// The file cannot be read: it and its names fail, the rest arrives.
			src := &counted{Source: openTree(t, root), each: func(int64) error { return errCut }}
			dst = t.TempDir()
			sent, got = move{src: src, send: SendOptions{Chunk: quick}, dst: openFolder(t, dst, tree.TargetOptions{})}.run(t)
			for end, o := range map[string]outcome{"sender": sent, "receiver": got} {
				var failed *FailedError
				if !errors.As(o.err, &failed) || failed.Count != 4 || o.sum.Failed != 4 || o.sum.Links != 0 || o.sum.Files != 1 || len(o.of(EventFailed)) != 4 {
					t.Errorf("the %s: %v; %+v", end, o.err, o.sum)
				}
			}
			if names := namesIn(t, filepath.Join(dst, "d")); len(names) != 1 {
				t.Errorf("there are %q", names)
			}
		})
	}
}

// TestWriterTakesOneFile and nothing else.
func TestWriterTakesOneFile(t *testing.T) {
	root := filepath.Join(t.TempDir(), "d")
	p := randomBytes(5*quick + 3)
	path := writeFile(t, filepath.Join(root, "f"), p)
	small := writeFile(t, filepath.Join(root, "g"), []byte("small"))
	for _, path := range []string{path, small} {
		var out bytes.Buffer
		_, got := move{src: openTree(t, path), send: SendOptions{Chunk: quick, Streams: 4}, dst: Writer(&out)}.mustRun(t)
		want, _ := os.ReadFile(path)
		if !bytes.Equal(out.Bytes(), want) || got.sum.Bytes != int64(len(want)) {
			t.Errorf("%d bytes of %d, or others; %+v", out.Len(), len(want), got.sum)
		}
	}
	for name, paths := range map[string][]string{"a folder": {root}, "two files": {path, small}} {
		src, err := tree.NewSource(paths, tree.SourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		sent, got := move{src: src, send: SendOptions{Chunk: quick}, dst: Writer(&out)}.run(t)
		for end, o := range map[string]outcome{"sender": sent, "receiver": got} {
			if o.err == nil || !strings.Contains(o.err.Error(), "only one file") {
				t.Errorf("%s: the %s says %v", name, end, o.err)
			}
		}
	}
}

// TestStreamIntoAFolder: its size is known only at its end.
func TestStreamIntoAFolder(t *testing.T) {
	for _, n := range []int{0, 1, quick, quick + 1, 7*quick + 5} {
		for _, v := range []Verify{VerifyHash, VerifyNone} {
			p := randomBytes(n)
			dst := t.TempDir()
			sent, got := move{
				src: Stream("s", bytes.NewReader(p)), send: SendOptions{Chunk: quick, Streams: 3, Verify: v},
				dst: openFolder(t, dst, tree.TargetOptions{NoSync: true}),
			}.mustRun(t)
			sameFile(t, filepath.Join(dst, "s"), p)
			if sent.sum.Bytes != int64(n) || got.sum.Bytes != int64(n) || sent.sum.Sum != got.sum.Sum {
				t.Errorf("%d: %+v; %+v", n, sent.sum, got.sum)
			}
			if names := namesIn(t, dst); len(names) != 1 {
				t.Errorf("there are %q", names)
			}
		}
	}
}
