package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
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
	queue  chan []byte // closed by leave
	missed int         // lines that did not fit since the last that did; of room.mu
}

func (r *room) hold(ctx context.Context, c *Conn) error {
	m := &member{c: c, name: text(c.RemoteAddr()), queue: make(chan []byte, chatQueue)}
	r.join(m)
	written := make(chan struct{})
	go func() { defer close(written); r.write(m) }()
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
		next := line // shared by all who miss nothing
		if m.missed > 0 {
			next = append(m.gap(), line...)
		}
		select {
		case m.queue <- next:
			m.missed = 0
		default:
			m.missed++
		}
	}
}

// gap says how many lines are missing here, if any.
func (m *member) gap() []byte {
	if m.missed == 0 {
		return nil
	}
	return fmt.Appendf(nil, "* you missed %d lines\n", m.missed)
}

// write sends m what the others say, and what it missed at the place where that
// would have stood: before the next line, or at the end of what there is.
func (r *room) write(m *member) {
	failed := false
	for line := range m.queue {
		if failed {
			continue
		}
		if len(m.queue) == 0 {
			r.mu.Lock()
			if len(m.queue) == 0 { // nobody has said more meanwhile
				line = append(line[:len(line):len(line)], m.gap()...)
				m.missed = 0
			}
			r.mu.Unlock()
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
