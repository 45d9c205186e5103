package pairing

import (
	"encoding/binary"
	"io"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A message is a type, a length and fields: each a tag, a length and a value.
//
//	 0        1                 3
//	+--------+-----------------+------------------ ...
//	| type   | length (BE)     | fields
//	+--------+-----------------+------------------ ...
//	                           +--------+-----------------+------ ...
//	                           | tag    | length (BE)     | value
//	                           +--------+-----------------+------ ...
//
// Fields with unknown tags are skipped, so that later versions can say more.

type messageType byte

const (
	typeHello   messageType = 1 // dialler: what it can do and offers
	typeWelcome messageType = 2 // listener: what it chose
	typeConfirm messageType = 3 // dialler: its proof
	typeDone    messageType = 4 // listener: its proof
	typeJoin    messageType = 5 // dialler: a further connection
	typeJoined  messageType = 6 // listener: is in
	typeRefused messageType = 7 // either: why not
)

type tag byte

const (
	tagVersions tag = 1 // one byte each; in a welcome the one chosen
	tagNonce    tag = 2 // 32 bytes
	tagName     tag = 3 // UTF-8, printable, at most 64 bytes
	tagMethods  tag = 4 // one byte each, the best first; in a welcome the one chosen
	tagShare    tag = 5 // 32 bytes of CPace
	tagSession  tag = 6 // 16 bytes
	tagNumber   tag = 7 // of a further connection: one byte, 1 to 64
	tagProof    tag = 8 // 32 bytes
	tagReason   tag = 9 // one byte

	lastTag = tagReason
)

const (
	headSize    = 3
	maxMessage  = 2048 // bytes of fields
	nonceSize   = 32
	proofSize   = 32
	sessionSize = 16
	maxName     = 64
	maxList     = 16 // versions, methods
	maxStreams  = 64
)

// sizes are the bounds of each field's value.
var sizes = [lastTag + 1]struct{ min, max int }{
	tagVersions: {1, maxList},
	tagNonce:    {nonceSize, nonceSize},
	tagName:     {0, maxName},
	tagMethods:  {0, maxList},
	tagShare:    {32, 32},
	tagSession:  {sessionSize, sessionSize},
	tagNumber:   {1, 1},
	tagProof:    {proofSize, proofSize},
	tagReason:   {1, 1},
}

// fields are a message's values by tag; nil is absent.
type fields [lastTag + 1][]byte

// append encodes a message onto p, its fields in the order of their tags.
func (f *fields) append(p []byte, t messageType) []byte {
	start := len(p)
	p = append(p, byte(t), 0, 0)
	for tag, v := range f {
		if v != nil {
			p = append(p, byte(tag), byte(len(v)>>8), byte(len(v)))
			p = append(p, v...)
		}
	}
	binary.BigEndian.PutUint16(p[start+1:], uint16(len(p)-start-headSize))
	return p
}

// parseFields takes a message's body apart. Each known field comes at most once
// and has its size; a name can be printed.
func parseFields(body []byte) (f fields, err error) {
	for len(body) > 0 {
		if len(body) < headSize {
			return f, broken("a field is cut off")
		}
		t, n := tag(body[0]), int(binary.BigEndian.Uint16(body[1:]))
		if body = body[headSize:]; n > len(body) {
			return f, broken("a field of %d bytes in %d", n, len(body))
		}
		v := body[:n:n]
		body = body[n:]
		if t == 0 || t > lastTag {
			continue
		}
		if f[t] != nil {
			return f, broken("field %d comes twice", t)
		}
		if n < sizes[t].min || n > sizes[t].max {
			return f, broken("field %d has %d bytes", t, n)
		}
		f[t] = v
	}
	if name := string(f[tagName]); name != cleanName(name) {
		return f, broken("a name that cannot be printed")
	}
	return f, nil
}

// need fails unless f has all of the given fields.
func (f *fields) need(tags ...tag) error {
	for _, t := range tags {
		if f[t] == nil {
			return broken("field %d is missing", t)
		}
	}
	return nil
}

// readMessage reads exactly one message and returns it as it came as well. A
// refusal is an error.
func readMessage(r io.Reader, want ...messageType) (t messageType, f fields, raw []byte, err error) {
	head := make([]byte, headSize, headSize+256)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, f, nil, err
	}
	t = messageType(head[0])
	n := int(binary.BigEndian.Uint16(head[1:]))
	if n > maxMessage || t == 0 || t > typeRefused {
		return 0, f, nil, ErrForeign
	}
	raw = append(head, make([]byte, n)...)
	if _, err := io.ReadFull(r, raw[headSize:]); err != nil {
		return 0, f, nil, err
	}
	f, err = parseFields(raw[headSize:])
	switch {
	case err != nil:
		return 0, f, nil, err
	case t == typeRefused:
		if err := f.need(tagReason); err != nil {
			return 0, f, nil, err
		}
		return 0, f, nil, &refusedError{refusal(reason(f[tagReason][0]), f[tagMethods])}
	case !slices.Contains(want, t):
		return 0, f, nil, broken("message %d where %d was due", t, want)
	}
	return t, f, raw, nil
}

// A refusedError is the other end's, which is not to be answered.
type refusedError struct{ error }

func (e *refusedError) Unwrap() error { return e.error }

// cleanName returns what of name can be shown, at most maxName bytes.
func cleanName(name string) string {
	var b []byte
	for _, r := range name {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		if len(b)+utf8.RuneLen(r) > maxName {
			break
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b)
}
