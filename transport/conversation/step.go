package conversation

import (
	"fmt"
	"time"

	"dialtone/transport/tcp"
)

// sends waits for a segment of the end under test.
type sends struct{ want *Segment }

func (s sends) play(p *player, l *Line) error {
	got, err := p.next(l)
	if err != nil {
		return err
	}
	if !s.want.wants(got) {
		return fmt.Errorf("it sent %v", got)
	}
	return nil
}

// arrives lets a segment of the peer's arrive.
type arrives struct{ *Segment }

func (a arrives) play(p *player, _ *Line) error {
	h, payload := p.wire.out(p.end.Now(), a.Segment)
	p.end.Input(&h, payload)
	return nil
}

func (m ICMP) play(p *player, _ *Line) error {
	about := p.last
	if m.Seq != Unsaid {
		about.Seq = p.wire.iss.Add(m.Seq)
	}
	p.end.Unreachable(m, &about)
	return nil
}

// silent waits, and nothing may be sent meanwhile.
type silent struct{ time time.Duration }

func (s silent) play(p *player, _ *Line) error {
	p.at += s.time
	return p.pass(p.at)
}

// plain is a call that gives nothing but an error.
type plain struct {
	call func(e End) error
	want error
}

func (c plain) play(p *player, _ *Line) error { return sameError(c.want, c.call(p.end)) }

// writes writes n bytes, of which so many are to be taken.
type writes struct {
	n, takes int
	want     error
}

func (w writes) play(p *player, _ *Line) error {
	b := make([]byte, w.n)
	for i := range b {
		b[i] = data(p.written + i)
	}
	n, err := p.end.Write(b)
	p.written += n
	if n != w.takes {
		return fmt.Errorf("%d bytes were taken, error %s", n, errName(err))
	}
	if err == errWouldBlock && n < w.n { // the rest has to wait
		err = nil
	}
	return sameError(w.want, err)
}

// reads reads n bytes; none and no error: the end is to be told.
type reads struct {
	n    int
	want error
}

func (r reads) play(p *player, _ *Line) error {
	b := make([]byte, max(r.n, 1))
	n, err := 0, error(nil)
	for n < len(b) {
		var more int
		more, err = p.end.Read(b[n:])
		n += max(more, 0)
		if more <= 0 {
			break
		}
	}
	if !isData(b[:n], p.read) {
		return fmt.Errorf("the bytes read are not those that were sent")
	}
	p.read += n
	if n != r.n {
		return fmt.Errorf("%d bytes were read, error %s", n, errName(err))
	}
	if n > 0 {
		return nil
	}
	return sameError(r.want, err)
}

// inState looks at the state of the end under test, which may be reached later: as late
// as the line says, and a kernel's as late as a segment of it.
type inState struct{ want tcp.State }

// tick is how often a state is looked at that is not there yet.
const tick = 5 * time.Millisecond

func (s inState) play(p *player, l *Line) error {
	_, late := slack(p.end.Where(), l.After)
	for until := p.at + l.Until - l.After + late; p.end.State() != s.want && p.end.Now() < until; {
		if err := p.pass(min(p.end.Now()+tick, until)); err != nil {
			return err
		}
	}
	if got := p.end.State(); got != s.want {
		return fmt.Errorf("it is in %v", got)
	}
	return nil
}

// hasError looks at what has befallen the connection.
type hasError struct{ want error }

func (e hasError) play(p *player, _ *Line) error { return sameError(e.want, p.end.Err()) }

func sameError(want, got error) error {
	if want != got {
		return fmt.Errorf("the error is %s, not %s", errName(got), errName(want))
	}
	return nil
}
