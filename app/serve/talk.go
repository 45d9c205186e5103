package serve

import (
	"bytes"
	"context"
	"time"
)

// A Service is what a server does with a conversation. Exactly one of Talk and
// Hold is set.
type Service struct {
	Name string // as logs and metrics call it

	// Talk returns a new state machine. The server does all input and output,
	// over streams and datagrams alike; a datagram is a conversation of its own.
	Talk func() Talk

	// Hold takes a conversation over and returns when it has ended; ctx is done
	// when the server wants it to end now. Over datagrams c is a session: Read
	// returns one datagram, Write sends one.
	Hold func(ctx context.Context, c *Conn) error
}

// A Talk is one conversation as a state machine: the peer's bytes in, our bytes
// out, without input, output or waiting of its own. The server calls it from
// one goroutine at a time. Answers may alias p, which the Talk may change, and
// are used up before the next call.
type Talk interface {
	// Begin starts a new conversation, also after an earlier one, and appends
	// to dst what the server says first over a stream. more is false when that
	// was all: the server then closes.
	Begin(dst []byte) (out []byte, more bool)

	// Answer appends to dst the answer to p, the peer's next bytes, cut
	// anywhere (or the datagram, whole and perhaps empty). Where the answer
	// would outgrow answerSize it stops early: rest is what it has not looked
	// at yet and wants again once out is sent. more is false when the
	// conversation is over after out. Over datagrams a nil out sends nothing,
	// and an empty one answers only an empty datagram.
	Answer(dst, p []byte) (out, rest []byte, more bool)

	// End appends to dst what is left to say after the peer's last byte.
	End(dst []byte) (out []byte)
}

// Echo answers every byte with itself (RFC 862).
func Echo() Service { return Service{Name: "echo", Talk: func() Talk { return echo{} }} }

type echo struct{}

func (echo) Begin(dst []byte) ([]byte, bool)           { return dst, true }
func (echo) Answer(_, p []byte) ([]byte, []byte, bool) { return p, nil, true }
func (echo) End(dst []byte) []byte                     { return dst }

// Discard reads everything and answers nothing (RFC 863).
func Discard() Service { return Service{Name: "discard", Talk: func() Talk { return discard{} }} }

type discard struct{}

func (discard) Begin(dst []byte) ([]byte, bool)           { return dst, true }
func (discard) Answer(_, _ []byte) ([]byte, []byte, bool) { return nil, nil, true }
func (discard) End(dst []byte) []byte                     { return dst }

// Time says what time it is, as RFC 3339 has it with nanoseconds, and closes;
// over datagrams it answers each with the time (the manner of RFC 867).
func Time() Service {
	return Service{Name: "time", Talk: func() Talk { return clock{time.Now} }}
}

type clock struct{ now func() time.Time }

func (c clock) Begin(dst []byte) ([]byte, bool)             { return c.say(dst), false }
func (c clock) Answer(dst, _ []byte) ([]byte, []byte, bool) { return c.say(dst), nil, true }
func (c clock) End(dst []byte) []byte                       { return dst }

func (c clock) say(dst []byte) []byte {
	return append(c.now().AppendFormat(dst, "2006-01-02T15:04:05.000000000Z07:00"), '\n')
}

// Reply answers every message with text. A stream has no messages: here each
// line is one, and so is what arrives last without its line's end, so that
// clients that never send a line feed are answered too.
func Reply(text string) Service {
	return Service{Name: "reply", Talk: func() Talk { return reply(text) }}
}

type reply string

func (r reply) Begin(dst []byte) ([]byte, bool) { return dst, true }

func (r reply) Answer(dst, p []byte) (out, rest []byte, more bool) {
	for {
		dst = append(dst, r...)
		i := bytes.IndexByte(p, '\n')
		if i < 0 || i+1 == len(p) {
			return dst, nil, true
		}
		p = p[i+1:]
		if len(dst) >= answerSize {
			return dst, p, true
		}
	}
}

func (r reply) End(dst []byte) []byte { return dst }
