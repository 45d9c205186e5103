package tree_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

// begin begins a and returns its Incoming.
func begin(t *testing.T, target *tree.Target, a arrival) *tree.Incoming {
	t.Helper()
	in, v, err := target.Begin(a.Entry, chunk)
	if v != tree.Want {
		t.Fatalf("%s: %v, %v", a.Path, v, err)
	}
	return in
}

func openIn(t *testing.T, open opener, root string) *tree.Target {
	t.Helper()
	target, err := open(root, tree.TargetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func closeIt(t *testing.T, target *tree.Target) {
	t.Helper()
	if err := target.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func missing(in *tree.Incoming) (n int64) {
	for from, to := range in.Missing() {
		n += to - from
	}
	return n
}

// interrupt leaves a partial of a with n chunks of it.
func interrupt(t *testing.T, open opener, root string, a arrival, n int) {
	t.Helper()
	target := openIn(t, open, root)
	in := begin(t, target, a)
	if err := write(in, a.content, n); err != nil {
		t.Fatal(err)
	}
	if err := in.Suspend(); err != nil {
		t.Error(err)
	}
	closeIt(t, target)
}

func TestAnInterruptedFileIsResumed(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		a := file("f", text(10*chunk+3, 5))
		interrupt(t, open, root, a, 4)
		wantLeft(t, root, 2)

		target := openIn(t, open, root)
		in := begin(t, target, a)
		if n := missing(in); n != 7 {
			t.Errorf("%d chunks are missing, want 7", n)
		}
		sums := digest.NewTree()
		for i, cv := range in.Have() {
			sums.Add(i, cv)
		}
		for from, to := range in.Missing() {
			for i := from; i < to; i++ {
				sums.Add(i, digest.Chunk([]byte(a.content[i*chunk:min((i+1)*chunk, int64(len(a.content)))]), i*chunk))
			}
		}
		if sum, err := sums.Root(); err != nil || sum != digest.Of([]byte(a.content)) {
			t.Errorf("what it has and what is missing are not the file: %v", err)
		}
		var r results
		bring(t, in, a, r.expect(a))
		closeIt(t, target)
		r.check(t)
		wantTree(t, root, map[string]string{"f": a.content})
	})
}

func wantLeft(t *testing.T, root string, n int) {
	t.Helper()
	left := snapshot(t, root)
	if len(left) != n {
		t.Errorf("%d files are left, want %d: %q", len(left), n, left)
	}
}

func TestWhatIsLeftOfAnotherFileIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		a := file("f", text(10*chunk+3, 5))
		for what, b := range map[string]arrival{
			"time": a.at(t2), "size": file("f", text(10*chunk+4, 5)), "small": file("f", "small"),
		} {
			root := t.TempDir()
			interrupt(t, open, root, a, 4)
			target := openIn(t, open, root)
			in := begin(t, target, b)
			if n := missing(in); n != int64(len(b.content)+chunk-1)/chunk {
				t.Errorf("another %s: %d chunks are missing", what, n)
			}
			var r results
			bring(t, in, b, r.expect(b))
			closeIt(t, target)
			r.check(t)
			wantTree(t, root, map[string]string{"f": b.content})
		}
	})
}

func TestWhatIsLeftOfAFileThatIsThereIsRemoved(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		a := file("f", text(10*chunk+3, 5))
		interrupt(t, open, root, a, 4)
		put(t, filepath.Join(root, "f"), a.content, t1) // it came another way
		receive(t, open, root, tree.TargetOptions{}, a.verdictIs(tree.Have))
		wantTree(t, root, map[string]string{"f": a.content})
	})
}

func TestSuspendDiscardAndCloseLeaveWhatTheySay(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		target := openIn(t, open, root)
		content := text(3*chunk, 1)
		for name, end := range map[string]func(*tree.Incoming) error{
			"unverified": (*tree.Incoming).Suspend, "discarded": (*tree.Incoming).Discard,
		} {
			in := begin(t, target, file(name, content))
			if _, err := in.WriteAt([]byte(content[:chunk]), 0); err != nil {
				t.Fatal(err)
			}
			if name == "discarded" {
				if err := in.Verified(0, digest.Chunk([]byte(content[:chunk]), 0)); err != nil {
					t.Fatal(err)
				}
			}
			if err := end(in); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantLeft(t, root, 0)
		if err := write(begin(t, target, file("open", content)), content, 2); err != nil {
			t.Fatal(err)
		}
		begin(t, target, file("untouched", content))
		closeIt(t, target)
		wantLeft(t, root, 2)
		again := openIn(t, open, root)
		if n := missing(begin(t, again, file("open", content))); n != 1 {
			t.Errorf("%d chunks are missing, want 1", n)
		}
		closeIt(t, again)
	})
}

