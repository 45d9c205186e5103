package screen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"dialtone/observe/live"
	"dialtone/observe/sockets"

	tea "charm.land/bubbletea/v2"
)

// Config says what to show. View and Columns must be set.
type Config struct {
	View    *live.View // Run runs it
	Columns []Column   // of the table, from left to right
	Usual   Column     // the order of rows unless they are sorted, and of those that are equal then
	Order   *Column    // what to sort by; nil is Usual
	Reverse bool       // the other way round

	Filter  *sockets.Filter // to begin with; nil is every socket
	Words   string          // it as it was typed
	Unix    bool            // View has Unix sockets too
	Trouble bool            // show only sockets that something is off with
	Root    bool            // this process has all rights that there are

	// Trace captures what passes between two ends and hands on the lines of its ladder,
	// which may have colours, until ctx is done. A first line says that the capture has
	// begun. nil: this system cannot.
	Trace func(ctx context.Context, local, remote netip.AddrPort, width int, line func(string)) error

	Output   *os.File       // the terminal to draw on; nil is standard output
	ASCII    bool           // draw with ASCII characters only
	Location *time.Location // of times of day; nil is UTC
}

// Column is one of the table.
type Column struct {
	Name    string // in lower case
	Number  bool   // stands to the right
	Spare   int    // a terminal that is too narrow leaves columns out in this order, from 1; 0 stays
	Append  func(b []byte, s *sockets.Socket) []byte
	Compare func(a, b *sockets.Socket) int
	Key     func(s *sockets.Socket) uint64 // in the order of Compare, so that most rows need not be compared; may be nil
}

// Run shows the view on the terminal until somebody leaves it, or ctx is done, which is no
// error. It runs config.View, whose error ends it, and waits for all that it has begun.
// After a panic the terminal is given back first.
func Run(ctx context.Context, config Config, options ...tea.ProgramOption) error {
	ctx, cancel := context.WithCancel(ctx)
	m := newModel(ctx, config)
	out := &sheet{File: cmp.Or(config.Output, os.Stdout)}
	m.drawn = out.drawings.Load
	program := tea.NewProgram(m, append([]tea.ProgramOption{tea.WithFPS(frames), tea.WithOutput(out)}, options...)...)
	m.quit = program.Quit
	m.begin(func() error { return config.View.Run(ctx) }, func(err error) { program.Send(endMsg{err}) })
	_, err := program.Run()
	cancel()
	m.close()
	var c crash
	switch {
	case errors.As(m.err, &c):
		panic(c.text)
	case err != nil && !errors.Is(err, tea.ErrInterrupted):
		return err
	}
	return m.err
}

// sheet counts what is drawn on a terminal.
type sheet struct {
	*os.File
	drawings atomic.Uint64
}

func (s *sheet) Write(p []byte) (int, error) {
	n, err := s.File.Write(p)
	s.drawings.Add(1)
	return n, err
}

// endMsg ends the program: the live.View has ended, by an error or its context.
type endMsg struct{ err error }

// crash is a panic. It is kept until the terminal is given back.
type crash struct{ text string }

func (c crash) Error() string { return c.text }

func crashed(p any) error { return crash{fmt.Sprintf("%v\n%s", p, debug.Stack())} }

// guard ends the program after a panic of Bubble Tea's goroutine, which defers it.
func (m *Model) guard() {
	if p := recover(); p != nil && m.err == nil {
		m.err = crashed(p)
		m.work.Go(m.quit)
	}
}

// begin starts a goroutine that close waits for; end gets its error, or its panic.
func (m *Model) begin(do func() error, end func(error)) {
	m.work.Go(func() {
		var err error
		defer func() {
			if p := recover(); p != nil {
				err = crashed(p)
			}
			end(err)
		}()
		err = do()
	})
}

// close ends what the model has begun; the context must be done.
func (m *Model) close() {
	m.shut()
	m.changes.Close()
	m.work.Wait()
}

// mayMore reports whether better sources of transitions are kept for root.
func mayMore(denied []error) bool {
	for _, err := range denied {
		if errors.Is(err, os.ErrPermission) {
			return true
		}
	}
	return false
}
