package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"dialtone/app/digest"
)

// ReceiveClassic takes one file from c as v has it and stores it in dst, which it
// closes: a [Folder], which sees an entry of unknown size, or a [Writer].
//
// Of o it heeds MaxBytes, Timeout, Meter and Event. In every case c is closed
// when it returns: with a reset unless the file was stored, so that a sender that
// listens learns of it. An end of ctx breaks the connection at once. Nothing is
// left of a file that did not arrive whole. Errors are of type [*ClassicError].
func ReceiveClassic(ctx context.Context, c net.Conn, v Classic, dst Target, o ReceiveOptions) (Summary, error) {
	r := &classicReceiver{
		v:      v,
		conn:   newClassicConn(ctx, c, o.Timeout),
		report: newClassicReport(c, o.Meter, o.Event),
		max:    o.MaxBytes,
		size:   -1,
	}
	if r.max == 0 {
		r.max = classicMaxBytes
	}
	r.report.meter.receiver.Store(true)
	t := dst.into()
	err := r.receive(t)
	t.close() // again where a file was stored: then its error is known
	r.conn.close(err)
	switch {
	case errors.Is(err, errClassicSkip):
		r.report.skipped(err.Error())
		err = nil
	case err != nil:
		err = &ClassicError{"receive", r.name, err}
		r.report.failed(err)
	}
	return r.report.summary(), err
}

type classicReceiver struct {
	v      Classic
	conn   *classicConn
	report *classicReport
	max    int64 // bytes of content; negative: no limit

	name  string // once it is known and good
	size  int64  // -1: until the stream ends
	lines classicLines
}

// classicLines is what is known of whether the sender reads lines.
type classicLines int

const (
	linesNo    classicLines = iota // it does not, for all we know
	linesMaybe                     // it writes them
	linesYes                       // it went on when an answer's line feed came
)

func (r *classicReceiver) receive(t target) error {
	if r.v != Classic1 && r.v != Classic3 && r.v != ClassicAuto {
		return fmt.Errorf("no classic protocol is allowed: %v", r.v)
	}
	if err := r.takeName(); err != nil {
		return err
	}
	r.report.named(r.name, -1)
	f, err := beginClassic(t, r.name, r.report.notice)
	if err != nil {
		return err
	}
	sum, err := r.content(f)
	if err != nil {
		return f.discard(err)
	}
	final, err := f.commit(r.report.moved)
	if err != nil {
		return err
	}
	r.report.done(final, sum)
	r.finish()
	return nil
}

func (r *classicReceiver) takeName() error {
	p, end, err := r.conn.gather(classicQuiet, hasLine)
	if err == nil && end == endStream && !hasLine(p) {
		err = io.EOF
	}
	if err != nil {
		return r.conn.cause(err, "a whole name had come")
	}
	if hasLine(p) {
		r.lines = linesMaybe
	}
	name := r.message(p)
	if err := checkClassicName(name); err != nil {
		return err
	}
	r.name = name
	return nil
}

// message takes a message that was gathered, up to its line feed if it has one,
// and returns it without that and without padding.
func (r *classicReceiver) message(p []byte) string {
	line, _, ended := bytes.Cut(p, []byte("\n"))
	n := len(line)
	if ended {
		n++
	}
	text := string(bytes.TrimRight(line, "\r\x00"))
	r.report.words(n)
	r.conn.in.Discard(n) // it is buffered: cannot fail
	return text
}

func hasLine(p []byte) bool { return bytes.IndexByte(p, '\n') >= 0 }

// content answers the name, finds out the size where the sender says it, and
// stores what follows.
func (r *classicReceiver) content(f io.WriterAt) (digest.Sum, error) {
	if err := r.begin(); err != nil {
		return digest.Sum{}, err
	}
	body := newClassicContent()
	defer body.free()
	if err := r.copy(f, body); err != nil {
		return digest.Sum{}, err
	}
	if err := r.noMore(); err != nil {
		return digest.Sum{}, err
	}
	return body.sum()
}

// begin holds the conversation that precedes the content.
func (r *classicReceiver) begin() error {
	err := r.answer(r.v.ok(), "the name")
	switch {
	case err != nil:
	case r.v == Classic3:
		err = r.takeSize()
	case r.v == ClassicAuto:
		err = r.guessSize()
	}
	switch {
	case err != nil || r.size < 0:
		return err
	case r.size == 0:
		return r.say("OK", "the size") // nothing comes after it
	}
	return r.answer("OK", "the size")
}

// answer says OK to what came, and waits until the sender goes on or ends its
// side. A sender that may be waiting for a whole line gets one.
func (r *classicReceiver) answer(ok, what string) error {
	err := r.say(ok, what)
	if err == nil && r.lines == linesMaybe {
		err = r.nudge(what)
	}
	if err != nil {
		return err
	}
	return r.await(r.conn.timeout, what)
}

