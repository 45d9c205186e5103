package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"dialtone/app/escape"
)

// Chat lets everybody hear everybody: each line goes to all the others, with the
// address of who said it, and so do joins and leaves. Lines are escaped, so that
// nobody can reach into another's terminal. A line "exit" leaves.
//
// Nobody waits for a member who does not read: for each there is a queue of at
// most 256 lines; what does not fit is left out, and how many lines those were is
// told when the member reads again.
func Chat() Service {
	r := &room{members: map[*member]struct{}{}}
	return Service{Name: "chat", Hold: r.hold}
}

const (
	chatQueue   = 256
	chatMaxLine = 4096 // bytes, where Limits.MaxLine sets no other bound
)

type room struct {
	mu      sync.Mutex
	members map[*member]struct{}
}

type member struct {
	c      *Conn
	name   string
	queue  chan []byte  // closed by leave
	missed atomic.Int64 // lines that did not fit
}

func (r *room) hold(ctx context.Context, c *Conn) error {
	m := &member{c: c, name: text(c.RemoteAddr()), queue: make(chan []byte, chatQueue)}
	r.join(m)
	written := make(chan struct{})
	go func() { defer close(written); m.write() }()
	err := r.listen(m)
	r.leave(m)
	select {
	case <-written:
	case <-ctx.Done():
		c.SetWriteDeadline(time.Now().Add(lingerTime)) // for what is queued
		<-written
	}
	return err
}

// join greets m and lets it hear the others.
func (r *room) join(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.queue <- fmt.Appendf(nil, "* you are %s; others here: %d\n", m.name, len(r.members)) // its first: there is room
	r.tellLocked(m, fmt.Appendf(nil, "* %s joined\n", m.name))
	r.members[m] = struct{}{}
}

func (r *room) leave(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, m)
	close(m.queue)
	r.tellLocked(m, fmt.Appendf(nil, "* %s left\n", m.name))
}

func (r *room) say(m *member, line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tellLocked(m, fmt.Appendf(nil, "<%s> %s\n", m.name, escape.Line(line, 0)))
}

func (r *room) tellLocked(from *member, line []byte) {
	for m := range r.members {
		if m == from {
			continue
		}
		select {
		case m.queue <- line:
		default:
			m.missed.Add(1)
		}
	}
}

// write sends m what the others say.
func (m *member) write() {
	failed := false
	for line := range m.queue {
		if failed {
			continue
		}
		if n := m.missed.Swap(0); n > 0 {
			line = fmt.Appendf(line[:len(line):len(line)], "* you missed %d lines\n", n)
		}
		_, err := m.c.Write(line)
		failed = err != nil
	}
}

// listen says m's lines until it leaves.
func (r *room) listen(m *member) error {
	limit := m.c.server.Limits.MaxLine
	if limit <= 0 {
		limit = chatMaxLine
	}
	in := make([]byte, 4096)
	var line []byte
	for {
		n, err := m.c.Read(in)
		p := in[:n]
		if m.c.Datagram() && n > 0 && p[n-1] != '\n' { // a datagram ends its line
			p = append(p, '\n')
		}
		for {
			i := bytes.IndexByte(p, '\n')
			if i < 0 {
				break
			}
			line = bytes.TrimSuffix(append(line, p[:i]...), []byte("\r"))
			p = p[i+1:]
			if string(line) == "exit" {
				return nil
			}
			if len(line) > limit {
				break
			}
			if len(line) > 0 {
				r.say(m, line)
			}
			line = line[:0]
		}
		if line = append(line, p...); len(line) > limit {
			m.c.end(LineTooLong)
			return errLineTooLong
		}
		if err != nil {
			if err == io.EOF && len(line) > 0 && string(line) != "exit" {
				r.say(m, line)
			}
			return err
		}
	}
}
