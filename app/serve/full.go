package serve

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"dialtone/app/escape"

	"golang.org/x/time/rate"
)

// isFull reports whether accept failed because the process or the system has no
// room, which passes when something is closed.
func isFull(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// isPassing reports whether accept failed for one connection only (accept(2):
// errors that were already pending on the new socket).
func isPassing(err error) bool {
	return errors.Is(err, syscall.ECONNABORTED) || errors.Is(err, syscall.EINTR) || errors.Is(err, os.ErrDeadlineExceeded)
}

// shedder keeps an accept loop alive while there are no file descriptors left.
// It holds one in reserve: given up for a moment, it lets the loop accept the
// waiting connection and refuse it, so that its peer is not left hanging.
type shedder struct {
	server  *Server
	ln      net.Listener
	reserve *os.File
	full    bool
	shedded int
}

// Backing off leaves the processor to the conversations that may end.
const fullPause = 10 * time.Millisecond

func (f *shedder) shed(err error) {
	if !f.full {
		f.full = true
		f.server.log.Warn("accept", "error", errText(err), "doing", "refusing new connections until others close")
	}
	if f.reserve != nil {
		f.reserve.Close()
		f.reserve = nil
		f.refuseOne()
	}
	f.reserve, _ = os.Open(os.DevNull)
	select {
	case <-f.server.draining:
	case <-time.After(fullPause):
	}
}

func (f *shedder) refuseOne() {
	d, ok := f.ln.(deadliner)
	if !ok {
		return
	}
	d.SetDeadline(time.Now().Add(fullPause))
	if c, err := f.ln.Accept(); err == nil {
		reset(c)
		f.shedded++
		f.server.Metrics.refused(refusedFiles)
	}
	d.SetDeadline(time.Time{})
	if f.server.isDraining() { // its deadline may just have been lost
		d.SetDeadline(time.Unix(1, 0))
	}
}

// recovered notes that accept works, and takes the reserve while it can be had.
func (f *shedder) recovered() {
	if f.reserve == nil {
		f.reserve, _ = os.Open(os.DevNull)
	}
	if f.full {
		f.server.log.Info("accept", "doing", "accepting again", "refused", f.shedded)
		f.full, f.shedded = false, 0
	}
}

func (f *shedder) close() {
	if f.reserve != nil {
		f.reserve.Close()
	}
}

// burstLog is a log for what can come in floods: after a burst of lines it lets
// through a few a second, and counts the others in the next one.
type burstLog struct {
	log *slog.Logger

	mu      sync.Mutex
	limiter *rate.Limiter
	dropped int
}

func (b *burstLog) warn(msg string, attrs ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limiter == nil {
		b.limiter = rate.NewLimiter(10, 100)
	}
	if !b.limiter.Allow() {
		b.dropped++
		return
	}
	if b.dropped > 0 {
		attrs = append(attrs, "unlogged", b.dropped)
		b.dropped = 0
	}
	b.log.Warn(msg, attrs...)
}

func (b *burstLog) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dropped > 0 {
		b.log.Warn("refused", "unlogged", b.dropped)
		b.dropped = 0
	}
}

// errText returns err for a log. It may quote what the peer sent: names in its
// certificate, its PROXY header.
func errText(err error) string {
	if err == nil {
		return ""
	}
	return escape.Line([]byte(err.Error()), 300)
}
