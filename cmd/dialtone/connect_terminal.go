package main

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"

	"dialtone/app/escape"

	"golang.org/x/term"
)

const (
	prompt = "> "

	// quiet is how long the server's text may lack its line feed before it is
	// shown as a line of its own; maxPartial how much of it is kept that long.
	quiet      = 100 * time.Millisecond
	maxPartial = 4 << 10
)

// terminal is a person's side of a conversation: lines are edited below while
// the server's text appears above. The line editor can only show whole lines
// there, so that text without a line feed waits for a moment of quiet.
//
// Signals stay on: Ctrl-C works also while a server that does not read keeps
// the next line from being read.
type terminal struct {
	editor *term.Terminal
	in     *os.File
	saved  *term.State
	line   []byte // typed and not yet returned by Read
	resize func() // stops following the window's size

	whole bool // each Write is a message: it ends a line

	mu      sync.Mutex
	screen  *escape.Screen
	partial bytes.Buffer // shown as soon as its line ends
	timer   *time.Timer
	closed  bool
}

// openTerminal takes over the terminal until close. With messages, what one
// Write gets is a line at least.
func openTerminal(in, out *os.File, messages bool) (*terminal, error) {
	saved, err := rawWithSignals(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	t := &terminal{in: in, saved: saved, whole: messages}
	t.editor = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, prompt)
	t.screen = escape.NewScreen(&t.partial)
	t.timer = time.AfterFunc(time.Hour, t.showPartial)
	t.timer.Stop()
	fit := func() {
		if width, height, err := term.GetSize(int(out.Fd())); err == nil {
			t.editor.SetSize(width, height)
		}
	}
	fit()
	t.resize = onResize(fit)
	return t, nil
}

// Read returns a line that was typed, with its line feed. Ctrl-D is io.EOF.
func (t *terminal) Read(p []byte) (int, error) {
	if len(t.line) == 0 {
		text, err := t.editor.ReadLine()
		if err != nil {
			t.hidePrompt()
			return 0, err
		}
		t.line = append([]byte(text), '\n')
	}
	n := copy(p, t.line)
	t.line = t.line[n:]
	return n, nil
}

// Write shows what the server says.
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.screen.Write(p)
	if t.whole && !bytes.HasSuffix(p, []byte("\n")) {
		t.partial.WriteByte('\n')
	}
	lines := bytes.LastIndexByte(t.partial.Bytes(), '\n') + 1
	if _, err := t.editor.Write(t.partial.Next(lines)); err != nil {
		return 0, err
	}
	switch {
	case t.partial.Len() > maxPartial:
		t.showPartialLocked()
	case t.partial.Len() > 0:
		t.timer.Reset(quiet)
	}
	return len(p), nil
}

// showPartial runs in the timer's goroutine: nobody above restores the terminal
// if it panics.
func (t *terminal) showPartial() {
	defer func() {
		if p := recover(); p != nil {
			term.Restore(int(t.in.Fd()), t.saved)
			panic(p)
		}
	}()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.showPartialLocked()
	}
}

func (t *terminal) showPartialLocked() {
	if t.partial.Len() == 0 {
		return
	}
	t.partial.WriteByte('\n')
	t.editor.Write(t.partial.Bytes())
	t.partial.Reset()
}

// notes returns a writer of whole lines of our own, shown above the line being typed.
func (t *terminal) notes() io.Writer { return noteWriter{t} }

type noteWriter struct{ *terminal }

func (n noteWriter) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.showPartialLocked()
	return n.editor.Write(p)
}

// hidePrompt leaves the cursor at the beginning of a line.
func (t *terminal) hidePrompt() {
	t.editor.SetPrompt("")
	t.editor.Write(nil)
}

// close shows what is left and gives the terminal back as it was.
func (t *terminal) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	defer term.Restore(int(t.in.Fd()), t.saved)
	t.timer.Stop()
	t.resize()
	t.screen.Flush()
	t.showPartialLocked()
	t.hidePrompt()
	os.Stdout.WriteString("\r\x1b[K") // a line that was being typed
}

// page is a terminal that only shows: the input comes from elsewhere.
type page struct {
	*escape.Screen
	inLine *inLine
}

func newPage(w io.Writer) page {
	l := &inLine{w: w}
	return page{escape.NewScreen(l), l}
}

// close ends a line that was begun, so that what follows has its own.
func (p page) close() {
	p.Flush()
	if p.inLine.yes {
		p.inLine.Write([]byte("\n"))
	}
}

// inLine knows whether what went through it ended within a line.
type inLine struct {
	w   io.Writer
	yes bool
}

func (l *inLine) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.yes = p[len(p)-1] != '\n'
	}
	return l.w.Write(p)
}
