package board

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dialtone/observe/live"
	"dialtone/observe/sockets"
)

// The bounds of streams.
const (
	maxLines    = 1 << 16                // rows of one page
	maxChanges  = 256                    // transitions in one message
	pace        = 150 * time.Millisecond // between two messages
	stillThere  = 5 * time.Second        // between two messages if nothing happens
	slowestRead = 20 * time.Second       // for a page to take a message
)

// stream is what one page is sent.
type stream struct {
	board   *Board
	filter  *sockets.Filter
	trouble bool
	shown   map[uint64]string // the lines that the page has
	after   uint64            // the number of the last transition that it was told of
	moves   live.Moves        // the counts of arrows that the page has
	buffer  []byte
}

// errEnd ends a stream with a word to the page.
var errEnd = errors.New("dialtone watch has ended")

// serveStream answers GET events?filter=F&trouble=1&after=RUN.N.
func (b *Board) serveStream(w http.ResponseWriter, r *http.Request) {
	out := newEvents(w)
	release := enter(&b.streams, maxStreams)
	if release == nil {
		out.send("full", nil)
		return
	}
	defer release()
	filter, err := parseFilter(r.Context(), r.FormValue("filter"))
	if err == nil && filter.NamesUnix() && !b.config.Unix {
		err = errors.New("no Unix sockets are looked at: start dialtone watch --web with --unix")
	}
	if err != nil {
		out.send("wrong", wrongFilter(err))
		return
	}
	s := &stream{board: b, filter: filter, trouble: r.FormValue("trouble") != "", shown: map[uint64]string{}}
	if err := s.run(r.Context(), out, r.FormValue("after")); errors.Is(err, errEnd) {
		out.send("end", nil)
	}
}

// run sends until the page is gone, or ctx of the server is done.
func (s *stream) run(ctx context.Context, out *events, after string) error {
	news := s.board.journal.news() // before what it might tell of is looked at
	name, message := "whole", s.whole(after)
	var last time.Time
	for {
		if message != nil || time.Since(last) > stillThere-time.Second {
			if err := out.send(name, message); err != nil {
				return err
			}
			last = time.Now()
		}
		if err := await(ctx, news); err != nil {
			return err
		}
		news = s.board.journal.news()
		name, message = "more", s.more()
	}
}

// await waits until there is something new, and never shorter than pace, so that much at
// once is one message, nor much longer than stillThere. The error is why ctx is done.
func await(ctx context.Context, news <-chan struct{}) error {
	early, late := time.NewTimer(pace), time.NewTimer(stillThere)
	defer early.Stop()
	defer late.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-early.C:
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-news:
	case <-late.C:
	}
	return nil
}

// whole is the first message: all there is to see, and what has happened since the page
// was told something last.
func (s *stream) whole(after string) []byte {
	run, number, again := strings.Cut(after, ".")
	n, err := strconv.ParseUint(number, 10, 64)
	again = again && err == nil && run == s.board.run && n <= s.board.journal.number()
	s.after = n
	if !again { // what went before is shown, and is not missed
		s.after = 0
	}
	b := append(s.buffer[:0], `{"run":`...)
	b = appendText(b, s.board.run)
	b = strconv.AppendBool(append(b, `,"again":`...), again)
	b = append(append(b, `,"name":`...), appendText(nil, s.board.config.Name)...)
	s.buffer, _ = s.changes(b, again)
	return s.buffer
}

// more is what differs from what the page has, or nil for nothing.
func (s *stream) more() []byte {
	b, news := s.changes(append(s.buffer[:0], '{'), true)
	s.buffer = b
	if !news {
		return nil
	}
	return b
}

// changes appends the fields of both messages. The sheet is made first: what it knows of
// has been told to the journal then, so that no row is ahead of the transitions.
func (s *stream) changes(b []byte, again bool) (_ []byte, news bool) {
	sheet := s.board.sheets.now()
	s.board.journal.take()
	told := s.board.journal.since(s.after, maxChanges, s.takes)
	if !again {
		told.skipped = 0
	}
	news = told.last != s.after
	s.after = told.last
	if len(b) > 1 {
		b = append(b, ',')
	}
	b = strconv.AppendInt(append(b, `"now":`...), time.Now().UnixMilli(), 10)
	b = strconv.AppendUint(append(b, `,"last":`...), told.last, 10)
	b = strconv.AppendUint(append(b, `,"skipped":`...), told.skipped, 10)
	b = strconv.AppendUint(append(b, `,"missed":`...), told.missed, 10)
	b = strconv.AppendUint(append(b, `,"lost":`...), sheet.Source.Lost, 10)
	b, changed := s.rows(b, sheet)
	b = append(b, `,"changes":[`...)
	for i, e := range told.entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEntry(b, &e)
	}
	b = s.arrows(append(b, `],"arrows":[`...), &sheet.Moves)
	b = append(b, `],"source":`...)
	b = appendSource(b, sheet)
	return append(b, '}'), news || changed
}

// takes reports whether a transition is for this page.
func (s *stream) takes(t *sockets.Transition) bool { return t.Matches(s.filter) }

// rows appends the lines that are new or differ, and the names of those that are gone.
func (s *stream) rows(b []byte, sheet *sheet) (_ []byte, changed bool) {
	b = append(b, `,"set":[`...)
	count, start, seen := 0, len(b), make(map[uint64]bool, len(s.shown))
	for _, l := range sheet.lines {
		if s.trouble && len(l.row.Findings) == 0 || !s.filter.Match(&l.row.Socket) {
			continue
		}
		if count++; count > maxLines {
			continue
		}
		id := l.row.Watched.ID
		seen[id] = true
		if s.shown[id] == l.text {
			continue
		}
		s.shown[id] = l.text
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, l.text...)
	}
	changed = len(b) > start
	b = append(b, `],"gone":[`...)
	start = len(b)
	for id := range s.shown {
		if seen[id] {
			continue
		}
		delete(s.shown, id)
		if len(b) > start {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, id, 10)
	}
	changed = changed || len(b) > start
	b = strconv.AppendInt(append(b, `],"match":`...), int64(count), 10)
	b = strconv.AppendInt(append(b, `,"all":`...), int64(len(sheet.lines)), 10)
	b = strconv.AppendInt(append(b, `,"omitted":`...), int64(sheet.Omitted+max(0, count-maxLines)), 10)
	return b, changed
}

// arrows appends the counts that the page does not have yet.
func (s *stream) arrows(b []byte, moves *live.Moves) []byte {
	start := len(b)
	for from := range moves {
		for to, n := range moves[from] {
			if s.moves[from][to] == n {
				continue
			}
			if len(b) > start {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, "[%d,%d,%d]", from, to, n)
		}
	}
	s.moves = *moves
	return b
}
