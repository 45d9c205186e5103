package link_test

import (
	"bytes"
	"errors"
	"testing"

	"dialtone/link"
)

// again checks what every parser of this module promises for any bytes: either an
// error that says where, or a header that is appended as it was read, and a view of
// what is behind it.
func again(t interface {
	Helper()
	Fatalf(string, ...any)
}, b, header, payload []byte, err error,
) {
	t.Helper()
	if err != nil {
		var h *link.HeaderError
		if !errors.As(err, &h) || h.Layer == "" || h.Rule == "" || payload != nil {
			t.Fatalf("error %v with payload %x: want a HeaderError that names layer and rule, and no payload", err, payload)
		}
		return
	}
	if whole := append(bytes.Clone(header), payload...); !bytes.HasPrefix(b, whole) {
		t.Fatalf("read and appended:\n%x, want the start of\n%x", whole, b)
	}
	if len(payload) > 0 && &payload[0] != &b[len(header)] {
		t.Fatalf("the payload is no view of the bytes behind the header")
	}
}

// noAllocations runs f as often as it takes to be sure.
func noAllocations(t *testing.T, name string, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(100, f); n != 0 {
		t.Errorf("%s: %v allocations, want 0", name, n)
	}
}
