package transfer

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"dialtone/app/tree"
)

// damagedMove sends a folder over cables that damage what comes through.
func damagedMove(t *testing.T, streams int, toReceiver, toSender spoil) (dst string, sent, got outcome) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "d")
	for name, p := range damagedFiles() {
		writeFile(t, filepath.Join(filepath.Dir(root), name), p)
	}
	dst = t.TempDir()
	a, b := newLoop(t)
	sent, got = move{
		src: openTree(t, root), send: SendOptions{Chunk: quick, Compress: CompressOff, Streams: streams},
		dst:    openFolder(t, dst, tree.TargetOptions{}),
		sender: tap(a, newFlip(toSender).tap), receiver: tap(b, newFlip(toReceiver).tap),
	}.run(t)
	return dst, sent, got
}

func damagedFiles() map[string][]byte {
	return map[string][]byte{"d/large": randomBytes(6*quick + 5), "d/other": randomBytes(2 * quick), "d/small": randomBytes(100)}
}

func sound(frameType, int, int) (bool, bool) { return false, false }

// TestDamageIsRepairedAndReported at both ends, whichever frame it meets.
func TestDamageIsRepairedAndReported(t *testing.T) {
	for _, streams := range []int{1, 2} {
		for frame := range 12 {
			t.Run(fmt.Sprintf("%d streams, frame %d", streams, frame), func(t *testing.T) {
				damaged := 0
				dst, sent, got := damagedMove(t, streams, func(k frameType, before, body int) (bool, bool) {
					hit := k == frameData && before == frame && body > 0
					if hit {
						damaged++
					}
					return false, hit
				}, sound)
				if sent.err != nil || got.err != nil {
					t.Fatalf("%v; %v", sent.err, got.err)
				}
				for name, p := range damagedFiles() {
					sameFile(t, filepath.Join(dst, name), p)
				}
				here, there := sent.of(EventRepaired), got.of(EventRepaired)
				if len(here) != damaged || len(there) != damaged || sent.sum.Repaired != int64(damaged) || got.sum.Repaired != int64(damaged) {
					t.Fatalf("damaged %d; sender %+v, receiver %+v", damaged, here, there)
				}
				if damaged > 0 && (here[0].Path != there[0].Path || here[0].Offset != there[0].Offset) {
					t.Errorf("sender %+v, receiver %+v", here[0], there[0])
				}
				sums := map[string]any{}
				for _, e := range got.of(EventDone) {
					sums[e.Path] = e.Sum
				}
				for _, e := range sent.of(EventDone) {
					if sums[e.Path] != e.Sum {
						t.Errorf("%s: hash %v here and %v there", e.Path, e.Sum, sums[e.Path])
					}
				}
			})
		}
	}
}

// TestLineThatAlwaysDamagesLosesTheFile after eight repeats, and that file alone.
func TestLineThatAlwaysDamagesLosesTheFile(t *testing.T) {
	for name, size := range map[string]int{"d/large": 5, "d/small": 100} { // of the body that is always hit
		t.Run(name, func(t *testing.T) {
			dst, sent, got := damagedMove(t, 1, func(k frameType, _, body int) (bool, bool) {
				return false, k == frameData && body == size
			}, sound)
			for end, o := range map[string]outcome{"sender": sent, "receiver": got} {
				var failed *FailedError
				if !errors.As(o.err, &failed) || failed.Count != 1 || failed.First.Path != name || !strings.Contains(o.err.Error(), "damaged") {
					t.Errorf("the %s says %v", end, o.err)
				}
				if o.sum.Files != 2 || o.sum.Failed != 1 || o.sum.Repaired != mostRepeat {
					t.Errorf("the %s has %+v", end, o.sum)
				}
			}
			for other, p := range damagedFiles() {
				if other != name {
					sameFile(t, filepath.Join(dst, other), p)
				}
			}
		})
	}
}

// TestDamagedHeadEndsTheTransfer: nothing in it is obeyed. The one end says what
// is wrong, the other that it was told so.
func TestDamagedHeadEndsTheTransfer(t *testing.T) {
	for kind := frameHello; kind <= frameLast; kind++ {
		switch kind {
		case frameSums, frameAgain, frameGiveUp, frameNotes, frameStatus, frameStreams, frameTotal, frameAbort:
			continue // do not come in this transfer
		}
		for _, toReceiver := range []bool{true, false} {
			hit := 0
			in := func(k frameType, before, _ int) (bool, bool) {
				if k == kind && before == 0 {
					hit++
				}
				return k == kind && before == 0, false
			}
			there, here := spoil(sound), spoil(in)
			if toReceiver {
				there, here = in, sound
			}
			_, sent, got := damagedMove(t, 1, there, here)
			if hit == 0 {
				continue // it goes the other way only
			}
			reader, other := sent.err, got.err
			if toReceiver {
				reader, other = got.err, sent.err
			}
			var told *PeerError
			if !isBroken(reader) || !errors.As(other, &told) && !(kind == frameDone && other == nil) {
				t.Errorf("a damaged frame of type %d, to the receiver: %v: %v; %v", kind, toReceiver, reader, other)
			}
		}
	}
}
