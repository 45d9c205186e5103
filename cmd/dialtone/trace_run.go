package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"dialtone/app/escape"
	"dialtone/app/quantity"
	"dialtone/observe/capture"
	"dialtone/observe/filter"
	"dialtone/observe/ladder"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// tracing is one run of trace.
type tracing struct {
	*traceFlags
	ctx    context.Context
	stdout *os.File
	filter *filter.Expr
	style  ladder.Style
}

func (f *traceFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.iface == "" && len(args) == 0 {
		return usage("name a capture file, or an interface to capture on: -i "+strings.Join(interfaces(), ", -i "),
			"dialtone trace needs something to look at")
	}
	name, words := "", args
	if f.iface == "" {
		name, words = args[0], args[1:]
	}
	t := &tracing{traceFlags: f, ctx: cmd.Context(), stdout: os.Stdout, style: f.styleOf(os.Stdout)}
	var err error
	if t.filter, err = t.parse(words); err != nil {
		return err
	}
	if f.iface != "" {
		return t.live()
	}
	return t.file(name)
}

// interfaces are the names that -i takes.
func interfaces() (names []string) {
	list, _ := net.Interfaces() // without them the hint is shorter
	for _, i := range list {
		names = append(names, i.Name)
	}
	return append(names, "any")
}

// parse reads the filter. A mistake in it is one in the command line.
func (t *tracing) parse(words []string) (*filter.Expr, error) {
	e, err := filter.Config{Labels: ladder.LabelWords()}.Parse(t.ctx, strings.Join(words, " "))
	var wrong *filter.Error
	if errors.As(err, &wrong) && wrong.Err == nil {
		return nil, usage("see dialtone trace --help for the words of a filter", "%w", err)
	}
	return e, err
}

// styleOf is how text is laid out on out.
func (f *traceFlags) styleOf(out *os.File) ladder.Style {
	terminal := term.IsTerminal(int(out.Fd()))
	dumb := os.Getenv("TERM") == "dumb"
	s := ladder.Style{
		Width:    f.width,
		ASCII:    f.ascii || dumb || !speaksUTF8(),
		Colour:   terminal && !dumb && os.Getenv("NO_COLOR") == "",
		Absolute: f.absolute,
		Location: localZone(),
		Why:      f.why,
		Expand:   f.expand,
		Live:     f.iface != "",
	}
	if s.Width == 0 && terminal {
		s.Width, _ = sizeOf(out)()
	}
	return s
}

// file looks at a capture file.
func (t *tracing) file(name string) error {
	if err := t.spares(name); err != nil {
		return err
	}
	f, err := capture.Open(name)
	if err != nil {
		return openHint(name, err)
	}
	defer f.Close()
	return f.Guard(func() error { return t.archive(f) })
}

// openHint says what to try where a file cannot be opened.
func openHint(name string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, unknown := net.InterfaceByName(name); unknown == nil || name == capture.AnyInterface {
		return withHint(err, "to capture on that interface: dialtone trace -i "+name)
	}
	return withHint(err, "the first word is the capture file; to capture now: -i INTERFACE")
}

// archive shows what a file has. One that cannot go back is kept in a temporary
// file on the way, where going back is needed.
func (t *tracing) archive(f *capture.File) error {
	var source capture.Archive = f
	if !f.CanGoBack() && t.goesBack() {
		spool, err := capture.NewSpool(f, "")
		if err != nil {
			return err
		}
		defer spool.Close()
		source = spool
	}
	if t.layers != 0 {
		return t.showLayers(source)
	}
	pass := ladder.Learn(source, t.filter)
	defer t.notice(pass)
	sinks, finish, err := t.sinks(source)
	switch {
	case err != nil:
		return err
	case sinks != nil:
		err = ladder.Walk(t.limit(pass), sinks...)
	case t.follow:
		var f ladder.Sink
		if f, finish, err = t.follower(); err != nil {
			return err
		}
		err = ladder.Draw(source, t.limit(pass), f)
	default:
		w := ladder.NewWriter(t.stdout, t.style)
		err, finish = ladder.Draw(source, t.limit(pass), w), w.Flush
	}
	return errors.Join(err, finish())
}

// goesBack reports whether a frame is needed again after it was read.
func (t *tracing) goesBack() bool {
	plain := t.list || t.json || t.write != ""
	return !plain || t.svg != "" || t.html != "" || !t.filter.ByPacket()
}

// limit ends a pass after --count frames.
func (t *tracing) limit(p *ladder.Pass) *ladder.Pass {
	p.Limit = t.count
	return p
}

// notice says on standard error what a reader of the ladders would not see.
func (t *tracing) notice(p *ladder.Pass) {
	c := p.Count()
	switch {
	case c.Frames == 0:
		fmt.Fprintln(os.Stderr, "the capture has no frames")
	case !c.Shown:
		fmt.Fprintf(os.Stderr, "none of %s matches the filter %s\n", quantity.CountOf(c.Frames, "frame"), escape.String(t.filter.String()))
	case t.list && c.Conversations == 0:
		fmt.Fprintf(os.Stderr, "no conversation is in %s\n", quantity.CountOf(c.Matched, "frame"))
	}
	t.evictions(c)
}

// evictions says once that the tracker gave up conversations, and what that means.
func (t *tracing) evictions(c ladder.Count) {
	if c.Evicted > 0 {
		fmt.Fprintf(os.Stderr, "too many conversations at the same time: the oldest %s were let go, and what came of them later counts as new\n",
			quantity.Count(c.Evicted))
	}
}