// nudge gives the answer to what its line feed if the sender does not go on
// without, and remembers what helped.
func (r *classicReceiver) nudge(what string) error {
	r.lines = linesNo
	err := r.conn.await(min(classicNudge, r.conn.timeout))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // await says what it is
	}
	if err := r.say("\n", what); err != nil {
		return err
	}
	if err := r.await(r.conn.timeout, what); err != nil {
		return err
	}
	r.lines = linesYes
	return nil
}

// await waits for what follows the answer to what. The end is for who reads next.
func (r *classicReceiver) await(d time.Duration, what string) error {
	if err := r.conn.await(d); err != nil && !errors.Is(err, io.EOF) {
		return r.conn.cause(err, "anything followed the answer to "+what)
	}
	return nil
}

func (r *classicReceiver) say(text, what string) error {
	if r.lines == linesYes {
		text += "\n"
	}
	n, err := r.conn.say([]byte(text))
	r.report.words(n)
	if err != nil {
		return r.conn.cause(err, what+" was answered")
	}
	return nil
}

// takeSize reads the size of Classic3.
func (r *classicReceiver) takeSize() error {
	p, _, err := r.conn.gather(classicQuiet, hasLine)
	if err != nil {
		return r.conn.cause(err, "the size came")
	}
	size, err := parseClassicSize(r.message(p))
	if err != nil {
		return err
	}
	return r.setSize(size)
}

// guessSize takes what comes for a size if it looks like one and nothing follows.
func (r *classicReceiver) guessSize() error {
	p, end, err := r.conn.gather(classicDecide, func(p []byte) bool { return !maybeSize(p) })
	switch {
	case errors.Is(err, io.EOF):
		r.report.notice("empty, unless the sender speaks classic3 and wants its OK in capitals: then allow that alone")
		return nil
	case err != nil:
		return r.conn.cause(err, "the content came")
	case end != endQuiet:
		return nil
	}
	size, err := parseClassicSize(r.message(p))
	if err != nil {
		return nil // more than a number holds: content
	}
	return r.setSize(size)
}

func (r *classicReceiver) setSize(size int64) error {
	if r.max >= 0 && size > r.max {
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrClassicTooBig, size, r.max)
	}
	r.size = size
	return nil
}

// copy stores the content.
func (r *classicReceiver) copy(f io.WriterAt, body *classicContent) error {
	for at := int64(0); at != r.size; {
		p := body.room(r.size - at) // negative without a size
		began := time.Now()
		n, rerr := r.conn.Read(p)
		r.report.meter.networking.Add(int64(time.Since(began)))
		if r.max >= 0 && at+int64(n) > r.max {
			return fmt.Errorf("%w: at most %d bytes are allowed", ErrClassicTooBig, r.max)
		}
		if err := r.write(f, p[:n], at); err != nil {
			return err
		}
		body.took(n)
		r.report.passed(n)
		at += int64(n)
		switch {
		case rerr == nil:
		case rerr == io.EOF && r.size < 0:
			return nil
		case rerr == io.EOF && r.conn.ctx.Err() == nil:
			return &classicPeerError{fmt.Sprintf("the connection ended after %d of %d bytes", at, r.size), io.ErrUnexpectedEOF}
		default:
			return r.conn.cause(rerr, "the end of the content")
		}
	}
	return nil
}

func (r *classicReceiver) write(f io.WriterAt, p []byte, at int64) error {
	if len(p) == 0 {
		return nil
	}
	began := time.Now()
	_, err := f.WriteAt(p, at)
	r.report.meter.writing.Add(int64(time.Since(began)))
	return err
}

// noMore looks whether the sender says more than it announced, or has gone.
func (r *classicReceiver) noMore() error {
	if r.size < 0 {
		return nil // it has ended its side
	}
	look := time.Millisecond // what is there is there; what is not is the hang-up's
	if r.size == 0 {
		look = classicQuiet // and keeps the two answers apart
	}
	err := r.conn.await(look)
	switch {
	case err == nil:
		return fmt.Errorf("%w: %d", ErrClassicSurplus, r.size)
	case r.conn.ctx.Err() != nil:
		return context.Cause(r.conn.ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case errors.Is(err, io.EOF) && (r.size > 0 || r.v == Classic3):
		return nil
	}
	return r.conn.cause(err, "the content was answered")
}

// finish tells the sender that the file is stored. That it is so no longer
// depends on what the sender makes of it.
func (r *classicReceiver) finish() {
	if r.size < 0 {
		return // closing says it
	}
	if err := r.say("OK", "the content"); err != nil {
		r.report.notice("the sender may not know that it is stored: " + err.Error())
		return
	}
	if extra, _ := r.conn.hangUp(); extra > 0 {
		r.report.notice(fmt.Sprintf("the sender sent %d bytes more than it announced", extra))
	}
}
