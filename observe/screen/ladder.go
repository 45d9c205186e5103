package screen

import (
	"context"
	"errors"
	"sync"
	"time"

	"dialtone/app/quantity"

	tea "charm.land/bubbletea/v2"
)

// Why there is no ladder.
var (
	errNoCapture = errors.New("packets cannot be captured on this system")
	errNoEnds    = errors.New("only a TCP connection has two ends to trace: this socket has not")
)

// mostLines bounds what is kept of a ladder.
const mostLines = 5000

// ladder is what passes between the two ends of a connection, as lines that a capture
// hands on while it runs.
type ladder struct {
	stop  context.CancelFunc
	ctx   context.Context
	ready chan struct{} // has a value when there is something new
	up    int           // lines between the last one shown and the last one there is

	mu    sync.Mutex
	text  []string // guarded by mu, as all below
	gone  int      // lines that had no room
	ended bool
	err   error
}

// lineMsg says that the ladder has new lines.
type lineMsg struct{}

// trace begins to capture what passes on o's connection.
func (m *Model) trace(o *opened) tea.Cmd {
	l := &ladder{ready: make(chan struct{}, 1)}
	l.ctx, l.stop = context.WithCancel(m.ctx)
	o.ladder = l
	r := o.detail.Row
	switch {
	case m.config.Trace == nil:
		l.end(errNoCapture)
		return nil
	case !connected(r):
		l.end(errNoEnds)
		return nil
	}
	width := m.width
	m.begin(func() error { return m.config.Trace(l.ctx, r.Local, r.Remote, width, l.add) }, l.end)
	return l.await()
}

// endLadder ends the capture, if there is one.
func (o *opened) endLadder() {
	if o.ladder != nil {
		o.ladder.stop()
		o.ladder = nil
	}
}

// await waits for new lines, a few times a second at most.
func (l *ladder) await() tea.Cmd {
	return func() tea.Msg {
		select {
		case <-l.ready:
		case <-l.ctx.Done():
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
			return lineMsg{}
		case <-l.ctx.Done():
			return nil
		}
	}
}

// add takes a line.
func (l *ladder) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.text) == mostLines {
		l.text = append(l.text[:0], l.text[mostLines/10:]...)
		l.gone += mostLines / 10
	}
	l.text = append(l.text, line)
	l.signal()
}

func (l *ladder) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended, l.err = true, err
	l.signal()
}

func (l *ladder) signal() {
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// move scrolls; at the end new lines push the others up.
func (l *ladder) move(n int) { l.up = max(l.up-n, 0) }

// lines draws the last lines, and above them how the capture goes.
func (l *ladder) lines(m *Model, room int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.err.(crash); ok {
		panic(c.text)
	}
	room = max(room-1, 1)
	l.up = max(0, min(l.up, len(l.text)-room))
	end := len(l.text) - l.up
	lines := []string{m.section("trace", l.status())}
	if l.err != nil {
		for _, line := range wrap(l.err.Error(), m.width-4) {
			lines = append(lines, "  "+line)
		}
	}
	lines = append(lines, l.text[max(0, end-room):end]...)
	return lines[:min(len(lines), room+1)]
}

// status says how the capture goes.
func (l *ladder) status() string {
	switch {
	case l.ended && l.err != nil:
		return "not possible"
	case l.ended:
		return "the capture has ended"
	case len(l.text) == 0:
		return "beginning to capture"
	}
	text := "capturing, " + quantity.CountOf(int64(len(l.text)+l.gone), "line")
	if l.up > 0 {
		text += "; " + quantity.CountOf(int64(l.up), "line") + " below"
	}
	return text
}
