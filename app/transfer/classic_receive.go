package transfer

import (
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
