package bulk_test

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"dialtone/app/bulk"
)

// counted counts calls.
type counted struct {
	net.Conn
	reads, writes atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.Conn.Read(p)
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func TestOneWriteIsOneCall(t *testing.T) {
	ra, rb := pair(t, "tcp")
	ca, cb := &counted{Conn: ra}, &counted{Conn: rb}
	a, b := secure(t, ca, cb)
	content := noise(127 << 10)
	for range 2 {
		ca.writes.Store(0)
		cb.reads.Store(0)
		written := async(func() (int64, error) {
			n, err := a.Write(content)
			return int64(n), err
		})
		got := make([]byte, len(content))
		_, err := io.ReadFull(b, got)
		must(t, err)
		must(t, (<-written).err)
		if !bytes.Equal(got, content) {
			t.Fatal("something else came")
		}
		if n := ca.writes.Load(); n != 1 {
			t.Errorf("%d calls write what fits into one", n)
		}
	}
}

// TestEveryWriteLeaves holds that nobody has to flush.
func TestEveryWriteLeaves(t *testing.T) {
	a, b := tlsPair(t)
	p := make([]byte, 8)
	for _, c := range [][2]net.Conn{{a, b}, {b, a}, {a, b}} {
		_, err := io.WriteString(c[0], "question")
		must(t, err)
		if _, err := io.ReadFull(c[1], p); err != nil || string(p) != "question" {
			t.Fatalf("%q, %v", p, err)
		}
	}
	must(t, a.Close())
	if n, err := b.Read(p); n != 0 || err != io.EOF {
		t.Fatalf("%d, %v after Close", n, err)
	}
}

func TestWritersAndReadersMeet(t *testing.T) {
	a, b := tlsPair(t)
	const writers, each = 4, 300 << 10
	done := make(chan result, writers)
	for range writers {
		go func() {
			n, err := a.Write(make([]byte, each))
			done <- result{int64(n), err}
		}()
	}
	_, err := io.ReadFull(b, make([]byte, writers*each))
	must(t, err)
	for range writers {
		if r := <-done; r != (result{each, nil}) {
			t.Error(r)
		}
	}
}

// TestGathersUntilFlushed uses a Coalescer by itself.
func TestGathersUntilFlushed(t *testing.T) {
	ra, rb := pair(t, "tcp")
	ca := &counted{Conn: ra}
	c := bulk.Coalesce(ca)
	c.Cork()
	var want bytes.Buffer
	for i := range 40 { // more than the buffer holds
		p := noise(i * 1000)
		want.Write(p)
		_, err := c.Write(p)
		must(t, err)
	}
	_, err := c.Write(noise(300 << 10)) // more than the buffer
	must(t, err)
	want.Write(noise(300 << 10))
	go func() {
		c.Flush()
		c.Close()
	}()
	got, err := io.ReadAll(bulk.Coalesce(rb))
	must(t, err)
	if !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("%d bytes came that are not the %d written", len(got), want.Len())
	}
	if n := ca.writes.Load(); n > 9 {
		t.Errorf("%d calls", n)
	}
}
