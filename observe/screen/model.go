package screen

import (
	"context"
	"sync"
	"time"

	"dialtone/observe/live"

	tea "charm.land/bubbletea/v2"
)

// page is what fills the screen.
type page uint8

const (
	pageTable page = iota
	pageConnection
	pageHelp
)

// Model is the state of the view, as Bubble Tea drives it.
type Model struct {
	config  Config
	glyphs  glyphs
	changes *live.Subscription
	ctx     context.Context // done when the view ends
	work    sync.WaitGroup
	err     error  // that ended the view
	quit    func() // ends the program

	width, height int
	drawn         func() uint64 // counts what was drawn on the terminal
	anew          int           // drawings after which everything is drawn again
	before        uint64        // what drawn said when the last of them was wanted
	page          page
	beneath       page // the one that help covers
	scroll        int  // of help
	more          int  // lines of it beneath the screen

	snapshot *live.Snapshot // what is shown: while paused not the latest
	began    time.Time      // of the first look
	paused   bool
	waiting  uint64               // changes since the pause
	recent   map[uint64]time.Time // when a socket came into its state, of late

	list    list
	said    string   // the filter's text
	widths  []int    // of columns, as wide as what was in them
	absent  []string // the columns that there is no room for
	sorting bool     // the next letter names a column
	prompt  prompt
	opened  *opened // the connection that is looked at, or nil
}

// Bounds of what is remembered of changes, and how long one is marked.
const (
	mostRecent = 1 << 14
	marked     = 3 * time.Second
	unread     = 4096 // changes between two drawings
)

func newModel(ctx context.Context, c Config) *Model {
	m := &Model{
		config: c, ctx: ctx, drawn: func() uint64 { return 0 }, glyphs: glyphsOf(c.ASCII), changes: c.View.Subscribe(unread),
		width: 80, height: 24, recent: map[uint64]time.Time{}, said: c.Words, widths: make([]int, len(c.Columns)),
		list: list{by: c.Order, back: c.Reverse, usual: &c.Usual, filter: c.Filter, trouble: c.Trouble},
	}
	if c.Order == nil {
		m.list.by = &c.Usual
	}
	m.show(c.View.Snapshot())
	return m
}

// Init begins to wait for changes.
func (m *Model) Init() tea.Cmd { return m.await(0) }

// changedMsg says that there is something new to see.
type changedMsg struct{}

// await waits for something new, but not before pause is over.
func (m *Model) await(pause time.Duration) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-time.After(pause):
		case <-m.ctx.Done():
			return nil
		}
		select {
		case <-m.changes.Ready():
			return changedMsg{}
		case <-m.ctx.Done():
			return nil
		}
	}
}

// pace is how long what is on the screen stays at least: a large table costs more to put
// in order.
func (m *Model) pace() time.Duration {
	if len(m.list.rows) > 2000 {
		return 400 * time.Millisecond
	}
	return 100 * time.Millisecond
}

// Update takes a key, or what happened.
func (m *Model) Update(msg tea.Msg) (same tea.Model, next tea.Cmd) {
	same = m
	defer m.guard()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		clear(m.widths)
		return m, m.drawAnew()
	case anewMsg:
		return m, m.drawnAnew()
	case tea.KeyPressMsg:
		return m, m.key(msg.String(), msg.Key().Text)
	case tea.PasteMsg:
		if m.prompt.open {
			m.prompt.insert(msg.Content)
			m.typed()
		}
	case changedMsg:
		m.refresh()
		return m, m.await(m.pace())
	case readMsg:
		m.read(msg)
	case lineMsg:
		if o := m.opened; o != nil && o.ladder != nil {
			return m, o.ladder.await()
		}
	case endMsg:
		m.err = msg.err
		return m, tea.Quit
	}
	return m, nil
}

// frames is how many drawings there are in a second at most.
const frames = 30

// drawAnew draws everything again behind the next drawing, and behind the one after that,
// as the next may have begun before. It is right, but what ultraviolet (2026-07) remembers
// of it is not where the terminal has become wider: what stood in the new columns would
// stay.
func (m *Model) drawAnew() tea.Cmd {
	m.anew, m.before = 2, m.drawn()
	return soonAnew()
}

// anewMsg asks whether something was drawn.
type anewMsg struct{}

func soonAnew() tea.Cmd {
	return tea.Tick(time.Second/frames, func(time.Time) tea.Msg { return anewMsg{} })
}

func (m *Model) drawnAnew() tea.Cmd {
	now := m.drawn()
	switch {
	case m.anew == 0:
		return nil
	case now == m.before:
		return soonAnew()
	}
	m.anew, m.before = m.anew-1, now
	return tea.Batch(tea.ClearScreen, soonAnew())
}

// refresh takes what is new.
func (m *Model) refresh() {
	told, missed := m.changes.Take()
	if m.paused {
		m.waiting += uint64(len(told)) + missed
		return
	}
	for i := range told {
		if len(m.recent) < mostRecent {
			m.recent[told[i].ID] = told[i].At
		}
	}
	m.show(m.config.View.Snapshot())
	if m.opened != nil {
		m.opened.detail = m.opened.inspection()
	}
}

// show shows a snapshot.
func (m *Model) show(s *live.Snapshot) {
	m.snapshot = s
	if m.began.IsZero() {
		m.began = s.At
	}
	for id, at := range m.recent {
		if s.At.Sub(at) > marked {
			delete(m.recent, id)
		}
	}
	m.list.fill(s)
}

// pause keeps what is on the screen, or goes on.
func (m *Model) pause() {
	m.paused, m.waiting = !m.paused, 0
	if !m.paused {
		m.refresh()
	}
}

// room is how many lines the pages have between head and foot.
func (m *Model) room() int { return max(m.height-len(m.head())-2, 1) }
