package connect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// MaxDatagram is the largest payload of a UDP datagram over IPv4.
	MaxDatagram = 65507

	// DefaultWait is how long a zero Options.Wait waits.
	DefaultWait = time.Second

	// grace is how long Run waits, after its context has ended, for an Out or a
	// Watch that does not return.
	grace = 250 * time.Millisecond
)

// longAgo as a deadline makes every call fail at once.
var longAgo = time.Unix(1, 0)

// Options says what a conversation is about. The zero Options sends nothing,
// half-closes at once and throws the answer away.
type Options struct {
	// In is sent to the server. Nil is an empty input.
	//
	// When the conversation is over while In.Read has not returned, an In that
	// has SetReadDeadline (a net.Conn, an os.Pipe, Ticker, Replay) is interrupted and
	// waited for. Any other one is left behind in one goroutine until that Read
	// returns; what it returns is thrown away.
	In io.Reader

	// Out gets what the server sends, a Write for each Read or datagram. Nil
	// throws it away.
	Out io.Writer

	// Watch is told what happens, one Event at a time. Nil means nobody looks.
	Watch func(Event)

	// Datagram, 1 to MaxDatagram, makes each Read of In of at most so many bytes
	// one datagram, an empty one for a Read of 0 bytes. 0 is a stream.
	Datagram int

	// Wait is how long to wait, from the end of In or the last answer, for
	// another one, if the connection cannot be half-closed. 0 means DefaultWait,
	// negative that nothing is waited for.
	Wait time.Duration
}

// Result is what a conversation came to.
type Result struct {
	Sent, Received int64 // bytes
	ServerFirst    bool  // the server ended before In did
}

// Run holds a conversation over conn until it is over, and closes conn. Errors
// are *Error, or the cause of ctx's end.
//
// When ctx ends, Run returns even if Out or Watch hangs in a call.
func Run(ctx context.Context, conn net.Conn, o Options) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := newConversation(ctx, cancel, conn, o)
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(longAgo) })
	defer stop()
	err := wait(ctx, c.begin(c.run))
	if p, ok := err.(panicked); ok {
		panic(p.value)
	}
	return c.result(), err
}

func wait(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(grace):
		return context.Cause(ctx)
	}
}

// conversation is two loops, send and receive, and what they share.
//
//	run ── receive: conn ─► Watch ─► Out        until the server ends
//	  └─── send:    In ─► Watch ─► conn         until In ends; then half-close
type conversation struct {
	Options
	ctx    context.Context
	cancel context.CancelCauseFunc // ends both loops, from either
	conn   net.Conn

	sent, received atomic.Int64
	inputEnded     atomic.Bool
	serverFirst    atomic.Bool

	eventMu sync.Mutex // one Event at a time

	sendMu  sync.Mutex // held while something is sent
	over    bool       // nothing may be sent any more
	sendErr error      // why sending ended early
}