func TestAChangedSourceStartsAnew(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		target := openIn(t, open, root)
		a, was := file("f", text(4*chunk, 1)), text(4*chunk, 2)
		in := begin(t, target, a)
		if err := in.Changed(); err != nil { // nothing is there yet
			t.Error(err)
		}
		if err := write(in, was, 3); err != nil {
			t.Fatal(err)
		}
		if err := in.Changed(); err != nil {
			t.Fatal(err)
		}
		if n := missing(in); n != 4 {
			t.Errorf("%d chunks are missing, want all 4", n)
		}
		var r results
		bring(t, in, a, r.expect(a))
		closeIt(t, target)
		r.check(t)
		wantTree(t, root, map[string]string{"f": a.content})
	})
}

// TestReceiversOfOneNameDoNotShare: many write the same name at the same time,
// each its own content, and all of it arrives.
func TestReceiversOfOneNameDoNotShare(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		const n = 12
		var done sync.WaitGroup
		want := map[string]bool{}
		for i := range n {
			small, big := text(500, uint64(i)), text(3*chunk, uint64(i))
			want[small], want[big] = true, true
			done.Go(func() {
				target, err := open(root, tree.TargetOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				for _, a := range []arrival{file("small", small), file("big", big)} {
					a.ModTime = a.ModTime.Add(time.Duration(i) * time.Second)
					if err := deliver(target, a); err != nil {
						t.Error(err)
					}
				}
				if err := target.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		noneHidden(t, root)
		got := snapshot(t, root)
		if len(got) != 2*n {
			t.Errorf("%d files of %d", len(got), 2*n)
		}
		for name, content := range got {
			if !want[content] {
				t.Errorf("%s has a content that nobody sent, or sent once", name)
			}
			delete(want, content)
		}
	})
}

// deliver brings a, which is like nothing that is there.
func deliver(target *tree.Target, a arrival) error {
	in, v, err := target.Begin(a.Entry, chunk)
	if v == tree.Compare {
		v, err = in.Resolve(false)
	}
	if v != tree.Want {
		return fmt.Errorf("%v: %w", v, err)
	}
	finished := make(chan error, 1)
	done := func(_ string, err error) { finished <- err }
	if len(a.content) <= chunk {
		in.WriteWhole([]byte(a.content), done)
	} else {
		if err := write(in, a.content, -1); err != nil {
			return err
		}
		in.Commit(int64(len(a.content)), done)
	}
	return <-finished
}

// rootVariable names the folder that a child process of a test works in.
const rootVariable = "DIALTONE_TEST_ROOT"

// TestChildReceives is not a test but the receiver that is killed by
// TestKilledReceiversAreResumed.
func TestChildReceives(t *testing.T) {
	root := os.Getenv(rootVariable)
	if root == "" {
		t.Skip("it is run by another test")
	}
	target, err := tree.OpenTarget(root, tree.TargetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range killedTree() {
		in, v, err := target.Begin(a.Entry, chunk)
		if v == tree.Refused {
			t.Fatal(err)
		}
		if v != tree.Want {
			continue
		}
		said := func(final string, err error) { fmt.Println(final, err) }
		if len(a.content) <= chunk {
			in.WriteWhole([]byte(a.content), said)
			continue
		}
		for n := missing(in); n > 0; n-- {
			if err := write(in, a.content, 1); err != nil {
				t.Fatal(err)
			}
			fmt.Println(a.Path, "chunk")
		}
		in.Commit(int64(len(a.content)), said)
	}
	closeIt(t, target)
}

// killedTree has small files, some of a few chunks, and a last one of many.
func killedTree() []arrival {
	list := []arrival{dir("d")}
	for i := range 40 {
		size := 1 + 3*chunk*(i%2)
		list = append(list, file(fmt.Sprintf("d/%d", i), text(size, uint64(i))))
	}
	return append(list, leave("d"), file(killedFile, text(60*chunk+5, 9)))
}

const killedFile = "f"

// TestKilledReceiversAreResumed kills a receiver again and again, each time a
// little further; what it had said to be verified is never missing again, and in
// the end nothing is missing or left behind.
func TestKilledReceiversAreResumed(t *testing.T) {
	root := t.TempDir()
	kills, verified := 0, 0
	for lines := 7; ; lines += 5 {
		said, finished := runAndKill(t, root, lines)
		for _, line := range said {
			if line == killedFile+" chunk" {
				verified++
			}
		}
		if finished {
			break
		}
		kills++
		verified = wantStillThere(t, root, verified)
	}
	want := map[string]string{}
	for _, a := range killedTree() {
		switch a.Kind {
		case tree.Dir:
			want[a.Path] = "dir"
		case tree.File:
			want[a.Path] = a.content
		}
	}
	wantTree(t, root, want)
	if kills < 3 {
		t.Errorf("it was killed %d times only", kills)
	}
}

// runAndKill runs a receiver until it has said so many lines, and reports whether
// it came to its end.
func runAndKill(t *testing.T, root string, lines int) (said []string, finished bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildReceives$")
	cmd.Env = append(os.Environ(), rootVariable+"="+root)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for text := bufio.NewScanner(out); len(said) < lines && text.Scan(); {
		said = append(said, text.Text())
	}
	if len(said) == lines {
		_ = cmd.Process.Kill() // -9
		_ = cmd.Wait()
		return said, false
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err, said)
	}
	return said, true
}

// wantStillThere returns how many chunks of the last file are there, which are at
// least as many as were verified.
func wantStillThere(t *testing.T, root string, verified int) int {
	t.Helper()
	all := killedTree()
	target := openIn(t, tree.OpenTarget, root)
	defer closeIt(t, target)
	in, v, err := target.Begin(all[len(all)-1].Entry, chunk)
	if v == tree.Have { // it was faster than the kill
		return 61
	}
	if err != nil {
		t.Fatal(err)
	}
	there := 61 - int(missing(in))
	if there < verified {
		t.Errorf("%d chunks are there after %d were verified", there, verified)
	}
	return there
}

func TestSeveralStreamsShareAFile(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		const mib, chunks = 1 << 20, 200
		root := t.TempDir()
		a := file("f", "")
		a.Size, a.Sparse = chunks*mib, true
		target := openIn(t, open, root)
		in, _, err := target.Begin(a.Entry, mib)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.WriteAt([]byte{1}, a.Size-1); err != nil {
			t.Fatal(err)
		}
		var streams sync.WaitGroup
		for s := range int64(4) {
			streams.Go(func() {
				for i := s; i < chunks; i += 4 {
					_, err := in.WriteAt([]byte{byte(i)}, i*mib)
					if err == nil {
						err = in.Verified(i, digest.Sum{byte(i)})
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		streams.Wait()
		if err := in.Suspend(); err != nil {
			t.Error(err)
		}
		closeIt(t, target)
		wantMarks(t, filepath.Join(root, tree.HiddenName("f", 1, "journal")), chunks, strings.HasSuffix(t.Name(), "synced"))

		target = openIn(t, open, root)
		again, _, err := target.Begin(a.Entry, mib)
		if err != nil {
			t.Fatal(err)
		}
		if n := missing(again); n != 0 {
			t.Errorf("%d chunks are missing", n)
		}
		for i, sum := range again.Have() {
			if sum[0] != byte(i) {
				t.Errorf("chunk %d has the sum of %d", i, sum[0])
			}
		}
		if err := again.Discard(); err != nil {
			t.Error(err)
		}
		closeIt(t, target)
		wantLeft(t, root, 0)
	})
}

// wantMarks checks that a journal has more in it than its records.
func wantMarks(t *testing.T, path string, records int64, marks bool) {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := fi.Size() > 128+44*records; marks && !got {
		t.Error("the journal has no mark of what is on the disk")
	}
}
