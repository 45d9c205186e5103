package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"dialtone/app/pairing"
	"dialtone/app/transfer"
	"dialtone/app/tree"

	"github.com/spf13/cobra"
)

// run is the verb: everything is checked before anybody is let in.
func (f *receiveFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd.Flags()); err != nil {
		return err
	}
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	events := newJSONOutput(cmd.OutOrStdout())
	if f.output == stdinArg {
		events = newJSONOutput(os.Stderr) // the bytes have standard output
	}
	end, err := f.trust.open()
	if err != nil {
		return err
	}
	defer end()
	return f.show.finish(ctx, events, f.receive(ctx, events, cmd.OutOrStdout()))
}

// receive waits for a sender, or goes to one.
func (f *receiveFlags) receive(ctx context.Context, events *jsonOutput, stdout io.Writer) error {
	if f.output != stdinArg {
		if err := f.makeFolder(); err != nil {
			return err
		}
	}
	if f.keep {
		return f.serve(ctx, f.waiter(events), events)
	}
	s, done, err := f.meet(ctx, events)
	if err != nil {
		return err
	}
	defer done()
	return f.take(ctx, s, f.show.newReport(kind{done: "received", lines: f.output == stdinArg}, events), stdout)
}

// meet waits for the sender, or goes to it. done ends the session.
func (f *receiveFlags) meet(ctx context.Context, events *jsonOutput) (s *pairing.Session, done func(), err error) {
	if f.from == "" {
		return f.waiter(events).one(ctx)
	}
	from, err := parsePlace(f.from)
	if err != nil {
		return nil, nil, err
	}
	s, err = f.trust.dial(ctx, from)
	return s, func() { s.Close() }, err
}

func (f *receiveFlags) waiter(events *jsonOutput) waiter {
	return waiter{
		trust: &f.trust, show: &f.show, events: events, listen: f.listen, verb: "dialtone send PATH...",
		o: pairing.ListenOptions{Classic: f.classic != ""},
	}
}

// makeFolder makes where files arrive, and splits --output into folder and name.
func (f *receiveFlags) makeFolder() error {
	if dir, name := filepath.Split(f.output); f.output != "" {
		if name == "" {
			return usage("write a name behind it", "--output %s is a folder", f.output)
		}
		if filepath.IsAbs(dir) {
			f.dir = dir
		} else {
			f.dir = filepath.Join(f.dir, dir)
		}
		f.output = name
	}
	if err := os.MkdirAll(f.dir, 0o777); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	return nil
}

// take receives what a session brings.
func (f *receiveFlags) take(ctx context.Context, s *pairing.Session, r reporter, stdout io.Writer) error {
	peer := s.Peer()
	r.started(fieldsOf(peer))
	o := f.options()
	o.Event = r.event
	dst, err := f.target(stdout)
	if err != nil {
		return err
	}
	return watch(ctx, r, o.Meter, func() (transfer.Summary, error) {
		if peer.Classic {
			kind, _ := f.classicKind()
			return transfer.ReceiveClassic(ctx, s.Conn(), kind, dst, o)
		}
		return transfer.Receive(ctx, s, dst, o)
	})
}

// target opens where it arrives; the transfer closes it.
func (f *receiveFlags) target(stdout io.Writer) (transfer.Target, error) {
	if f.output == stdinArg {
		return transfer.Writer(stdout), nil
	}
	conflict, err := f.conflict()
	if err != nil {
		return nil, err
	}
	t, err := tree.OpenTarget(f.dir, tree.TargetOptions{
		OnConflict: conflict, Compare: f.checksum, XAttrs: f.xattrs, NoSync: f.noSync, Rename: f.output,
		KeepFree: noLimit(int64(f.keepFree)), MaxPath: orMost(f.maxPath), MaxDepth: orMost(f.maxDepth),
	})
	if err != nil {
		return nil, err
	}
	return transfer.Folder(t), nil
}

// orMost is a limit of package tree's, which has none for none.
func orMost(n int) int {
	if n == 0 {
		return math.MaxInt32
	}
	return n
}

// conflict returns what --on-conflict means.
func (f *receiveFlags) conflict() (tree.Conflict, error) {
	switch f.onConflict {
	case "keep-both":
		return tree.KeepBoth, nil
	case "overwrite":
		return tree.Overwrite, nil
	case "skip":
		return tree.Skip, nil
	case "fail":
		return tree.Fail, nil
	}
	return 0, usage("use keep-both, overwrite, skip or fail", "--on-conflict %q is not a way to settle conflicts", f.onConflict)
}

// classicKind returns what --allow-classic means.
func (f *receiveFlags) classicKind() (transfer.Classic, error) {
	switch f.classic {
	case "":
		return transfer.ClassicOff, nil
	case "auto":
		return transfer.ClassicAuto, nil
	case "classic":
		return transfer.Classic1, nil
	case "classic3":
		return transfer.Classic3, nil
	}
	return 0, usage("use auto, classic or classic3", "--allow-classic=%s is none of the classic protocols", f.classic)
}
