package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"dialtone/app/pairing"
	"dialtone/app/transfer"
	"dialtone/app/tree"

	"github.com/spf13/cobra"
)

// run is the verb: everything is checked before anything is dialled.
func (f *sendFlags) run(cmd *cobra.Command, args []string) error {
	paths, to, err := f.arguments(args)
	if err != nil {
		return err
	}
	if err := f.check(cmd.Flags(), paths); err != nil {
		return err
	}
	if err := f.trust.net.check(to.addr); err != nil {
		return err
	}
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	events := newJSONOutput(cmd.OutOrStdout())
	end, err := f.trust.open()
	if err != nil {
		return err
	}
	defer end()
	return f.show.finish(ctx, events, f.send(ctx, paths, to, events, cmd.OutOrStdout()))
}

// arguments returns what to send, and where to unless they fetch it.
func (f *sendFlags) arguments(args []string) ([]string, place, error) {
	if !f.wait {
		return splitSendArgs(args)
	}
	if len(args) == 0 {
		return nil, place{}, usage("write dialtone send --wait PATH...", "dialtone send --wait needs something to send")
	}
	return args, place{}, nil
}

func (f *sendFlags) send(ctx context.Context, paths []string, to place, events *jsonOutput, stdout io.Writer) error {
	r := f.show.newReport(kind{done: "sent", lines: f.dryRun}, events)
	o := f.options()
	o.Event = f.eventsTo(r, stdout)
	if f.protocol != "own" {
		return f.sendClassic(ctx, paths[0], to, r, o)
	}
	src, err := f.source(ctx, paths, r)
	if err != nil {
		return err
	}
	defer src.close()
	s, done, err := f.meet(ctx, to, events)
	if err != nil {
		return err
	}
	defer done()
	r.started(fieldsOf(s.Peer()))
	return watch(ctx, r, o.Meter, func() (transfer.Summary, error) { return transfer.Send(ctx, s, src.Source, o) })
}

// eventsTo returns what takes the engine's events. What a dry run finds is the
// answer: on standard output.
func (f *sendFlags) eventsTo(r reporter, stdout io.Writer) func(transfer.Event) {
	if !f.dryRun || f.show.json {
		return r.event
	}
	return func(e transfer.Event) {
		if e.Kind == transfer.EventWould {
			wouldLine(stdout, e)
		}
		r.event(e)
	}
}

// sending is a source that may have something to close.
type sending struct {
	transfer.Source
	close func()
}

// source opens what is sent.
func (f *sendFlags) source(ctx context.Context, paths []string, r reporter) (sending, error) {
	if paths[0] == stdinArg {
		name := f.streamName()
		if err := tree.CheckPath(name); err != nil {
			return sending{}, badUsage(fmt.Errorf("--name: %w", err))
		}
		return sending{transfer.Stream(name, standardInput(ctx)), func() {}}, nil
	}
	src, err := tree.NewSource(paths, tree.SourceOptions{
		Exclude: f.exclude, Include: f.include, XAttrs: f.xattrs, OneFileSystem: f.oneFileSystem, Notice: noticesTo(r),
	})
	if err != nil {
		return sending{}, err
	}
	return sending{src, func() { src.Close() }}, nil
}

// noticesTo makes events of what package tree has to say.
func noticesTo(r reporter) func(path, what string) {
	return func(path, what string) {
		r.event(transfer.Event{Kind: transfer.EventNotice, Path: path, Text: what})
	}
}

// meet dials the receiver, or waits for it. done ends the session.
func (f *sendFlags) meet(ctx context.Context, to place, events *jsonOutput) (s *pairing.Session, done func(), err error) {
	if f.wait {
		w := waiter{trust: &f.trust, show: &f.show, events: events, listen: f.listen, verb: "dialtone receive --from"}
		return w.one(ctx)
	}
	s, err = f.trust.dial(ctx, to)
	return s, func() { s.Close() }, err
}

// sendClassic sends one file by a classic protocol.
func (f *sendFlags) sendClassic(ctx context.Context, path string, to place, r reporter, o transfer.SendOptions) error {
	content, name, size, err := f.classicFile(ctx, path)
	if err != nil {
		return err
	}
	if file, ok := content.(*os.File); ok {
		defer file.Close()
	}
	kind := transfer.Classic1
	if f.protocol == "classic3" {
		kind = transfer.Classic3
	}
	attempt, cancel := context.WithTimeout(ctx, classicDialTimeout)
	defer cancel()
	c, err := f.trust.sockets.DialContext(attempt, to.addr.Network(), to.addr.Target())
	if err != nil {
		return cannotConnect(to, err)
	}
	defer c.Close()
	r.started(peerFields{Addr: c.RemoteAddr().String(), How: "none"})
	return watch(ctx, r, o.Meter, func() (transfer.Summary, error) {
		return transfer.SendClassic(ctx, c, kind, name, content, size, o)
	})
}

// classicFile opens what a classic protocol sends. The size of standard input is
// not known: -1.
func (f *sendFlags) classicFile(ctx context.Context, path string) (content io.Reader, name string, size int64, err error) {
	if path == stdinArg {
		return standardInput(ctx), f.streamName(), -1, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, "", 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = withHint(fmt.Errorf("%s is not a file", path), "the classic protocols know files only")
	}
	if err != nil {
		file.Close()
		return nil, "", 0, err
	}
	return file, filepath.Base(path), info.Size(), nil
}

// streamName is what standard input arrives as.
func (f *sendFlags) streamName() string {
	if f.name == "" {
		return streamName
	}
	return f.name
}

const classicDialTimeout = 10 * time.Second
