package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"dialtone/app/address"
	"dialtone/app/connect"
)

// runConnect is dialtone connect: files first, then the connection, then the
// terminal, so that each failure leaves nothing behind.
func runConnect(ctx context.Context, a address.Address, f *connectFlags) (err error) {
	ctx, stop := untilSignal(ctx)
	defer stop()
	d, end, err := f.dialer(a)
	if err != nil {
		return err
	}
	defer end()
	s := &session{connectFlags: f, address: a, show: os.Stdout, events: os.Stdout, notes: os.Stderr}
	defer func() {
		if closing := s.close(); err == nil {
			err = closing
		}
	}()
	if err := s.openFiles(); err != nil {
		return f.explain(a, err)
	}
	conn, err := d.Dial(ctx, a)
	if err != nil {
		s.failed(err)
		return f.explain(a, err)
	}
	return f.explain(a, s.converse(ctx, conn))
}

// untilSignal returns a context that ends at the first signal. A second one
// ends the process.
func untilSignal(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // nohup's and a background job's wish
			signal.Notify(signals, s)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case got := <-signals:
			signal.Stop(signals)
			if got == os.Interrupt {
				cancel(errInterrupted)
			} else {
				cancel(fmt.Errorf("stopped by the signal %q", got))
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil); <-done }
}

// session is one run: where the bytes come from and where they go.
type session struct {
	*connectFlags
	address address.Address

	show   io.Writer // what the server says
	events io.Writer // --json: standard output, above the line being typed
	notes  io.Writer // --hex: standard error, above the line being typed

	recordFile, askFile, answerFile *os.File
	recorder                        *connect.Recorder
	replaying                       *connect.Replay
	comparer                        *connect.Comparer
	lines                           *connect.Recorder
}

// openFiles opens the record to write and, twice, the one to replay: what was
// sent is read at another pace than what was received.
func (s *session) openFiles() error {
	if s.replay != "" {
		var ask, answer *connect.RecordReader
		var err error
		if s.askFile, ask, err = openRecord(s.replay); err != nil {
			return err
		}
		if s.answerFile, answer, err = openRecord(s.replay); err != nil {
			return err
		}
		s.replaying, s.comparer = connect.NewReplay(ask, s.speed), connect.NewComparer(answer)
	}
	if s.record == "" {
		return nil
	}
	var err error
	s.recordFile, err = os.OpenFile(s.record, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	s.recorder = connect.NewRecorder(s.recordFile, s.address.String())
	return s.recorder.Err()
}

func openRecord(name string) (*os.File, *connect.RecordReader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	r, err := connect.NewRecordReader(f)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, r, nil
}

// close closes the files and reports a record that could not be written.
func (s *session) close() error {
	for _, f := range []*os.File{s.askFile, s.answerFile} {
		if f != nil {
			f.Close()
		}
	}
	if s.recordFile == nil {
		return nil
	}
	if err := s.recordFile.Close(); s.recorder.Err() == nil {
		return err
	}
	return s.recorder.Err()
}

// failed tells the watchers that there was no conversation.
func (s *session) failed(err error) {
	if watch := s.watchers(); watch != nil {
		watch(connect.Event{Time: time.Now(), Kind: connect.Failed, Error: err.Error()})
	}
}

func (s *session) watchers() func(connect.Event) {
	var list []func(connect.Event)
	if s.recorder != nil {
		list = append(list, s.recorder.Watch)
	}
	if s.json {
		s.lines = connect.NewJSON(s.events)
		list = append(list, s.lines.Watch)
	}
	if s.hex {
		list = append(list, connect.HexDump(s.notes))
	}
	return connect.Watchers(list...)
}

// converse holds the conversation on conn, on a terminal or on pipes.
func (s *session) converse(ctx context.Context, conn net.Conn) error {
	s.greet(conn)
	in, leave, err := s.openScreen()
	if err != nil {
		conn.Close()
		return err
	}
	defer leave()
	result, err := connect.Run(ctx, conn, connect.Options{
		In:       in,
		Out:      s.answers(),
		Watch:    s.watchers(),
		Datagram: s.datagramSize(),
		Wait:     s.patience(),
	})
	leave() // what follows is written on an ordinary terminal
	if err != nil {
		return err
	}
	return s.end(result)
}

// end says how a conversation ended that did not fail.
func (s *session) end(result connect.Result) error {
	if s.lines != nil && s.lines.Err() != nil {
		return fmt.Errorf("write the output: %w", s.lines.Err())
	}
	if result.ServerFirst {
		fmt.Fprintln(os.Stderr, "the server closed the conversation")
	}
	if s.comparer == nil {
		return nil
	}
	if err := s.comparer.Finish(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "the answers are the recorded ones, all %d bytes\n", result.Received)
	return nil
}
