package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// list is a Source.
type list []Record

func (l *list) Next() (*Record, error) {
	if len(*l) == 0 {
		return nil, io.EOF
	}
	r := &(*l)[0]
	*l = (*l)[1:]
	return r, nil
}

func TestASpoolGoesBack(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		want := records(t, true)
		source := append(list{}, want...)
		s, err := NewSpool(&source, dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var offsets []int64
		for i := range want {
			r, err := s.Next()
			if err != nil || r.Number != int64(i+1) {
				t.Fatal(r, err)
			}
			offsets = append(offsets, r.Offset)
			if i%3 == 2 { // while it is written
				back(t, s, offsets[i/2], want[i/2])
			}
		}
		if _, err := s.Next(); err != io.EOF {
			t.Fatal(err)
		}
		for i := len(want) - 1; i >= 0; i-- {
			back(t, s, offsets[i], want[i])
		}
		if r, err := s.At(s.size); err == nil {
			t.Fatal("behind the end", r)
		}
		if r, err := s.At(-1); err == nil {
			t.Fatal("before the start", r)
		}
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func back(t *rapid.T, s Archive, offset int64, want Record) {
	want.Number, want.Offset = 0, offset
	got, err := s.At(offset)
	if err != nil {
		t.Fatal(err)
	}
	got.Data = append([]byte{}, got.Data...)
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Fatal(diff)
	}
}

func TestASpoolOfAStream(t *testing.T) {
	f, err := NewReader(bytes.NewReader(threeNg(orders[1])))
	must(t, err)
	s, err := NewSpool(f, t.TempDir())
	must(t, err)
	var offsets []int64
	for r, err := s.Next(); err == nil; r, err = s.Next() {
		offsets = append(offsets, r.Offset)
	}
	for i, want := range three() {
		want.Number, want.Offset = 0, offsets[i]
		if got, err := s.At(offsets[i]); err != nil || cmp.Diff(want, *got) != "" {
			t.Error(err, cmp.Diff(want, *got))
		}
	}
	must(t, s.Close())
	if _, err := s.Next(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := NewSpool(f, "/no/such/folder"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nowhere to keep it: %v", err)
	}
}
