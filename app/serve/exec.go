package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"dialtone/app/escape"
)

// Exec runs a process for each conversation, with the connection as its standard
// input and output. The peer's FIN ends the process's input; what the process
// still writes is sent. When the peer aborts, or the server ends the
// conversation, the process and its whole group are terminated, and killed if
// they do not go. What it writes to standard error is logged, a line an event, and
// so is an exit status other than 0.
//
// The environment tells who is there, as ucspi-tcp's does: TCPREMOTEIP,
// TCPREMOTEPORT, TCPLOCALIP, TCPLOCALPORT, and PROTO.
func Exec(log *slog.Logger, name string, args ...string) Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return Service{Name: "exec", Hold: func(ctx context.Context, c *Conn) error {
		p := &process{cmd: exec.Command(name, args...), c: c}
		p.cmd.Env = append(os.Environ(), environment(c)...)
		stderr := &logLines{log: log, peer: text(c.RemoteAddr())}
		p.cmd.Stderr = stderr
		err := p.run(ctx)
		stderr.end()
		if state := p.cmd.ProcessState; state != nil && !state.Success() {
			log.Warn("exited", "peer", stderr.peer, "status", state.String())
		}
		return err
	}}
}

func environment(c *Conn) []string {
	env := []string{"PROTO=" + map[bool]string{false: "TCP", true: "UDP"}[c.Datagram()]}
	for name, a := range map[string]net.Addr{"REMOTE": c.RemoteAddr(), "LOCAL": c.LocalAddr()} {
		if host, port, err := net.SplitHostPort(a.String()); err == nil {
			env = append(env, "TCP"+name+"IP="+host, "TCP"+name+"PORT="+port)
		}
	}
	return env
}

// process is one conversation's.
type process struct {
	cmd *exec.Cmd
	c   *Conn

	stdin, stdout *os.File
	peerEnd       error // how the peer's output ended; of the input pump
}

const (
	termGrace   = 500 * time.Millisecond // between SIGTERM and SIGKILL
	outputGrace = 2 * time.Second        // for children that outlive the process to finish writing
)

func (p *process) run(ctx context.Context) error {
	if err := p.start(); err != nil {
		return err
	}
	var pumps sync.WaitGroup
	peerGone := make(chan struct{})
	var once sync.Once
	gone := func() { once.Do(func() { close(peerGone) }) }
	written := make(chan error, 1)
	pumps.Go(func() {
		if p.peerEnd = p.pumpIn(); !errors.Is(p.peerEnd, io.EOF) {
			gone()
		}
	})
	pumps.Go(func() {
		_, err := io.Copy(p.c, p.stdout)
		written <- err
		if err != nil {
			gone()
		}
	})
	exited := make(chan struct{})
	pumps.Go(func() { p.cmd.Wait(); close(exited) })

	var cause error
	select {
	case <-exited:
	case <-peerGone:
		terminate(p.cmd, exited)
	case <-ctx.Done():
		cause = context.Cause(ctx)
		terminate(p.cmd, exited)
	}
	outErr := p.lastOutput(ctx, written)
	killGroup(p.cmd)                     // whoever is left of it
	p.c.SetReadDeadline(time.Unix(1, 0)) // ends the input pump
	p.stdin.Close()
	p.stdout.Close()
	pumps.Wait()
	switch {
	case outErr != nil:
		return outErr
	case cause != nil:
		return cause
	case p.peerEnd != nil && !errors.Is(p.peerEnd, os.ErrDeadlineExceeded):
		return p.peerEnd
	}
	return nil
}

// start starts the process on pipes of its own: handed the socket itself it
// would get a non-blocking one, which most programs do not expect.
func (p *process) start() error {
	childIn, stdin, err := os.Pipe()
	if err != nil {
		return err
	}
	stdout, childOut, err := os.Pipe()
	if err != nil {
		childIn.Close()
		stdin.Close()
		return err
	}
	p.stdin, p.stdout = stdin, stdout
	p.cmd.Stdin, p.cmd.Stdout = childIn, childOut
	p.cmd.WaitDelay = outputGrace // for standard error
	ownGroup(p.cmd)
	err = p.cmd.Start()
	childIn.Close()
	childOut.Close()
	if err != nil {
		stdin.Close()
		stdout.Close()
	}
	return err
}

// pumpIn gives the process what the peer sends, and its end; it returns how
// that ended, io.EOF for a FIN. A process that stops reading ends nothing.
func (p *process) pumpIn() error {
	defer p.stdin.Close()
	buf := make([]byte, 32<<10)
	deaf := false
	for {
		n, err := p.c.Read(buf)
		if n > 0 && !deaf {
			if _, e := p.stdin.Write(buf[:n]); e != nil {
				deaf = true // but go on reading, to see the peer go
			}
		}
		if err != nil {
			return err
		}
	}
}

// lastOutput waits for the end of the output after the process's, which children
// of it may still hold open for a while.
func (p *process) lastOutput(ctx context.Context, written <-chan error) error {
	grace := time.NewTimer(outputGrace)
	defer grace.Stop()
	for {
		select {
		case err := <-written:
			return err
		case <-grace.C:
			killGroup(p.cmd)
		case <-ctx.Done():
			killGroup(p.cmd)
			p.stdout.Close()
			return <-written
		}
	}
}

// terminate asks the process's group to go, and kills it if it does not.
func terminate(cmd *exec.Cmd, exited <-chan struct{}) {
	termGroup(cmd)
	select {
	case <-exited:
	case <-time.After(termGrace):
		killGroup(cmd)
		<-exited
	}
}

// logLines logs each line of a process's standard error, escaped and cut: it may
// quote the peer.
type logLines struct {
	log  *slog.Logger
	peer string
	line []byte
	more int // bytes of the line beyond what line keeps
}

const logLine = 1000 // bytes of a line

func (l *logLines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.keep(p)
			return n, nil
		}
		l.keep(p[:i])
		l.show()
		p = p[i+1:]
	}
}

func (l *logLines) keep(p []byte) {
	k := min(len(p), logLine-len(l.line))
	l.line = append(l.line, p[:k]...)
	l.more += len(p) - k
}

func (l *logLines) show() {
	line := escape.Line(l.line, 0)
	if l.more > 0 {
		line += fmt.Sprintf("… (+%d bytes)", l.more)
	}
	l.log.Warn("stderr", "peer", l.peer, "line", line)
	l.line, l.more = l.line[:0], 0
}

// end logs a last line without its end.
func (l *logLines) end() {
	if len(l.line) > 0 {
		l.show()
	}
}
