package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"dialtone/app/escape"
	"dialtone/app/quantity"
	"dialtone/app/transfer"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// showFlags say what of a transfer is shown.
type showFlags struct {
	json, quiet bool
	verbose     int
}

func (f *showFlags) addTo(fs *pflag.FlagSet) {
	fs.BoolVar(&f.json, "json", false, "one JSON object per event on standard output (doc/transfer.md)")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "show nothing but errors")
	fs.CountVarP(&f.verbose, "verbose", "v", "name every file, with its hash")
}

func (f *showFlags) check() error {
	if f.quiet && (f.json || f.verbose > 0) {
		return usage("", "--quiet needs no --json and no --verbose beside it")
	}
	return nil
}

// reporter shows one transfer. event and progress are called by different
// goroutines; started is called first and ended last.
type reporter interface {
	started(peerFields)
	event(transfer.Event)
	progress(transfer.Snapshot)
	ended(transfer.Summary, error)
}

// peerFields is whom a transfer is with.
type peerFields struct {
	Name, Addr, Fingerprint, How string
	Encrypted                    bool
}

// text says it in a line.
func (p peerFields) text() string {
	text := p.Addr
	if p.Name != "" {
		text = fmt.Sprintf("%s (%s)", escape.String(p.Name), p.Addr)
	}
	switch {
	case !p.Encrypted:
		text += ", not encrypted"
	case p.How == "none":
		text += ", encrypted"
	default:
		text += ", encrypted, known by " + howText(p.How)
	}
	return text
}

func howText(how string) string {
	switch how {
	case "code":
		return "the code"
	case "known":
		return "its key"
	case "ca":
		return "its certificate"
	}
	return "nothing"
}

// kind is what a report shows beside what the flags say.
type kind struct {
	done  string // the verb's past: sent or received
	many  bool   // transfers of others are shown beside it
	lines bool   // standard output gets lines: no view beside them on one terminal
}

// newReport returns what shows a transfer; events is where JSON goes.
func (f *showFlags) newReport(k kind, events *jsonOutput) reporter {
	switch {
	case f.json:
		return &jsonReport{out: events, done: k.done}
	case f.quiet:
		return quietReport{}
	case !k.many && !(k.lines && isScreen(os.Stdout)) && isScreen(os.Stderr):
		return &screenReport{out: os.Stderr, size: sizeOf(os.Stderr), done: k.done, verbose: f.verbose > 0, ascii: !speaksUTF8()}
	}
	return &plainReport{w: os.Stderr, done: k.done, all: f.verbose > 0, alone: !k.many}
}

// isScreen reports whether f is a terminal whose cursor moves.
func isScreen(f *os.File) bool {
	return term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// quietReport shows nothing: errors are the verb's.
type quietReport struct{}

func (quietReport) started(peerFields)            {}
func (quietReport) event(transfer.Event)          {}
func (quietReport) progress(transfer.Snapshot)    {}
func (quietReport) ended(transfer.Summary, error) {}

// looks is how often a running transfer is looked at. A report that shows less
// leaves some out.
const looks = 200 * time.Millisecond

// watch runs a transfer and shows it.
func watch(ctx context.Context, r reporter, meter *transfer.Meter, run func() (transfer.Summary, error)) error {
	over := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		tick := time.NewTicker(looks)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.progress(meter.Snapshot())
			case <-over:
				return
			}
		}
	})
	summary, err := run()
	close(over)
	looking.Wait()
	var failed *transfer.FailedError
	switch cause := context.Cause(ctx); {
	case err != nil && cause != nil:
		err = withHint(cause, resumeHint)
	case errors.Is(err, syscall.ENOSPC):
		err = withHint(err, "make room, or lower --keep-free, and "+resumeHint)
	case err != nil && !errors.As(err, &failed) && transferHint(err) == "":
		err = withHint(err, resumeHint)
	}
	r.ended(summary, err)
	return err
}

const resumeHint = "run the same command again to resume"

// finish ends a verb: the last JSON event is the error, and an interrupted
// transfer is told how it goes on.
func (f *showFlags) finish(ctx context.Context, events *jsonOutput, err error) error {
	cause := context.Cause(ctx)
	var told *hinted
	if cause != nil && err != nil && !errors.As(err, &told) {
		err = cause // nothing had begun
	}
	if err != nil && f.json {
		events.end(events.begin("error").field("error", err.Error()).text("hint", hintFor(err)))
	}
	if errors.Is(err, errInterrupted) && told != nil && !f.quiet && !f.json {
		fmt.Fprintln(os.Stderr, "interrupted;", resumeHint)
	}
	return err
}

// eventLine says an event to a person, or nothing if it needs no line. hashed
// adds a file's hash.
func eventLine(e transfer.Event, hashed bool) string {
	path := escape.String(e.Path)
	switch e.Kind {
	case transfer.EventDone:
		line := path
		if e.Final != "" && e.Final != e.Path {
			line += " -> " + escape.String(e.Final)
		}
		line += "  " + quantity.Bytes(e.Bytes)
		if e.Resumed > 0 {
			line += ", " + quantity.Bytes(e.Resumed) + " of it from an earlier run"
		}
		if hashed && e.Sum != (transfer.Event{}).Sum {
			line += "  " + e.Sum.String()
		}
		return line
	case transfer.EventSkipped:
		return "skipped  " + path + withReason(e.Text)
	case transfer.EventFailed:
		return "failed  " + oneLine(transfer.Failure{Path: e.Path, Err: e.Err}.String())
	case transfer.EventRepaired:
		return fmt.Sprintf("repaired  %s: a chunk at byte %s arrived damaged and was sent again", path, quantity.Count(e.Offset))
	case transfer.EventNotice:
		return "note  " + path + withReason(e.Text)
	}
	return ""
}

func withReason(text string) string {
	if text == "" {
		return ""
	}
	return ": " + oneLine(text)
}

// wouldLine is what a dry run prints on standard output.
func wouldLine(w io.Writer, e transfer.Event) {
	fmt.Fprintf(w, "%s\t%d\n", escape.String(e.Path), max(e.Bytes, 0))
}
