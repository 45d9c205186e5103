package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"dialtone/app/escape"
	"dialtone/app/quantity"
	"dialtone/observe/sockets"
)

// following is one run of watch that goes on.
type following struct {
	*watchFlags
	filter *sockets.Filter
	until  *sockets.Filter // nil: until Ctrl-C
	out    *bufio.Writer
	line   []byte
	err    error // of writing
	found  bool  // what until waits for
	stop   context.CancelFunc
}

// errUntil is what --timeout ends with.
var errUntil = errors.New("no socket matched in time")

// follow shows each change, or waits for --until.
func (f *watchFlags) follow(ctx context.Context, filter *sockets.Filter) error {
	run := &following{watchFlags: f, filter: filter, out: bufio.NewWriter(os.Stdout)}
	var err error
	if f.until != "" {
		if run.until, err = watchFilter(ctx, f.until); err != nil {
			return err
		}
	}
	signalled, release := untilSignal(ctx)
	defer release()
	ctx, run.stop = context.WithCancel(signalled)
	defer run.stop()
	if f.timeout > 0 {
		var late context.CancelFunc
		ctx, late = context.WithTimeout(ctx, f.timeout)
		defer late()
	}
	w, err := sockets.Watch(sockets.WatchConfig{
		Config: sockets.Config{Netns: f.namespace()}, Source: f.source, Every: f.every,
		Query: sockets.Query{Owners: filter.NeedsOwners() || run.until.NeedsOwners()},
		Tell:  run.tell, Looked: run.looked,
	})
	if err != nil {
		return namespaceHint(err)
	}
	defer w.Close()
	if f.events {
		fmt.Fprintln(os.Stderr, header(w))
	}
	if err := errors.Join(w.Run(ctx), run.err); err != nil {
		return err
	}
	if n := w.Lost(); n > 0 {
		fmt.Fprintf(os.Stderr, "%s came too fast and are missing\n", quantity.CountOf(int64(n), "change"))
	}
	switch {
	case run.until == nil || run.found:
		return nil
	case signalled.Err() != nil:
		return errInterrupted
	}
	return withHint(fmt.Errorf("%w: %s", errUntil, oneLine(run.until.String())), "--timeout waits longer; dialtone watch shows what there is")
}

// header says where changes come from, and what cannot be seen there.
func header(w *sockets.Watcher) string {
	sight := w.Sight()
	text := "changes by " + sight.Name + ": " + strings.Join(sight.Blind, "; ")
	for _, err := range w.Denied() {
		if errors.Is(err, os.ErrPermission) {
			return text + "\nroot would see more"
		}
	}
	return text
}

// tell takes a change.
func (r *following) tell(t sockets.Transition) {
	if r.found || r.err != nil || !t.Matches(r.filter) {
		return
	}
	if r.until != nil {
		after := t
		after.From = t.To // not what was before
		if !after.Matches(r.until) {
			return
		}
		r.found = true
		r.stop()
	}
	if r.json {
		var o socketLine
		o.transition(&t)
		r.line = append(r.line[:0], o.Object...)
	} else {
		r.line = appendTransition(r.line[:0], &t)
	}
	r.write()
}

func (r *following) write() {
	r.out.Write(append(r.line, '\n'))
	if r.err = r.out.Flush(); r.err != nil {
		r.stop()
	}
}

// looked takes a look at the table: what --until waits for may have been there before, or
// not be of TCP.
func (r *following) looked(_ time.Time, rows []*sockets.Socket) error {
	if r.until == nil || r.found {
		return r.err
	}
	for _, s := range rows {
		if !r.filter.Match(s) || !r.until.Match(s) {
			continue
		}
		r.found = true
		if r.json {
			var o socketLine
			o.Object = append(o.Object, '{')
			o.Word("event", "socket")
			o.socket(s)
			o.end()
			r.line = o.Object
		} else {
			r.line = appendEnds(r.line[:0], s.Network, s.State.String(), s)
		}
		r.write()
		r.stop()
		break
	}
	return r.err
}

func appendEnds(b []byte, network, state string, s *sockets.Socket) []byte {
	b = append(append(append(append(b, network...), ' '), state...), ' ')
	return appendRemote(append(appendLocal(b, s), ' '), s)
}

// appendTransition writes a change as a line: when, where, what, and who if a program's
// call made it.
func appendTransition(b []byte, t *sockets.Transition) []byte {
	b = t.At.AppendFormat(b, "15:04:05.000000")
	b = append(b, ' ')
	ends := sockets.Socket{Local: t.Local, Remote: t.Remote}
	start := len(b)
	b = appendRemote(append(appendLocal(b, &ends), ' '), &ends)
	const width = 45 // two IPv4 addresses with ports, mostly
	b = append(b, strings.Repeat(" ", max(0, width-(len(b)-start)))...)
	b = append(b, ' ')
	from := "?"
	if t.From != 0 {
		from = t.From.String()
	}
	b = append(append(append(b, from...), " > "...), t.To.String()...)
	switch {
	case t.Process.PID != 0:
		b = append(append(b, "  "...), escape.String(t.Process.Name)...)
		b = strconv.AppendInt(append(b, '/'), int64(t.Process.PID), 10)
	case t.Looked:
		b = append(b, "  (seen by looking)"...)
	}
	return b
}
