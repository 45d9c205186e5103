package bulk

import (
	"crypto/tls"
	"net"
	"sync"
)

// gatherSize is what one system call takes below TLS, both ways: 8 records. On
// loopback that takes 17 % of the processor time off a TLS transfer; 64 KiB takes
// 14 %, 256 KiB no more than this.
const gatherSize = 128 << 10

var gathers = sync.Pool{New: func() any { return new([gatherSize]byte) }}

// A Coalescer stands under TLS and makes one system call of many records, both
// ways: crypto/tls writes 16 KiB at a time and reads little more. The TLS above
// should have DynamicRecordSizingDisabled, or it begins with 1,000 small records.
//
// By itself it writes at once what it is given. Between Cork and Flush it
// gathers, up to its buffer's size: [Join] does so for each Write, so that nobody
// needs to think of it. Reads take what the socket has, up to the buffer's size.
//
// The buffers are there only while they hold something or a read waits.
type Coalescer struct {
	net.Conn

	in reading // the one reader's

	mu     sync.Mutex // of what follows; held while writing, as TLS holds its own
	corked bool
	out    []byte // gathered
	block  *[gatherSize]byte
}

type reading struct {
	mu    sync.Mutex
	p     []byte // read, not yet taken
	err   error  // came with p
	block *[gatherSize]byte
}

// Coalesce returns c with reads and writes gathered.
func Coalesce(c net.Conn) *Coalescer { return &Coalescer{Conn: c} }

// NetConn returns the connection below.
func (c *Coalescer) NetConn() net.Conn { return c.Conn }

// Cork lets what is written from now on gather.
func (c *Coalescer) Cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = true
}

// Flush writes what has gathered and ends gathering. What the connection did not
// take is lost: a stream with an error is at its end.
func (c *Coalescer) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	err := c.flushLocked()
	if c.block != nil {
		gathers.Put(c.block)
		c.block, c.out = nil, nil
	}
	return err
}

func (c *Coalescer) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.out)+len(p) > gatherSize {
		if err := c.flushLocked(); err != nil {
			return 0, err
		}
	}
	if !c.corked || len(p) > gatherSize {
		return c.Conn.Write(p)
	}
	if c.block == nil {
		c.block = gathers.Get().(*[gatherSize]byte)
		c.out = c.block[:0]
	}
	c.out = append(c.out, p...)
	return len(p), nil
}

func (c *Coalescer) flushLocked() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

func (c *Coalescer) Read(p []byte) (int, error) {
	r := &c.in
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.p) == 0 {
		if r.err != nil {
			return 0, r.takeErr()
		}
		if len(p) >= gatherSize {
			return c.Conn.Read(p)
		}
		if r.block == nil {
			r.block = gathers.Get().(*[gatherSize]byte)
		}
		n, err := c.Conn.Read(r.block[:])
		if n == 0 {
			r.release()
			return 0, err
		}
		r.p, r.err = r.block[:n], err
	}
	n := copy(p, r.p)
	if r.p = r.p[n:]; len(r.p) == 0 {
		r.release()
	}
	return n, nil
}

func (r *reading) takeErr() error {
	err := r.err
	r.err = nil
	return err
}

func (r *reading) release() {
	gathers.Put(r.block)
	r.block, r.p = nil, nil
}

// Join returns t, which runs over under, with each Write in as few system calls
// as under's buffer allows: one, for up to 127 KiB. It has t's methods NetConn
// and ConnectionState.
func Join(t *tls.Conn, under *Coalescer) net.Conn { return &joined{Conn: t, under: under} }

type joined struct {
	*tls.Conn

	mu    sync.Mutex // one Write at a time: another's Flush must not cut it short
	under *Coalescer
}

func (j *joined) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.under.Cork()
	n, err := j.Conn.Write(p)
	if ferr := j.under.Flush(); err == nil && ferr != nil {
		return 0, ferr
	}
	return n, err
}
