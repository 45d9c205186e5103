package connect

import (
	"bytes"
	"io"
	"os"
	"time"
)

// CRLF returns an input with the bytes of in where each line feed without a
// carriage return before it has got one: the line ends of most Internet
// protocols. A Read takes half of what it may return from in, so that a
// datagram never needs two.
func CRLF(in io.Reader) io.Reader { return &crlf{in: in} }

type crlf struct {
	in     io.Reader
	afterR bool   // the last byte was a carriage return
	rest   []byte // converted and not returned yet
	err    error  // of in, for after rest
}

func (c *crlf) Read(p []byte) (int, error) {
	if len(c.rest) == 0 && c.err == nil {
		var n int
		n, c.err = c.in.Read(p[:(len(p)+1)/2])
		c.rest = c.convert(p[:n])
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	if len(c.rest) > 0 {
		return n, nil
	}
	return n, c.err
}

func (c *crlf) convert(text []byte) []byte {
	out := make([]byte, 0, len(text)+bytes.Count(text, []byte("\n")))
	for _, b := range text {
		if b == '\n' && !c.afterR {
			out = append(out, '\r')
		}
		out = append(out, b)
		c.afterR = b == '\r'
	}
	return out
}

// SetReadDeadline passes the deadline on, if in can be interrupted.
func (c *crlf) SetReadDeadline(t time.Time) error { return passDeadline(c.in, t) }

// Lines returns an input for datagrams that leaves out the line feed at the end
// of what each Read of in returned: a terminal returns one line each.
func Lines(in io.Reader) io.Reader { return &lines{in} }

type lines struct{ in io.Reader }

func (l *lines) Read(p []byte) (int, error) {
	n, err := l.in.Read(p)
	return len(bytes.TrimSuffix(p[:n], []byte("\n"))), err
}

// SetReadDeadline passes the deadline on, if in can be interrupted.
func (l *lines) SetReadDeadline(t time.Time) error { return passDeadline(l.in, t) }

func passDeadline(in io.Reader, t time.Time) error {
	if d, ok := in.(interruptible); ok {
		return d.SetReadDeadline(t)
	}
	return os.ErrNoDeadline
}
