package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"dialtone/app/bulk"
	"dialtone/app/digest"
	"dialtone/app/escape"
)

// SendClassic sends one file over c as v, [Classic1] or [Classic3], has it:
// what r gives, under a bare name. Of a size of 0 or more exactly so much is
// sent, and less is an error; -1 sends until r's end and only Classic1 can do it.
//
// Of o it heeds Verify, Rate, DryRun, Timeout, Meter and Event. With VerifyNone
// the kernel sends an *os.File, from where it stands, and there is no hash to
// tell; the classic protocols do not verify in any case. It returns when the
// receiver has closed (Classic1) or has said its last OK (Classic3). In every
// case c is then closed: with a reset unless all went well. An end of ctx breaks
// the connection at once, but a Read of r that does not return holds it up.
// Errors are of type [*ClassicError].
func SendClassic(ctx context.Context, c net.Conn, v Classic, name string, r io.Reader, size int64, o SendOptions) (Summary, error) {
	s := &classicSender{
		conn:   newClassicConn(ctx, c, o.Timeout),
		report: newClassicReport(c, o.Meter, o.Event),
		pace:   newPacer(o.Rate),
	}
	s.report.meter.paced.Store(o.Rate > 0)
	s.report.named(name, size)
	err := s.check(v, name, size)
	if err == nil && o.DryRun {
		s.report.tell(Event{Kind: EventWould, Path: name, Bytes: max(size, 0)})
		s.conn.close(nil)
		return s.report.summary(), nil
	}
	if err == nil {
		err = s.send(v, name, r, size, o)
	}
	s.conn.close(err)
	if err != nil {
		err = &ClassicError{"send", name, err}
		s.report.failed(err)
	}
	return s.report.summary(), err
}

type classicSender struct {
	conn   *classicConn
	report *classicReport
	pace   *pacer
}

func (s *classicSender) check(v Classic, name string, size int64) error {
	switch {
	case v != Classic1 && v != Classic3:
		return fmt.Errorf("a sender speaks classic or classic3, not %v", v)
	case v == Classic3 && size < 0:
		return errors.New("classic3 says the size first, and that of a stream is not known: use classic")
	}
	return checkClassicName(name)
}

func (s *classicSender) send(v Classic, name string, r io.Reader, size int64, o SendOptions) error {
	if err := s.ask(name, "the name"); err != nil {
		return err
	}
	if v == Classic3 {
		if err := s.ask(strconv.FormatInt(size, 10), "the size"); err != nil {
			return err
		}
	}
	sum, err := s.content(r, size, o.Verify)
	if err == nil {
		err = s.finish(v)
	}
	if err == nil {
		s.report.done("", sum)
	}
	return err
}

// ask says a message and waits for the answer to it.
func (s *classicSender) ask(message, what string) error {
	n, err := s.conn.say([]byte(message))
	s.report.words(n)
	if err != nil {
		return s.failed(err, "it had "+what)
	}
	return s.answer(what)
}

// answer waits for the OK to what was said, and leaves a second OK that came
// with it for the next time.
func (s *classicSender) answer(what string) error {
	p, _, err := s.conn.gather(s.conn.timeout, func(p []byte) bool {
		text := strings.TrimLeft(string(p), classicBlanks)
		return len(text) >= len("ok") || text != "" && !strings.EqualFold(text, "o")
	})
	if err != nil {
		return s.conn.cause(err, "the receiver answered "+what)
	}
	text := strings.TrimLeft(string(p), classicBlanks)
	if len(text) < len("ok") || !strings.EqualFold(text[:len("ok")], "ok") {
		return s.refusal(what)
	}
	s.skip(len(p) - len(text) + len("ok"))
	s.skipWords()
	return nil
}

// skipWords takes what the receiver said behind its OK on the same line, as far
// as it is here, unless it is the next OK.
func (s *classicSender) skipWords() {
	p, _ := s.conn.in.Peek(s.conn.in.Buffered())
	line, _, ended := strings.Cut(string(p), "\n")
	if words := strings.TrimLeft(line, classicBlanks); words != "" && strings.EqualFold(words[:1], "o") {
		s.skip(len(line) - len(words))
		return
	}
	s.skip(len(line))
	if ended {
		s.skip(1)
	}
}

func (s *classicSender) skip(n int) {
	s.conn.in.Discard(n) // of what is buffered: cannot fail
	s.report.words(n)
}

