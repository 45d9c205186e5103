package transfer

import (
	"context"
	"strings"
	"testing"

	"dialtone/app/tree"
)

func TestSendRefusesAChunkThatIsNone(t *testing.T) {
	for _, chunk := range []int64{-1, 1, MinChunk - 1, MinChunk + 1, 2 * MaxChunk} {
		if _, err := Send(t.Context(), nil, Stream("s", strings.NewReader("")), SendOptions{Chunk: chunk}); err == nil {
			t.Errorf("%d is taken", chunk)
		}
	}
}

// oneEntry is a source of an entry and an empty file behind it.
type oneEntry struct {
	Source
	e tree.Entry
}

func (s oneEntry) Walk(ctx context.Context, visit func(tree.Entry) error) error {
	if err := visit(s.e); err != nil {
		return err
	}
	return s.Source.Walk(ctx, visit)
}

// TestEntryTooLongForAFrameFailsAlone, by its path or by its attributes.
func TestEntryTooLongForAFrameFailsAlone(t *testing.T) {
	for what, e := range map[string]tree.Entry{
		"path":       {Path: strings.Repeat("x/", maxPathBytes/2) + "y", Kind: tree.File},
		"attributes": {Path: "a", Kind: tree.File, XAttrs: []tree.XAttr{{Name: "user.a", Value: make([]byte, maxHead)}}},
	} {
		src := oneEntry{Stream("s", strings.NewReader("hello")), e}
		sent, got, err, receiveErr := transferBetween(t, src, SendOptions{}, openFolder(t, t.TempDir(), tree.TargetOptions{}), ReceiveOptions{})
		if err == nil || receiveErr != nil || sent.Failed != 1 || sent.Files != 1 || got.Files != 1 {
			t.Errorf("%s: %v, %v; %+v", what, err, receiveErr, sent)
		}
	}
}
