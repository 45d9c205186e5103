package transfer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"dialtone/app/escape"
)

// Classic is one of the two protocols that beginners write with package net
// alone. Both ends speak in turns, and nothing marks where a message ends:
//
//	Classic1  sender: name      receiver: ok      sender: content, end of stream
//	Classic3  sender: name      receiver: OK      sender: size in decimal
//	          receiver: OK      sender: content   receiver: OK
//
// TCP may cut a message anywhere or glue it to the next. What the two sentences
// leave open is decided so:
//
//   - A message ends at its line feed (a carriage return before it and padding
//     NULs go too). Without one it ends when nothing more has come for 300 ms:
//     longer than Linux takes to send a lost segment again (200 ms), short
//     enough for people. Whoever cuts a name by longer pauses is misread.
//   - What follows a line feed at once belongs to the next message, so that
//     printf 'name\ncontent' | nc works. Glued without a line feed, a name and
//     what follows it, a size and the content, cannot be told apart: the first
//     makes a wrong name or a refused one, the second is no number and refused.
//   - The end of the stream after a name without a line feed is a sender that
//     gave up before it was answered: no file.
//   - Answers are given without a line feed, ok or OK as the protocol spells
//     them, because beginners compare the bytes of one read. A sender that ended
//     its name with a line feed and says nothing for 2 s after the answer waits
//     for a whole line: then the line feed follows, and later answers have it.
//   - Answers are taken in any case, in pieces, with blanks or a line feed, with
//     words behind them on the same line ("OK, go on"), and two at once ("OKOK").
//     Anything else is a refusal and shown. OK to Classic1 is as good as ok.
//   - A file of 0 bytes: in Classic1 the stream ends after the answer. In Classic3
//     the content is complete at once, but the last OK waits for 300 ms, or the two
//     could reach a beginner in one read as OKOK.
//   - Success ends with FIN, failure with a reset: the only way to tell a
//     Classic1 receiver that this end is not the end of the file. A sender whose
//     process dies is closed with FIN by its kernel: in Classic1 what arrived is
//     then taken for the file, and nobody can know.
//   - After its content a sender ends its side and waits up to 10 s for the receiver
//     to close. A reset then is a failure; silence is reported as a notice.
//   - More bytes than the size are refused if they arrive with the last byte, and
//     reported as a notice if later: the OK is gone by then. Fewer are an error.
//   - A Classic3 sender that leaves without the last OK has delivered its file all
//     the same: the size was right.
//
// [ClassicAuto] cannot know the protocol when it answers the name, and says ok.
// If then decimal digits arrive that can be a size (no superfluous zero in front,
// at most 19), and for 1 s neither anything else nor the end of the stream, they
// are a size and Classic3 goes on with OK; otherwise they were content. Its
// limits: a Classic3 sender that insists on capitals leaves after the ok, which
// looks like an empty file of Classic1 and is stored with a notice; a Classic1
// sender that pauses for 1 s within a first number is refused when what follows
// is not as long as the number says. Name the protocol where you know it.
//
// Neither protocol authenticates, encrypts or verifies anything.
type Classic int

const (
	ClassicOff  Classic = iota // neither
	Classic1                   // "classic": name, ok, content until the end
	Classic3                   // "classic3": name, OK, size, OK, content, OK
	ClassicAuto                // a receiver that tells the two apart
)

// String returns the name that the command line has for c.
func (c Classic) String() string {
	switch c {
	case ClassicOff:
		return "off"
	case Classic1:
		return "classic"
	case Classic3:
		return "classic3"
	case ClassicAuto:
		return "auto"
	}
	return "Classic(" + strconv.Itoa(int(c)) + ")"
}

// ok is c's answer to a name.
func (c Classic) ok() string {
	if c == Classic3 {
		return "OK"
	}
	return "ok"
}

const (
	classicQuiet   = 300 * time.Millisecond // after it a message is complete
	classicDecide  = time.Second            // after it digits are a size, for ClassicAuto
	classicNudge   = 2 * time.Second        // after it an answer is given its line feed
	classicLinger  = 10 * time.Second       // for the other end to close
	classicTimeout = 60 * time.Second       // default of the options' Timeout

	classicMessage = 4096 // bytes of a message, with padding
	classicName    = 255  // bytes of a name
	classicDigits  = 19   // of the largest int64
	classicBlanks  = " \t\r\n\x00"

	classicMaxBytes = 1 << 40 // default of ReceiveOptions.MaxBytes
)

// What can be wrong with the other end of a classic transfer, for errors.Is.
var (
	ErrClassicName    = errors.New("not a bare file name")
	ErrClassicSize    = errors.New("not a size")
	ErrClassicTooBig  = errors.New("more than the receiver takes")
	ErrClassicSurplus = errors.New("more bytes than the sender announced")
	ErrClassicRefused = errors.New("refused by the receiver")
)

// ClassicError says which classic transfer failed and why. It unwraps to its
// cause: io.ErrUnexpectedEOF when the stream ended too early, os.ErrDeadlineExceeded
// for a peer that said nothing, syscall.ECONNRESET for one that gave up, one of
// the ErrClassic… values, or the context's cause.
type ClassicError struct {
	Op   string // "send" or "receive"
	Name string // empty while it is not known
	Err  error
}

func (e *ClassicError) Error() string {
	if e.Name == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s %s: %v", e.Op, escape.Line([]byte(e.Name), classicName), e.Err)
}

func (e *ClassicError) Unwrap() error { return e.Err }

// checkClassicName says what is wrong with a name that the other end would use,
// or has sent, as the name of a file in a folder of its choice.
func checkClassicName(name string) error {
	wrong := ""
	switch {
	case name == "":
		wrong = "it is empty"
	case len(name) > classicName:
		wrong = fmt.Sprintf("it is longer than %d bytes", classicName)
	case strings.ContainsAny(name, `/\`):
		wrong = "it has a path in it"
	case name == "." || name == "..":
		wrong = "it is a folder"
	case strings.ContainsFunc(name, unicode.IsControl):
		wrong = "it has control characters"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s: %q", ErrClassicName, wrong, escape.Line([]byte(name), 60))
}

// parseClassicSize reads the message that holds the size.
func parseClassicSize(message string) (int64, error) {
	text := strings.Trim(message, classicBlanks)
	if text == "" || strings.Trim(text, "0123456789") != "" { // ParseInt takes signs
		return 0, fmt.Errorf("%w: %q", ErrClassicSize, escape.Line([]byte(text), 40))
	}
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %s bytes", ErrClassicTooBig, escape.Line([]byte(text), 40))
	}
	return size, nil
}

// maybeSize reports whether p, cut anywhere, may be all of a size: ClassicAuto's
// question. A size is written without superfluous zeros and nothing but blanks
// follows it.
func maybeSize(p []byte) bool {
	text := strings.TrimRight(string(p), classicBlanks)
	if text == "" || len(text) > classicDigits || text[0] == '0' && len(text) > 1 {
		return false
	}
	return strings.Trim(text, "0123456789") == ""
}
