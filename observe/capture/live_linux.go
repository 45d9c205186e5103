package capture

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Live is a Source of frames as they pass an interface. The way of a frame:
//
//  1. The kernel runs the filter and writes what it takes into the ring, a memory
//     that it shares with this process (PACKET_RX_RING, TPACKET_V3), block by block.
//  2. A block is handed over when it is full or retire after its first frame, and
//     wakes Next.
//  3. Next makes a Record of each frame in the block, in place, and gives the block
//     back when the last of them is done with.
//
// Next is for one goroutine; Stats may be called by any.
type Live struct {
	socket
	ring  ring
	file  *os.File // the socket, with the runtime's poller behind it
	raw   syscall.RawConn
	ready func(fd uintptr) bool // l.poll, made once

	record Record
	end    error // what Next returns when nothing is left; nil while the capture goes on
	grace  bool  // end is known, and what is still in the ring is waited for

	stopWatch func() bool   // of the context
	watched   chan struct{} // closed when shut has run
	shutting  atomic.Bool

	mu    sync.Mutex
	stats LiveStats
}

// retire is how long a frame may wait in a block for others. The interval is as
// short as a person's eye is slow.
const retire = 10 * time.Millisecond

// drain is how long the ring is waited for after the end: the last block is retired
// by then.
const drain = 20 * retire

var _ Source = (*Live)(nil)

// OpenLive begins to capture; it sees every frame that passes after it has returned.
// When ctx is done, Next hands out what was captured by then, and then io.EOF.
//
// The errors that a user can do something about are *RightError and *InterfaceError.
func OpenLive(ctx context.Context, c LiveConfig) (*Live, error) {
	l := &Live{watched: make(chan struct{})}
	if err := l.open(c); err != nil {
		return nil, err
	}
	l.ring = ring{memory: l.memory}
	l.file = os.NewFile(uintptr(l.fd), "packet socket")
	var err error
	if l.raw, err = l.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, l.file.Close(), unix.Munmap(l.memory))
	}
	l.ready = l.poll
	l.stopWatch = context.AfterFunc(ctx, l.shut)
	return l, nil
}

// Link returns what the frames begin with: LinkEthernet, LinkRaw or LinkSLL2.
func (l *Live) Link() LinkType { return l.link }

// Next waits for the next frame. It returns io.EOF after the context is done, and an
// *InterfaceError after the interface went down; frames captured before come first.
func (l *Live) Next() (*Record, error) {
	for !l.ring.next() {
		if err := l.wait(); err != nil {
			return nil, err
		}
	}
	l.fill(&l.record, l.ring.frame())
	l.record.Number++
	return &l.record, nil
}

// wait returns nil when the ring's next block is there.
func (l *Live) wait() error {
	for !l.ring.ready() {
		if l.shutting.Load() && l.end == nil {
			l.end = io.EOF
		}
		if l.end != nil && l.ring.taken >= l.Stats().Captured {
			return l.end
		}
		err := l.raw.Read(l.ready)
		switch {
		case err == nil && l.end == nil, err == nil && l.grace:
		case l.grace: // the time for what is left is over
			return l.end
		case err == nil || errors.Is(err, os.ErrDeadlineExceeded):
			l.grace = true
			if err := l.file.SetReadDeadline(time.Now().Add(drain)); err != nil {
				return err
			}
		default:
			return err
		}
	}
	return nil
}

// poll is called by the runtime's poller before it waits and when the socket wakes
// it; true ends the wait.
func (l *Live) poll(fd uintptr) bool {
	if l.ring.ready() {
		return true
	}
	errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || errno == 0 || l.end != nil {
		return false
	}
	l.end = &InterfaceError{Name: l.name, Rule: "the capture ended", Err: syscall.Errno(errno)}
	if syscall.Errno(errno) == unix.ENETDOWN {
		l.end = &InterfaceError{Name: l.name, Rule: "went down", Err: syscall.Errno(errno)}
	}
	return true
}

// shut stops the kernel from capturing more, and wakes Next.
func (l *Live) shut() {
	defer close(l.watched)
	_ = l.raw.Control(func(fd uintptr) { _ = attach(int(fd), nothing()) })
	l.shutting.Store(true)
	_ = l.file.SetReadDeadline(time.Now())
}

// Stats returns what the kernel counted so far.
func (l *Live) Stats() LiveStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.raw.Control(func(fd uintptr) { // reading sets the kernel's counters to zero
		s, err := unix.GetsockoptTpacketStatsV3(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err == nil { // its packets are those dropped, too
			l.stats.Captured += int64(s.Packets - s.Drops)
			l.stats.Dropped += int64(s.Drops)
		}
	})
	return l.stats
}

// Close ends the capture. No Next may be running, and no Record is valid after it;
// Stats still answers.
func (l *Live) Close() error {
	if !l.stopWatch() {
		<-l.watched
	}
	l.Stats()
	return errors.Join(l.file.Close(), unix.Munmap(l.memory))
}
