package pairing_test

import (
	"crypto/tls"
	"net"
	"runtime"
	"testing"

	"dialtone/app/bulk"
	"dialtone/app/pairing"
)

// TestWrapStandsBelowTLS puts bulk's gathering of records below TLS, as transfers do.
func TestWrapStandsBelowTLS(t *testing.T) {
	c := pairing.Config{Code: code, Wrap: func(c net.Conn) (net.Conn, func(*tls.Conn) net.Conn) {
		under := bulk.Coalesce(c)
		return under, func(t *tls.Conn) net.Conn { return bulk.Join(t, under) }
	}}
	d := listen(t, c, pairing.ListenOptions{})
	a, b := meet(t, d, c)
	talks(t, a.Conn(), b.Conn())
	x, err := a.Open(within(t))
	must(t, err)
	y, err := b.AcceptStream(within(t))
	must(t, err)
	talks(t, x, y)
	for _, conn := range []net.Conn{a.Conn(), b.Conn(), x, y} {
		if _, ok := bulk.PathOf(conn); !ok && runtime.GOOS == "linux" {
			t.Errorf("%T hides the kernel's connection", conn)
		}
	}
	guess := c
	guess.Code = wrong
	refused(t, d, guess, pairing.ErrWrongCode, pairing.ErrWrongCode)
}
