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
)

// serve takes what any number of senders bring, up to --max-sessions at once,
// until a signal: whoever comes then waits until another has gone.
func (f *receiveFlags) serve(ctx context.Context, w *waiting, events *jsonOutput) error {
	var sessions sync.WaitGroup
	var cut atomic.Int64
	renewed := f.followCode(ctx, &sessions, w)
	slots := make(chan struct{}, f.maxSessions)
	defer sessions.Wait()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return f.served(ctx, &sessions, &cut)
		}
		s, err := w.Accept(ctx)
		switch {
		case err == nil:
			sessions.Go(func() {
				defer func() { <-slots }()
				f.serveOne(ctx, s, events, &cut)
			})
			continue
		case ctx.Err() != nil:
			return f.served(ctx, &sessions, &cut)
		case !errors.Is(err, pairing.ErrBurned) || renewed == nil:
			return err
		}
		<-slots
		fmt.Fprintf(os.Stderr, "the code is burnt by wrong tries: it is refused until %s has another\n", oneLine(f.trust.codeFile))
		select {
		case <-renewed:
		case <-ctx.Done():
			return f.served(ctx, &sessions, &cut)
		}
	}
}

// serveOne takes one session and says how it ended.
func (f *receiveFlags) serveOne(ctx context.Context, s *pairing.Session, events *jsonOutput, cut *atomic.Int64) {
	defer s.Close()
	err := f.take(ctx, s, f.show.newReport("received", false, events), nil)
	if ctx.Err() != nil && err != nil {
		cut.Add(1)
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s  failed: %s\n", s.Peer().Addr, oneLine(err.Error()))
	}
}

// served ends a service: an interrupted transfer is a failure, none is the end
// that was wanted.
func (f *receiveFlags) served(ctx context.Context, sessions *sync.WaitGroup, cut *atomic.Int64) error {
	sessions.Wait()
	n := cut.Load()
	if n == 0 {
		return nil
	}
	fmt.Fprintf(os.Stderr, "interrupted: %s; their senders resume with the same command\n", countOf(n, "transfer"))
	return context.Cause(ctx)
}

// codeLook is how often a code file is looked at.
const codeLook = time.Second

// followCode hands the code of --code-file on whenever it changes. The channel
// it returns, nil without a file, has something then.
func (f *receiveFlags) followCode(ctx context.Context, group *sync.WaitGroup, w *waiting) <-chan struct{} {
	if f.trust.codeFile == "" {
		return nil
	}
	renewed, last := make(chan struct{}, 1), w.code
	group.Go(func() {
		tick := time.NewTicker(codeLook)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			code, err := readCodeFile(f.trust.codeFile)
			if err != nil || code == last {
				continue // a file that is being replaced is not there for a moment
			}
			last = code
			if err := w.SetCode(code); err != nil {
				fmt.Fprintf(os.Stderr, "the new code of %s is not used: %s\n", oneLine(f.trust.codeFile), oneLine(err.Error()))
				continue
			}
			fmt.Fprintf(os.Stderr, "a new code is in %s\n", oneLine(f.trust.codeFile))
			select {
			case renewed <- struct{}{}:
			default:
			}
		}
	})
	return renewed
}