func newConversation(ctx context.Context, cancel context.CancelCauseFunc, conn net.Conn, o Options) *conversation {
	if o.In == nil {
		o.In = eof{}
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	o.Wait = cmp.Or(o.Wait, DefaultWait)
	return &conversation{Options: o, ctx: ctx, cancel: cancel, conn: conn}
}

func (c *conversation) result() Result {
	return Result{Sent: c.sent.Load(), Received: c.received.Load(), ServerFirst: c.serverFirst.Load()}
}

// run holds the conversation. The order of its end:
//
//  1. receive has returned
//  2. a write under way is cut, and nothing is sent any more
//  3. the connection is closed
//  4. send has returned, if In can be interrupted
//  5. the last events are told
func (c *conversation) run() error {
	c.event(Event{Kind: Connected, Local: endpoint(c.conn.LocalAddr()), Remote: endpoint(c.conn.RemoteAddr())})
	sender := c.begin(c.send)
	err := c.receive()
	c.serverFirst.Store(err == nil && !c.inputEnded.Load())
	err = c.outcome(err, c.stopSending())
	c.conn.Close()
	if in, ok := interrupt(c.In); ok {
		<-sender
		in.SetReadDeadline(time.Time{})
	}
	if err != nil {
		c.event(Event{Kind: Failed, Error: err.Error()})
	}
	by := "client"
	if c.serverFirst.Load() {
		by = "server"
	}
	c.event(Event{Kind: Closed, By: by, Sent: c.sent.Load(), Received: c.received.Load()})
	return err
}

// outcome puts together why both directions ended. The kernel tells of a reset
// only once, to the reader or to the writer: the other one sees an end of stream.
func (c *conversation) outcome(received, sent error) error {
	var failed *Error
	switch {
	case errors.As(received, &failed) && failed.Address == "":
		return received
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case received != nil:
		return received
	case sent != nil && !gone(sent):
		return c.fail("send to", sent)
	}
	return nil
}

// stopSending returns when nothing is being sent and nothing will be.
func (c *conversation) stopSending() error {
	c.conn.SetWriteDeadline(longAgo)
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	c.over = true
	return c.sendErr
}

// receive passes on what the server says until it ends.
func (c *conversation) receive() error {
	size := MaxData
	if c.Datagram > 0 {
		size = MaxDatagram + 21 // IPv6 allows 20 more; nothing is ever cut off
	}
	buf := make([]byte, size)
	for {
		n, err := c.conn.Read(buf)
		if n > 0 || err == nil && c.Datagram > 0 {
			c.received.Add(int64(n))
			c.event(Event{Kind: Received, Data: buf[:n]})
			if _, err := c.Out.Write(buf[:n]); err != nil {
				return &Error{Op: "write the output", Err: err}
			}
		}
		switch {
		case err == nil && c.inputEnded.Load():
			c.waitOn()
		case err == nil:
		case err == io.EOF, c.waited(err):
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return c.fail("receive from", ErrCut)
		default:
			return c.fail("receive from", err)
		}
	}
}

// waitOn gives a server that will not tell its end another Wait.
func (c *conversation) waitOn() {
	if _, ok := c.conn.(halfCloser); ok {
		return
	}
	c.conn.SetReadDeadline(time.Now().Add(max(c.Wait, 0)))
	if c.ctx.Err() != nil { // do not undo what the context's end did
		c.conn.SetReadDeadline(longAgo)
	}
}

// waited reports whether err is the end of waitOn's time.
func (c *conversation) waited(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && c.inputEnded.Load() && c.ctx.Err() == nil
}

// send passes on In until it ends, then half-closes.
func (c *conversation) send() error {
	size := MaxData
	if c.Datagram > 0 {
		size = c.Datagram
	}
	buf := make([]byte, size)
	for {
		n, err := c.In.Read(buf)
		if (n > 0 || err == nil && c.Datagram > 0) && !c.say(buf[:n]) {
			return nil
		}
		switch {
		case err == io.EOF:
			c.endInput()
			return nil
		case err != nil:
			return c.inputFailed(err)
		}
	}
}

// inputFailed is nothing to speak of when it is our own interruption.
func (c *conversation) inputFailed(err error) error {
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	if c.over {
		return nil
	}
	return &Error{Op: "read the input", Err: err}
}

// say sends p and reports whether there may be more.
func (c *conversation) say(p []byte) bool {
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	if c.over {
		return false
	}
	c.event(Event{Kind: Sent, Data: p})
	n, err := c.conn.Write(p)
	c.sent.Add(int64(n))
	if err == nil {
		return true
	}
	c.sendErr = err
	if c.Datagram > 0 { // the reader will not learn of it
		c.cancel(c.fail("send to", err))
	}
	return false
}

type halfCloser interface{ CloseWrite() error }

func (c *conversation) endInput() {
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	if c.over {
		return
	}
	c.inputEnded.Store(true)
	half, ok := c.conn.(halfCloser)
	if !ok {
		c.waitOn()
		return
	}
	c.event(Event{Kind: HalfClosed})
	c.sendErr = half.CloseWrite()
}

func (c *conversation) event(e Event) {
	if c.Watch == nil {
		return
	}
	c.eventMu.Lock()
	defer c.eventMu.Unlock()
	e.Time = time.Now()
	c.Watch(e)
}

func (c *conversation) fail(op string, err error) error {
	if c.Datagram > 0 && errors.Is(err, syscall.ECONNREFUSED) { // how sockets report ICMP (RFC 1122 §4.1.3.3)
		err = fmt.Errorf("port unreachable: %w", cause(err))
	}
	return &Error{Op: op, Address: endpoint(c.conn.RemoteAddr()), Err: err}
}

// endpoint names an address; that of an unnamed Unix socket is empty.
func endpoint(a net.Addr) string {
	if a == nil {
		return ""
	}
	if name := a.String(); a.Network() != "unix" || name == "" || name == "@" {
		return strings.TrimPrefix(name, "@")
	}
	return "unix:" + a.String()
}

// eof is an empty input.
type eof struct{}

func (eof) Read([]byte) (int, error)        { return 0, io.EOF }
func (eof) SetReadDeadline(time.Time) error { return nil }

type interruptible interface{ SetReadDeadline(time.Time) error }

// interrupt makes a Read of in return, and reports whether it will.
func interrupt(in io.Reader) (interruptible, bool) {
	d, ok := in.(interruptible)
	return d, ok && d.SetReadDeadline(longAgo) == nil
}

// panicked carries a panic from a goroutine to Run's caller, whose deferred calls
// (restoring a terminal, for one) then run.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprint("panic: ", p.value) }

// begin runs f in a goroutine and delivers how it ended. A failure ends the
// whole conversation.
func (c *conversation) begin(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if p := recover(); p != nil {
				err = panicked{p}
			}
			if err != nil {
				c.cancel(err)
			}
			done <- err
		}()
		err = f()
	}()
	return done
}
