package conversation

import (
	"fmt"
	"strings"
	"time"

	"dialtone/transport/tcp"
)

// A player plays one script with one end.
type player struct {
	end           End
	wire          wire
	at            time.Duration // when the line before happened
	written, read int           // bytes of the user's
	last          tcp.Header    // what the end has sent last
	log           strings.Builder
}

// Play plays the script with an end of its own, line by line, and stops the end. The
// error is the conversation as far as it held, and how it went on.
func (s *Script) Play(end End) error {
	defer end.Stop()
	p := &player{end: end, wire: wire{peerISS: s.Given(end.Where()).PeerISS, window: 65535}}
	for i := range s.Lines {
		l := &s.Lines[i]
		if l.Only != "" && l.Only != end.Where() {
			continue
		}
		if err := p.line(l); err != nil {
			return fmt.Errorf("%s, line %d of %s:\n%s%10s  %s\n%10s  %w", s.Name, l.Number, s.File, &p.log, "wanted", l.Text, "but", err)
		}
	}
	_, late := slack(end.Where(), 0)
	if err := p.pass(end.Now() + late/100); err != nil {
		return fmt.Errorf("%s:\n%s%10s  %w", s.Name, &p.log, "at last", err)
	}
	return nil
}

// line plays one line at its time.
func (p *player) line(l *Line) error {
	if _, waits := l.step.(sends); waits {
		return l.step.play(p, l)
	}
	if err := p.pass(p.at + l.After); err != nil {
		return err
	}
	p.at = p.end.Now()
	if err := l.step.play(p, l); err != nil {
		return err
	}
	p.note(l.Text)
	return nil
}

// pass lets time pass, in which nothing may be sent.
func (p *player) pass(until time.Duration) error {
	sent := p.end.Next(until)
	if sent == nil {
		return nil
	}
	return fmt.Errorf("at %v it sent %v", sent.At.Round(time.Microsecond), p.wire.in(&sent.Header, len(sent.Payload)))
}

// next waits for a segment, which is in time or late, but not early.
func (p *player) next(l *Line) (*Segment, error) {
	early, late := slack(p.end.Where(), l.After)
	sent := p.end.Next(p.at + l.Until + late)
	if sent == nil {
		return nil, fmt.Errorf("nothing was sent")
	}
	s := p.wire.in(&sent.Header, len(sent.Payload))
	if took := sent.At - p.at; took < l.After-early {
		return nil, fmt.Errorf("after %v already it sent %v", took.Round(time.Microsecond), s)
	}
	p.at, p.last = sent.At, sent.Header
	if !isData(sent.Payload, dataStart(s)) {
		return nil, fmt.Errorf("its bytes are not those that were written: %v", s)
	}
	p.note("> " + s.String())
	return s, nil
}

// slack is how much too early and too late a segment may be: not at all on a virtual
// clock. In real time others want the processor too, and Linux's timers have up to an
// eighth of their time in hand, so that a bound above is none; and a kernel's ticks,
// and a line before that was seen late, shorten a time.
func slack(where Where, after time.Duration) (early, late time.Duration) {
	if where == Ours {
		return 0, 0
	}
	return after/10 + 8*time.Millisecond, after/4 + 2*time.Second
}

func (p *player) note(text string) {
	fmt.Fprintf(&p.log, "%10v  %s\n", p.at.Round(time.Millisecond/10), text)
}
