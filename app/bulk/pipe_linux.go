package bulk

import (
	"io"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// pipe is what splice(2) needs between a socket and a file: a place in the
// kernel for pages on their way.
type pipe struct {
	r, w int   // descriptors
	held int64 // bytes inside
	gone runtime.Cleanup
}

// pipes keeps pipes between calls; the collector closes those that are not used.
var pipes sync.Pool

func getPipe() (*pipe, error) {
	if p, ok := pipes.Get().(*pipe); ok {
		return p, nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	// More room means fewer calls: 64 KiB is the default. An error (over
	// /proc/sys/fs/pipe-user-pages-soft) leaves the size as it is. Pages are
	// only held while there are bytes.
	unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, callSize)
	p := &pipe{r: fds[0], w: fds[1]}
	p.gone = runtime.AddCleanup(p, closePair, fds)
	return p, nil
}

func putPipe(p *pipe) { pipes.Put(p) }

func closePair(fds [2]int) {
	unix.Close(fds[0])
	unix.Close(fds[1])
}

func (p *pipe) close() {
	p.gone.Stop()
	closePair([2]int{p.r, p.w})
}

// Read takes out what p holds; io.EOF when there is nothing.
func (p *pipe) Read(b []byte) (int, error) {
	if p.held == 0 {
		return 0, io.EOF
	}
	n, err := ignoringEINTR(func() (int, error) { return unix.Read(p.r, b) })
	if err != nil {
		return 0, err
	}
	p.held -= int64(n)
	return n, nil
}
