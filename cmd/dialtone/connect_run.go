package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"dialtone/app/address"
	"dialtone/app/connect"
	"dialtone/app/escape"

	"golang.org/x/term"
)

// runConnect is dialtone connect: files first, then the connection, then the
// terminal, so that each failure leaves nothing behind.
func runConnect(ctx context.Context, a address.Address, f *connectFlags) (err error) {
	ctx, stop := untilSignal(ctx)
	defer stop()
	d, err := f.dialer(a)
	if err != nil {
		return err
	}
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

// openScreen puts between the conversation and the standard files what they
// need: line editing when somebody types and reads, escaping when somebody reads,
// nothing on pipes. leave may be called again.
func (s *session) openScreen() (in io.Reader, leave func(), err error) {
	in = s.input()
	shown := term.IsTerminal(int(os.Stdout.Fd()))
	switch {
	case in == os.Stdin && shown && term.IsTerminal(int(os.Stdin.Fd())):
		t, err := openTerminal(os.Stdin, os.Stdout, s.address.Datagram())
		if err != nil {
			return nil, nil, err
		}
		s.show, s.events, in, leave = t, t.notes(), t, t.close
		if term.IsTerminal(int(os.Stderr.Fd())) {
			s.notes = t.notes()
		}
	case shown:
		p := newPage(os.Stdout)
		s.show, leave = p, p.close
	default:
		leave = func() {}
	}
	return s.lineEnds(in), leave, nil
}

// input returns what is said.
func (s *session) input() io.Reader {
	switch {
	case s.replaying != nil:
		return s.replaying
	case s.every > 0:
		return &connect.Ticker{Text: []byte(s.send), Every: s.every, Count: s.count}
	case s.sendSet:
		return &connect.Ticker{Text: []byte(s.send), Count: 1}
	}
	return os.Stdin
}

// lineEnds makes the lines of in what the server wants.
func (s *session) lineEnds(in io.Reader) io.Reader {
	switch {
	case s.crlf:
		return connect.CRLF(in)
	case s.address.Datagram() && s.fromKeyboard():
		return connect.Lines(in)
	}
	return in
}

func (s *session) fromKeyboard() bool {
	return s.replaying == nil && !s.sendSet && term.IsTerminal(int(os.Stdin.Fd()))
}

// answers returns where the server's bytes go.
func (s *session) answers() io.Writer {
	var list []io.Writer
	if !s.json {
		list = append(list, s.show)
	}
	if s.comparer != nil {
		list = append(list, s.comparer)
	}
	return io.MultiWriter(list...)
}

// datagramSize is 0 for streams. What is not read from a pipe has its size already.
func (s *session) datagramSize() int {
	switch {
	case !s.address.Datagram():
		return 0
	case s.replaying != nil || s.sendSet:
		return connect.MaxDatagram
	}
	return s.datagram
}

// patience is --wait, whose 0 is no wait at all.
func (s *session) patience() time.Duration {
	if s.wait == 0 {
		return -1
	}
	return s.wait
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

// greet says with whom we speak: to people only, but what is not verified to everybody.
func (s *session) greet(conn net.Conn) {
	state, secure := connect.Connection(conn)
	if s.tls.insecure {
		fmt.Fprintln(os.Stderr, red(os.Stderr, "warning: --insecure: the server is not verified, anybody on the way can read and change this conversation"))
	}
	if s.input() != os.Stdin || !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return
	}
	fmt.Fprintf(os.Stderr, "connected to %s; Ctrl-D ends the input, Ctrl-C leaves\n", s.address)
	if secure {
		fmt.Fprintln(os.Stderr, describeTLS(state))
	}
}

// describeTLS is one line; the names in it are the server's own words.
func describeTLS(state tls.ConnectionState) string {
	leaf := state.PeerCertificates[0]
	text := fmt.Sprintf("%s, certificate of %s, SHA-256 %s", tls.VersionName(state.Version),
		escape.String(leaf.Subject.String()), connect.FingerprintOf(leaf))
	if state.NegotiatedProtocol != "" {
		text += ", protocol " + escape.String(state.NegotiatedProtocol)
	}
	return text
}

// red colours text where people look and do not object (https://no-color.org).
func red(f *os.File, text string) string {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return text
	}
	return "\x1b[31m" + text + "\x1b[0m"
}
