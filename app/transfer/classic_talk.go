package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// What a receiver hears and says before the content.

// classicLines is what is known of whether the sender reads lines.
type classicLines int

const (
	linesNo    classicLines = iota // it does not, for all we know
	linesMaybe                     // it writes them
	linesYes                       // it went on when an answer's line feed came
)

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
