//go:build unix

package capture

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

// TestAFileCutUnderItsMappingIsAnError looks at bytes that are gone.
func TestAFileCutUnderItsMappingIsAnError(t *testing.T) {
	long := make([]Record, 100)
	for i := range long {
		long[i].Data = bytes.Repeat([]byte("x"), 64<<10)
	}
	name := save(t, pcapFile(orders[0], magicNano, 0, long...))
	f, err := Open(name)
	must(t, err)
	defer f.Close()
	if f.in.mapped == nil {
		t.Fatal("the file is not mapped")
	}
	frames := 0
	err = f.Guard(func() error {
		for {
			r, err := f.Next()
			if err != nil {
				return err
			}
			if frames++; frames == 3 {
				must(t, os.Truncate(name, 4096))
			}
			if bytes.Count(r.Data, []byte("x")) != len(r.Data) {
				t.Error("other bytes than the file's")
			}
		}
	})
	if !errors.Is(err, errShrunk) || frames != 3 {
		t.Errorf("%d frames, %v", frames, err)
	}
	if _, again := f.Next(); again != err {
		t.Errorf("then %v", again)
	}
}

// TestNextSeesACutFileByItself, at the next window, without a fault.
func TestNextSeesACutFileByItself(t *testing.T) {
	long := Record{Data: make([]byte, windowSize)}
	name := save(t, pcapFile(orders[0], magicNano, 0, long, long, long))
	f, err := Open(name)
	must(t, err)
	defer f.Close()
	r, err := f.Next()
	must(t, err)
	must(t, os.Truncate(name, 30))
	if _, err := f.Next(); !errors.Is(err, errShrunk) {
		t.Errorf("after a cut: %v", err)
	}
	if _, err := f.At(r.Offset); err == nil {
		t.Error("a frame that is gone was given again")
	}
}

func TestGuardLetsOtherPanicsPass(t *testing.T) {
	f := opened(t, pcapFile(orders[0], magicNano, 0))
	defer func() {
		if p := recover(); p != "ours" {
			t.Errorf("panic %v", p)
		}
	}()
	_ = f.Guard(func() error { panic("ours") })
}