// refusal reads the rest of an answer that is none.
func (s *classicSender) refusal(what string) error {
	p, _, _ := s.conn.gather(classicQuiet, func(p []byte) bool {
		return strings.Contains(strings.TrimLeft(string(p), classicBlanks), "\n")
	})
	return fmt.Errorf("%w: its answer to %s is %q", ErrClassicRefused, what, escape.Line([]byte(strings.Trim(string(p), classicBlanks)), 200))
}

// content sends size bytes of r, or all there are, and returns their hash unless
// the kernel moves them.
func (s *classicSender) content(r io.Reader, size int64, v Verify) (digest.Sum, error) {
	if f, ok := r.(*os.File); ok && v == VerifyNone && size >= 0 {
		if at, err := f.Seek(0, io.SeekCurrent); err == nil {
			return digest.Sum{}, s.file(f, at, size)
		}
	}
	body := newClassicContent()
	defer body.free()
	if err := s.stream(body, r, size); err != nil {
		return digest.Sum{}, err
	}
	return body.sum()
}

// file lets the kernel send size bytes of f from at on.
func (s *classicSender) file(f *os.File, at, size int64) error {
	for end := at + size; at < end; {
		piece := min(end-at, int64(s.piece()))
		if err := s.wait(int(piece)); err != nil {
			return err
		}
		s.conn.SetWriteDeadline(time.Now().Add(s.conn.timeout))
		n, err := bulk.SendFile(s.conn.Conn, f, at, piece)
		s.report.passed(int(n))
		at += n
		var fileError *fs.PathError
		switch {
		case err == nil || n > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		case s.conn.ctx.Err() == nil && errors.As(err, &fileError):
			return err
		default:
			return s.failed(err, "it had the content")
		}
	}
	return nil
}

// stream sends the content by way of body.
func (s *classicSender) stream(body *classicContent, r io.Reader, size int64) error {
	for left := size; left != 0; {
		p := body.room(left)
		began := time.Now()
		n, err := r.Read(p[:min(len(p), s.piece())])
		s.report.meter.reading.Add(int64(time.Since(began)))
		body.took(n)
		left -= min(int64(n), max(left, 0))
		if err := s.write(p[:n]); err != nil {
			return err
		}
		switch {
		case err == io.EOF && left > 0:
			return fmt.Errorf("read: it has changed, and ended after %d of %d bytes: %w", size-left, size, io.ErrUnexpectedEOF)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		}
	}
	return nil
}

func (s *classicSender) write(p []byte) error {
	if err := s.wait(len(p)); err != nil {
		return err
	}
	began := time.Now()
	n, err := s.conn.say(p)
	s.report.meter.networking.Add(int64(time.Since(began)))
	s.report.passed(n)
	if err != nil {
		return s.failed(err, "it had the content")
	}
	return nil
}

// failed explains a failed write, by the receiver's last words if it left some.
func (s *classicSender) failed(err error, what string) error {
	why := s.conn.cause(err, what)
	if s.conn.ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return why
	}
	p, _, _ := s.conn.gather(classicQuiet, func([]byte) bool { return false })
	if words := strings.Trim(string(p), classicBlanks); words != "" {
		return fmt.Errorf("%w; it said %q", why, escape.Line([]byte(words), 200))
	}
	return why
}

// finish waits until the receiver has everything. In Classic1 the end of the
// stream is the end of the content.
func (s *classicSender) finish(v Classic) error {
	if v == Classic3 {
		return s.answer("the content")
	}
	_, err := s.conn.hangUp()
	if err == nil {
		return nil
	}
	if s.conn.ctx.Err() == nil && errors.Is(err, os.ErrDeadlineExceeded) {
		s.report.notice("the receiver did not close: whether it has everything is not known")
		return nil
	}
	return s.conn.cause(err, "the receiver had everything")
}

// piece is how much is sent between two looks at the rate.
func (s *classicSender) piece() int {
	if s.pace == nil {
		return classicChunk
	}
	return min(s.pace.limit.Burst(), classicChunk)
}

// wait returns when n bytes may leave.
func (s *classicSender) wait(n int) error {
	if err := s.pace.wait(s.conn.ctx, n); err != nil {
		<-s.conn.ctx.Done() // it fails already when the deadline would come first
		return context.Cause(s.conn.ctx)
	}
	return nil
}
