//go:build race

package link_test

import (
	"testing"

	"dialtone/link"
)

func TestFreedFrameIsOverwritten(t *testing.T) {
	f := link.NewFrame(1 << 20)
	kept := f.Data
	kept[0] = 'x'
	f.Free()
	if kept[0] != 0xf5 {
		t.Errorf("still %#x", kept[0])
	}
}
