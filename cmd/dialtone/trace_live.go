package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"dialtone/app/quantity"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/observe/ladder"
)

// live shows what passes through an interface until Ctrl-C, which is how it ends
// and no failure.
func (t *tracing) live() error {
	ctx, release := untilSignal(t.ctx)
	defer release()
	source, err := capture.OpenLive(ctx, capture.LiveConfig{
		Interface: t.iface, Filter: t.filter.Kernel, Promiscuous: t.promiscuous,
	})
	var right *capture.RightError
	if errors.As(err, &right) {
		return withHint(err, "or capture as root: sudo dialtone trace -i "+t.iface+"; a file needs no right")
	}
	if err != nil {
		return err
	}
	defer source.Close()
	pass := t.limit(ladder.NewPass(source, t.filter))
	sinks, finish, err := t.sinks(nil)
	if err != nil {
		return err
	}
	stop := func() {}
	switch {
	case t.follow:
		f, flush, err := t.follower()
		if err != nil {
			return err
		}
		sinks, finish = append(sinks, f), inTurn(finish, flush)
	case !t.json && !t.list:
		rows := &timely{w: ladder.NewWriter(t.stdout, t.style)}
		sinks, stop, finish = append(sinks, rows), rows.refresh(ctx), inTurn(finish, rows.w.Flush)
	}
	fmt.Fprintf(os.Stderr, "capturing on %s; Ctrl-C ends it\n", oneLine(t.iface))
	err = ladder.Walk(pass, sinks...)
	stop()
	err = errors.Join(err, finish())
	t.summary(pass.Count(), source.Stats())
	return err
}

// inTurn does one after the other.
func inTurn(a, b func() error) func() error {
	return func() error { return errors.Join(a(), b()) }
}

// summary says what was captured, and what was missed.
func (t *tracing) summary(c ladder.Count, s capture.LiveStats) {
	fmt.Fprintf(os.Stderr, "\n%s captured, %s, %s\n", quantity.CountOf(c.Matched, "frame"), quantity.Bytes(c.Bytes), quantity.CountOf(int64(c.Conversations), "conversation"))
	if s.Dropped > 0 {
		fmt.Fprintf(os.Stderr, "%s dropped: they came faster than they were read; a narrower filter helps\n", quantity.CountOf(s.Dropped, "frame"))
	} else {
		fmt.Fprintln(os.Stderr, "0 frames dropped")
	}
	t.evictions(c)
}

// refreshTime is how long a row may be kept back in hope of more of its kind.
const refreshTime = 250 * time.Millisecond

// timely is a ladder.Writer whose rows come in time though no packet does.
type timely struct {
	mu sync.Mutex
	w  *ladder.Writer
}

func (s *timely) Event(e *flow.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Event(e)
}

func (s *timely) Frame(p *capture.Packet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Frame(p)
}

func (s *timely) End(c *flow.Conversation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.End(c)
}

// refresh shows what is kept back every now and then, until stop is called.
func (s *timely) refresh(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(refreshTime)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.mu.Lock()
				_ = s.w.Flush() // a writer that fails fails again with the next row
				s.mu.Unlock()
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}
