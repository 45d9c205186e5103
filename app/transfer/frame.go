package transfer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"dialtone/app/digest"
)

// A frame on a connection (spec.md §4):
//
//	 0       1               4               8                      16
//	+-------+---------------+---------------+-----------------------+------+------+
//	| type  | head length   | body length   | check                 | head | body |
//	+-------+---------------+---------------+-----------------------+------+------+
//
// The check is the first 8 bytes of the BLAKE3 of the first 8 bytes and the
// head. So a damaged head is never obeyed, whatever carries the frame; the body
// (file content) is guarded by the sums in the head.
const (
	frameHeader = 16
	maxHead     = 1 << 20 // bytes of head in one frame
)

// frameType is what a frame carries.
type frameType byte

const (
	frameHello   frameType = 1 + iota // both: who I am and which versions I speak
	frameOffer                        // sender: what kind of transfer this is to be
	frameAccept                       // receiver: its terms
	frameEntries                      // sender: a part of the manifest
	frameAnswers                      // receiver: what it wants of the next entries
	frameData                         // sender: content; the only frame with a body
	frameSums                         // sender: hashes of files the receiver wants to compare
	frameResults                      // receiver: entries that are finished
	frameAgain                        // receiver: chunks that arrived damaged
	frameGiveUp                       // sender: entries it cannot read
	frameNotes                        // receiver: what it could not keep or make
	frameFinish                       // sender: the manifest is complete
	frameDone                         // receiver: all is stored, and the summary
	frameStatus                       // both: where time goes; also a sign of life
	frameStreams                      // sender that listens: open so many connections
	frameTotal                        // sender: how much there will be
	frameAbort                        // both: the end, and why
	frameLast    = frameAbort
)

// ProtocolError is a peer that does not keep to the protocol, or a line that
// damages what it carries.
type ProtocolError struct{ What string }

func (e *ProtocolError) Error() string { return "protocol error: " + e.What }

func broken(format string, args ...any) error {
	return &ProtocolError{fmt.Sprintf(format, args...)}
}

// appendFrame appends a frame without a body; bodies follow it on the wire.
func appendFrame(b []byte, t frameType, head []byte, body int) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(t)<<24|uint32(len(head)))
	b = binary.BigEndian.AppendUint32(b, uint32(body))
	b = append(b, make([]byte, 8)...)
	b = append(b, head...)
	sum := frameCheck(b[at:at+8], head)
	copy(b[at+8:], sum[:])
	return b
}

// frameCheck returns the check of a frame.
func frameCheck(lengths, head []byte) (c [8]byte) {
	const most = 4096
	if len(head) <= most { // nearly always
		var buf [8 + most]byte
		n := copy(buf[:], lengths)
		n += copy(buf[n:], head)
		sum := digest.Of(buf[:n])
		return [8]byte(sum[:8])
	}
	buf := make([]byte, 0, 8+len(head))
	sum := digest.Of(append(append(buf, lengths...), head...))
	return [8]byte(sum[:8])
}

// frameIn is a frame whose head has been read; its body is still to come.
type frameIn struct {
	kind frameType
	head []byte // valid until the next frame is read
	body int    // bytes
}

// readFrame reads a frame's head from r into buf, which it returns grown. An end
// of r before the first byte is io.EOF, later io.ErrUnexpectedEOF.
func readFrame(r io.Reader, buf []byte, maxBody int) (frameIn, []byte, error) {
	var fixed [frameHeader]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return frameIn{}, buf, err
	}
	word := binary.BigEndian.Uint32(fixed[:])
	f := frameIn{kind: frameType(word >> 24), body: int(binary.BigEndian.Uint32(fixed[4:]))}
	head := int(word & 0xffffff)
	switch {
	case f.kind == 0:
		return f, buf, broken("frame of type 0")
	case head > maxHead:
		return f, buf, broken("a frame's head of %d bytes, more than %d", head, maxHead)
	case f.body > maxBody, f.body > 0 && f.kind != frameData:
		return f, buf, broken("a frame of type %d with %d bytes of content, more than agreed", f.kind, f.body)
	}
	if cap(buf) < head {
		buf = make([]byte, head)
	}
	f.head = buf[:head]
	if _, err := io.ReadFull(r, f.head); err != nil {
		return f, buf, unexpected(err)
	}
	if frameCheck(fixed[:8], f.head) != [8]byte(fixed[8:]) {
		return f, buf, broken("a frame arrived damaged")
	}
	return f, buf, nil
}

// unexpected turns an end in the middle into io.ErrUnexpectedEOF.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// decoder takes a head apart. The first mistake sticks; after it everything is zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = broken("%s", what)
	}
	d.b = nil
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail("a message ends too early")
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("a number is cut off or too long")
		return 0
	}
	d.b = d.b[n:]
	return v
}

// int reads a number that must be at most most.
func (d *decoder) int(most int64) int64 {
	v := d.uint()
	if v > uint64(most) {
		d.fail(fmt.Sprintf("a number is %d, more than %d", v, most))
		return 0
	}
	return int64(v)
}

func (d *decoder) signed() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail("a number is cut off or too long")
		return 0
	}
	d.b = d.b[n:]
	return v
}

// bytes reads a length and so many bytes, which stay part of the message.
func (d *decoder) bytes(most int) []byte {
	n := int(d.int(int64(most)))
	if n > len(d.b) {
		d.fail("a message ends too early")
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) text(most int) string { return string(d.bytes(most)) }

func (d *decoder) sum() (s digest.Sum) {
	if len(d.b) < digest.Size {
		d.fail("a message ends too early")
		return s
	}
	copy(s[:], d.b)
	d.b = d.b[digest.Size:]
	return s
}

func appendText[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendUint(b []byte, v int64) []byte { return binary.AppendUvarint(b, uint64(v)) }

// A field is one number or text of a message that later versions may add to
// (hello, offer, accept, done, abort): key, length, value. Unknown keys are
// skipped, absent ones are zero.
type fields map[byte][]byte

func appendField[T string | []byte](b []byte, key byte, v T) []byte {
	if len(v) == 0 {
		return b
	}
	return appendText(append(b, key), v)
}

func appendNumber(b []byte, key byte, v int64) []byte {
	if v == 0 {
		return b
	}
	return appendField(b, key, binary.AppendUvarint(nil, uint64(v)))
}

func parseFields(head []byte) (fields, error) {
	f := fields{}
	d := decoder{b: head}
	for len(d.b) > 0 && d.err == nil {
		key := d.byte()
		value := d.bytes(maxHead)
		if _, twice := f[key]; twice {
			d.fail(fmt.Sprintf("field %d comes twice", key))
		}
		f[key] = value
	}
	return f, d.err
}

// number returns a field's number, at most most; an absent one is 0.
func (f fields) number(key byte, most int64) (int64, error) {
	v, ok := f[key]
	if !ok {
		return 0, nil
	}
	n, used := binary.Uvarint(v)
	if used != len(v) || n > uint64(most) {
		return 0, broken("field %d is not a number up to %d", key, most)
	}
	return int64(n), nil
}
