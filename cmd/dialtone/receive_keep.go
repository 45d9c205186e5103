package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"dialtone/app/pairing"
	"dialtone/app/quantity"
)

// serve takes what any number of senders bring, up to --max-sessions at once,
// until a signal: whoever comes then waits until another has gone.
func (f *receiveFlags) serve(ctx context.Context, w waiter, events *jsonOutput) error {
	l, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	k := &keeping{receiveFlags: f, events: events}
	defer k.group.Wait()
	if f.trust.codeFile != "" {
		follow, stop := context.WithCancel(ctx)
		defer stop()
		k.group.Go(func() { f.followCode(follow, l) })
	}
	slots := make(chan struct{}, f.maxSessions)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return k.end(ctx)
		}
		s, err := f.next(ctx, l)
		switch {
		case ctx.Err() != nil:
			return k.end(ctx)
		case err != nil:
			return err
		}
		k.group.Go(func() {
			defer func() { <-slots }()
			k.take(ctx, s)
		})
	}
}

// next returns the next session. A burnt code is the end, unless a file may have
// another or known peers need none.
func (f *receiveFlags) next(ctx context.Context, l *waiting) (*pairing.Session, error) {
	for {
		s, err := l.accept(ctx, f.trust.trust)
		if !errors.Is(err, pairing.ErrBurned) || f.trust.codeFile == "" {
			return s, err
		}
		fmt.Fprintf(os.Stderr, "the code is burnt by wrong tries: it is refused until %s has another\n", oneLine(f.trust.codeFile))
	}
}

// keeping is a service and its sessions.
type keeping struct {
	*receiveFlags
	events *jsonOutput
	group  sync.WaitGroup
	cut    atomic.Int64 // sessions that the end interrupted
}

// take takes one session and says how it ended.
func (k *keeping) take(ctx context.Context, s *pairing.Session) {
	defer s.Close()
	err := k.receiveFlags.take(ctx, s, k.show.newReport(kind{done: "received", many: true}, k.events), nil)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		k.cut.Add(1)
	default:
		fmt.Fprintf(os.Stderr, "%s  failed: %s\n", addrText(s.Peer().Addr), oneLine(err.Error()))
	}
}

// end waits for all: an interrupted transfer is a failure, none is the end that
// was wanted.
func (k *keeping) end(ctx context.Context) error {
	k.group.Wait()
	n := k.cut.Load()
	if n == 0 {
		return nil
	}
	fmt.Fprintf(os.Stderr, "interrupted: %s; their senders resume with the same command\n", quantity.CountOf(n, "transfer"))
	return context.Cause(ctx)
}

// codeLook is how often a code file is looked at.
const codeLook = time.Second

// followCode hands the code of --code-file on whenever it changes. A code counts
// when two looks in a row find it: a file that is written in place may be read
// half.
func (f *receiveFlags) followCode(ctx context.Context, l *waiting) {
	tick := time.NewTicker(codeLook)
	defer tick.Stop()
	for last, seen := l.code, ""; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		code, err := readCodeFile(f.trust.codeFile)
		if one, _, bad := pairing.ParseCode(code); bad == nil {
			code = one // in its one form, as l.code is
		}
		before := seen
		seen = code
		if err != nil || code == last || code != before {
			continue // a file that is being replaced is not there for a moment
		}
		last = code
		if err := l.SetCode(code); err != nil {
			fmt.Fprintf(os.Stderr, "the new code of %s is not used: %s\n", oneLine(f.trust.codeFile), oneLine(err.Error()))
			continue
		}
		fmt.Fprintf(os.Stderr, "a new code is in %s\n", oneLine(f.trust.codeFile))
	}
}
