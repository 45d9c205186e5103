package serve

import (
	"errors"
	"io"
	"os"
	"time"
)

// This file is the way of a stream through a Talk:
//
//  1. burst waits for input and reads it into a pooled buffer
//  2. Conn.took counts, shows and limits it
//  3. Talk.Answer makes the answer, in the input's own bytes where it can
//  4. send sends it, and waits while the peer does not read
//  5. the buffers go back to the pool; without input there is nothing to hold
//
// A connection with a file descriptor goes through these inside the callback of
// RawConn.Read, which runs whenever there is something to read: the descriptor is
// safe to use there, and the runtime's poller is asked again only when all has
// been read. Any other connection goes through them in a loop.

// dialogue is a conversation with a Talk: all that is left of it while it is
// parked.
type dialogue struct {
	c    *Conn
	talk Talk
	src  burst
	fd   uintptr // good only inside exchange
	err  error   // how exchange ended
}

// errParked says that the conversation goes on without this goroutine.
var errParked = errors.New("parked")

// converseByTalk holds a conversation with a Talk until it is over or parked. It
// returns nil when the service was done first, io.EOF when the peer was, or what
// went wrong.
func (s *Server) converseByTalk(c *Conn) error {
	d := c.dialogue
	if d == nil {
		d = &dialogue{c: c, talk: s.Service.Talk()}
		d.src.init(c.Conn, d.exchange)
		c.dialogue = d
		out, more := d.talk.Begin(nil)
		if err := d.send(out); err != nil || !more {
			return err
		}
	}
	for {
		err := d.run()
		if errors.Is(err, os.ErrDeadlineExceeded) && c.parking.CompareAndSwap(true, false) {
			c.Conn.SetReadDeadline(time.Time{})
			if s.lot.park(c, d.src.raw) {
				return errParked // another goroutine may have it by now
			}
			if Ending(c.ending.Load()) == Open {
				continue
			}
		}
		if err != nil {
			err = d.lastWords(err)
		}
		d.src.release()
		return err
	}
}

// run reads and answers until that ends, in one way or the other.
func (d *dialogue) run() error {
	if d.src.raw != nil {
		if err := d.src.raw.Read(d.src.callback); err != nil {
			return err
		}
		return d.err
	}
	for {
		p, err := d.src.next()
		if err == nil {
			err = d.c.took(p)
		}
		if err != nil {
			return err
		}
		if more, err := d.answer(p); err != nil || !more {
			return err
		}
		d.src.release()
	}
}

// exchange reads and answers what is there, and returns false to wait for more.
func (d *dialogue) exchange(fd uintptr) (over bool) {
	d.fd = fd
	defer func() { d.fd = 0 }()
	for {
		if again := d.src.read(fd); again {
			d.src.release()
			return false
		}
		p, err := d.src.taken()
		if err == nil {
			err = d.c.took(p)
		}
		said, more := d.c.out.Load(), false
		if err == nil {
			more, err = d.answer(p)
		}
		if err != nil || !more {
			d.err = err
			return true
		}
		// A reset that came along with the last bytes would show in what was
		// said; where nothing was, only another read tells.
		if d.src.drained && d.c.out.Load() != said {
			d.src.release()
			return false
		}
	}
}

// answer lets the Talk answer p and sends what it says.
func (d *dialogue) answer(p []byte) (more bool, err error) {
	metrics := d.c.server.Metrics
	start := metrics.now()
	for more = true; more; {
		var out []byte
		out, p, more = d.talk.Answer(d.src.bufs.out[:0], p)
		if err := d.send(out); err != nil {
			return false, err
		}
		if len(p) == 0 {
			break
		}
	}
	metrics.latency(start)
	return more, nil
}

// directSize bounds what is written without telling Go's scheduler, which could
// not run anything else on this processor meanwhile: some microseconds' worth.
const directSize = 16 << 10

// send writes all of out, or returns why not.
func (d *dialogue) send(out []byte) error {
	if d.fd != 0 && len(out) > 0 && len(out) <= directSize {
		n, err := writeFD(d.fd, out)
		if err != nil {
			return d.src.wrap("write", err)
		}
		d.c.wrote(out[:n])
		out = out[n:] // the socket's buffer is full: wait
	}
	if len(out) == 0 {
		return nil
	}
	_, err := d.c.Write(out)
	return err
}

// lastWords ends the conversation after a read has failed with err. When it is
// the server that wants the end, what the peer's bytes in the kernel's buffer
// ask is answered first: they were acknowledged.
func (d *dialogue) lastWords(err error) error {
	drained := errors.Is(err, os.ErrDeadlineExceeded) && Ending(d.c.ending.Load()) == DrainTimeout
	if !drained && err != io.EOF {
		return err
	}
	if drained {
		d.c.SetDeadline(time.Now().Add(lingerTime))
		for p := d.src.pending(); len(p) > 0 && d.c.took(p) == nil; p = d.src.pending() {
			if more, e := d.answer(p); e != nil || !more {
				return e
			}
		}
	}
	if e := d.send(d.talk.End(nil)); e != nil {
		return e
	}
	return err
}
