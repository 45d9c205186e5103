package pairing

import (
	"crypto/rand"
	"io"
)

// draw is where an end's random bytes come from; nil is crypto/rand. Tests that
// print an example give their own.
type draw struct{ r io.Reader }

func (d *draw) random() io.Reader {
	if d == nil || d.r == nil {
		return rand.Reader
	}
	return d.r
}

func (d *draw) bytes(n int) ([]byte, error) {
	p := make([]byte, n)
	_, err := io.ReadFull(d.random(), p)
	return p, err
}
