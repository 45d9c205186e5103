package serve

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// A goroutine costs more than two KiB, most of what an idle conversation takes.
// So one that has been waiting for a while is parked: its goroutine ends, an
// epoll set of our own watches the connection, and a new goroutine goes on where
// the old one stopped when something happens. This set is itself a file that the
// runtime's poller waits for.
type lot struct {
	server *Server
	epoll  *os.File
	raw    syscall.RawConn
	done   sync.WaitGroup

	mu     sync.Mutex
	parked map[int32]*Conn // by ticket: a file descriptor's number may come back
	next   int32
	count  atomic.Int64 // parked since the last look
}

// open makes the lot; without one nobody is parked.
func (l *lot) open(s *Server) {
	l.server = s
	if s.Service.Talk == nil {
		return // others hold their conversations themselves
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return
	}
	unix.SetNonblock(fd, true)
	l.epoll = os.NewFile(uintptr(fd), "epoll")
	if l.raw, err = l.epoll.SyscallConn(); err != nil {
		l.epoll.Close()
		l.epoll = nil
		return
	}
	l.parked = map[int32]*Conn{}
	l.done.Go(l.watch)
}

// close ends the watch; by now nobody is parked any more.
func (l *lot) close() {
	if l.epoll != nil {
		l.epoll.Close()
		l.done.Wait()
	}
}

// watch wakes those to whom something has happened.
func (l *lot) watch() {
	var events [128]unix.EpollEvent
	for {
		n := 0
		err := l.raw.Read(func(fd uintptr) bool {
			var err error
			n, err = unix.EpollWait(int(fd), events[:], 0)
			return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
		})
		if err != nil {
			return
		}
		for _, e := range events[:max(n, 0)] {
			l.mu.Lock()
			c := l.parked[e.Fd]
			l.mu.Unlock()
			if c != nil {
				l.wake(c)
			}
		}
	}
}

// park takes c's conversation over from its goroutine, which must then end. It
// reports whether it did.
func (l *lot) park(c *Conn, raw syscall.RawConn) bool {
	if l.epoll == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	c.ticket = l.next
	l.parked[c.ticket] = c
	// Level-triggered, once: what has arrived meanwhile counts too.
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: c.ticket}
	err := l.control(raw, unix.EPOLL_CTL_ADD, &event)
	if err != nil || Ending(c.ending.Load()) != Open {
		if err == nil {
			l.control(raw, unix.EPOLL_CTL_DEL, &event)
		}
		delete(l.parked, c.ticket)
		c.ticket = 0
		return false
	}
	l.count.Add(1)
	return true
}

// wake gives c a goroutine again if it is parked.
func (l *lot) wake(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.ticket == 0 || l.parked[c.ticket] != c {
		return
	}
	delete(l.parked, c.ticket)
	c.ticket = 0
	l.control(c.dialogue.src.raw, unix.EPOLL_CTL_DEL, &unix.EpollEvent{})
	l.server.run(c)
}

func (l *lot) control(raw syscall.RawConn, op int, event *unix.EpollEvent) (err error) {
	e := l.raw.Control(func(set uintptr) {
		e := raw.Control(func(fd uintptr) { err = unix.EpollCtl(int(set), op, int(fd), event) })
		err = errors.Join(err, e)
	})
	return errors.Join(err, e)
}

// parkedSince returns how many were parked since the last call.
func (l *lot) parkedSince() int64 { return l.count.Swap(0) }
