package screen

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"dialtone/observe/sockets"
	"dialtone/transport/tcp"

	tea "charm.land/bubbletea/v2"
)

func TestSorting(t *testing.T) {
	s := newStage(t, 100, 30)
	s.after(0, town())
	s.press("se")
	s.shows("RECV▼")
	if got := s.order(); got != "80 80 80 80 41000 22 53" || s.list.rows[0].RecvQueue != 17 {
		t.Errorf("by what is to read: %s", got)
	}
	s.press(">")
	s.shows("SEND▼")
	if got := s.order(); got != "80 22 41000 80 80 80 53" {
		t.Errorf("by what is to send: %s", got)
	}
	s.press("r")
	s.shows("SEND▲")
	if got := s.order(); got != "80 80 80 53 41000 22 80" {
		t.Errorf("turned round: %s", got)
	}
	s.press("<", "<", "<", "left", "left", "left")
	s.shows("PROCESS▼")
	s.press("s")
	s.shows("sort by: p proto  s state  l local  r remote  e recv")
}

// TestTheFilterFollowsWhatIsTyped: each letter that makes a filter counts, a mistake leaves
// the rows as they are, Esc brings the last filter back, Enter keeps the new one.
func TestTheFilterFollowsWhatIsTyped(t *testing.T) {
	s := newStage(t, 80, 24)
	s.after(0, town())
	s.press("/", "port 5")
	s.shows("0 of 7 sockets", "no socket matches")
	s.press("3")
	s.shows("1 of 7 sockets", "filter: port 53")
	s.press(" or sta")
	s.shows("1 of 7 sockets", "sta: expected a port")
	s.press("esc")
	s.shows("7 sockets:")
	s.press("/", "udp", "enter")
	s.shows("1 of 7 sockets", "dialtone watch  udp", "Enter open")
	s.press("/", "backspace", "backspace", "backspace", "enter")
	s.shows("7 sockets:")
	s.press("/", "not", "enter") // no filter yet: the line stays open
	s.shows("at its end: expected a term", "filter: not")
}

// TestNamesAreLookedUpOnceTheyAreWhole: no name server is asked while somebody types.
func TestNamesAreLookedUpOnceTheyAreWhole(t *testing.T) {
	s := newStage(t, 80, 24)
	s.after(0, town())
	s.press("/", "host localhost")
	s.shows("Enter looks the names up", "7 sockets:")
	_, look := s.Update(tea.KeyPressMsg{Code: tea.KeyEnter})
	s.shows("looking names up ...")
	found, err := sockets.ParseFilter(context.Background(), "host 192.0.2.1")
	if look == nil || err != nil {
		t.Fatal("nobody looks", err)
	}
	s.Update(readMsg{text: "host locals", filter: found}) // an answer to what is not asked any more
	s.shows("looking names up ...")
	s.Update(readMsg{text: "host localhost", filter: found})
	s.shows("4 of 7 sockets", "dialtone watch  host localhost")
}

func TestEditingTheFilter(t *testing.T) {
	s := newStage(t, 30, 24)
	s.press("/", "port 443 or port 80")
	s.press("left", "left")
	s.Update(tea.KeyPressMsg{Code: 'w', Mod: tea.ModCtrl})
	s.Update(tea.KeyPressMsg{Code: 'a', Mod: tea.ModCtrl})
	s.Update(tea.PasteMsg{Content: "tcp\x1b[2J and\n"})
	if got := string(s.prompt.text); got != "tcp[2J and port 443 or port 80" && got != "tcp[2J and port 443 or 80" {
		t.Errorf("the line says %q", got)
	}
	if _, cursor := s.lines(); cursor != len("filter: tcp[2J and ") {
		t.Errorf("the cursor is in column %d", cursor)
	}
	s.press("end")
	if _, cursor := s.lines(); cursor != 29 {
		t.Errorf("the cursor is in column %d of 30", cursor)
	}
	s.screen()
}

// TestPause: rows stay as they are, changes are counted; then everything is as it is now.
func TestPause(t *testing.T) {
	s := newStage(t, 80, 24)
	rows := town()
	s.after(0, rows)
	s.press(" ")
	s.tell(rows[1], tcp.CloseWait)
	s.tell(rows[1], tcp.LastAck)
	s.after(time.Second, rows)
	s.shows("PAUSED, 2 changes since", "12:00:00", "ESTABLISHED 2")
	s.press("/", "state established", "enter") // of the rows that stand
	s.shows("2 of 7 sockets")
	s.press("space")
	s.shows("12:00:01", "1 of 7 sockets")
	s.hides("PAUSED")
}

// TestMarks: what changed is marked for some seconds, what closed stays for some.
func TestMarks(t *testing.T) {
	s := newStage(t, 100, 24)
	rows := town()
	s.after(0, rows)
	s.after(time.Minute, rows)
	s.hides(" *   ", " x   ")
	s.tell(rows[1], tcp.FinWait1)
	s.tell(rows[3], tcp.Closed)
	rest := append(rows[:3:3], rows[4:]...)
	s.after(time.Second, rest)
	s.shows(" *   tcp    FIN_WAIT_1", " x   tcp    CLOSED ", "1 just closed")
	s.after(3*time.Second, rest)
	s.hides(" *   ")
	s.after(5*time.Second, rest)
	s.hides(" x   ", "just closed")
}

// TestWhatClosesStaysIfItWasShown, whatever the filter says of its last state.
func TestWhatClosesStaysIfItWasShown(t *testing.T) {
	s := newStage(t, 100, 24)
	rows := town()
	s.after(0, rows)
	s.press("/", "tcp and not state time-wait and not state closed", "enter")
	s.tell(rows[1], tcp.Closed)
	s.tell(rows[3], tcp.Closed) // it was in TIME_WAIT
	s.after(time.Second, append(rows[:1:1], rows[2], rows[4], rows[5]))
	s.shows(" x   tcp    CLOSED       192.0.2.1:80      198.51.100.7:50001")
	s.hides("50003")
	s.press("/", " and port 80", "enter")
	s.hides("50001")
}

// TestTheCursorStaysOnItsRow, wherever the row goes; at the top it stays there.
func TestTheCursorStaysOnItsRow(t *testing.T) {
	s := newStage(t, 80, 24)
	s.after(0, town())
	s.press("down", "j", "j", "k", "down", "down")
	if got := s.list.row().Local.Port(); got != 41000 {
		t.Fatalf("the cursor is at port %d", got)
	}
	s.press("ss")
	if got := s.list.row().Local.Port(); got != 41000 {
		t.Errorf("sorted, the cursor is at port %d", got)
	}
	s.press("home", "ss", "r")
	if s.list.at != 0 {
		t.Errorf("the cursor left the top: %d", s.list.at)
	}
	s.press("end", "down", "pgdown")
	if s.list.at != 6 {
		t.Errorf("the cursor is at %d of 7", s.list.at)
	}
	s.press("/", "udp", "enter", "enter")
	s.shows("udp 0.0.0.0:53", "named/53")
}

// TestLargeTables: of 20,000 rows those are drawn that can be seen.
func TestLargeTables(t *testing.T) {
	s := newStage(t, 80, 24)
	s.after(0, crowd(20_000))
	s.drawn = 0
	s.press("end", "pgup", "up")
	s.shows("20,000 sockets:")
	if s.drawn > 4*24 {
		t.Errorf("%d rows were drawn on a screen of 24 lines", s.drawn)
	}
}

// crowd is n connections; their local ports count from 1001.
func crowd(n int) (rows []*sockets.Socket) {
	for i := range n {
		row := *town()[1]
		row.Watched.ID = uint64(i + 1)
		row.Local = netip.AddrPortFrom(row.Local.Addr(), uint16(1001+i))
		rows = append(rows, &row)
	}
	return rows
}

// cursorLine is the line of the screen that the cursor is in.
func (s *stage) cursorLine() (line int, text string) {
	for i, text := range strings.Split(s.screen(), "\n") {
		if strings.HasPrefix(text, "›") {
			return i, text
		}
	}
	return -1, ""
}

// TestScrolling: the cursor's row is always to be seen, and stays in its line where rows
// come and go above it.
func TestScrolling(t *testing.T) {
	s := newStage(t, 100, 24)
	rows := crowd(100)
	s.after(0, rows)
	s.press("end")
	if line, text := s.cursorLine(); line != 21 || !strings.Contains(text, ":1100 ") {
		t.Errorf("the end is in line %d: %s", line, text)
	}
	s.press("up", "up", "up")
	if line, text := s.cursorLine(); line != 18 || !strings.Contains(text, ":1097 ") {
		t.Errorf("three rows up it is in line %d: %s", line, text)
	}
	s.press("pgup", "pgup")
	s.screen()
	s.press("down", "down", "down") // away from the top of the screen
	before, text := s.cursorLine()
	for _, row := range rows[:20] {
		s.tell(row, tcp.Closed)
	}
	s.after(time.Second, rows[20:])
	for range 10 { // they linger, and are gone
		s.after(time.Second, rows[20:])
	}
	if line, now := s.cursorLine(); line != before || now != text {
		t.Errorf("the cursor was in line %d, %s; it is in %d, %s", before, text, line, now)
	}
	s.press("home")
	if line, text := s.cursorLine(); line != 5 || !strings.Contains(text, ":1021 ") {
		t.Errorf("the beginning is in line %d: %s", line, text)
	}
}

// TestALadderHasABound: of the lines of a long capture the first go, and are counted.
func TestALadderHasABound(t *testing.T) {
	s := newStage(t, 80, 24, func(c *Config) {
		c.Trace = func(ctx context.Context, _, _ netip.AddrPort, _ int, line func(string)) error {
			for n := range 3 * mostLines {
				line(fmt.Sprint("line ", n))
			}
			return nil
		}
	})
	s.after(0, town())
	s.press("down", "enter", "t")
	for !strings.Contains(s.screen(), "the capture has ended") {
		<-s.opened.ladder.ready
	}
	s.shows(fmt.Sprint("line ", 3*mostLines-1))
	s.press("home")
	s.hides("line 0 ")
	if l := s.opened.ladder; len(l.text) > mostLines || len(l.text)+l.gone != 3*mostLines {
		t.Errorf("%d lines are kept, %d gone", len(l.text), l.gone)
	}
}

// TestTinyTerminals show what there is room for.
func TestTinyTerminals(t *testing.T) {
	for height := 2; height < 12; height++ {
		for _, width := range []int{8, 20, 40} {
			s := newStage(t, width, height)
			s.after(0, town())
			for _, keys := range []string{"", "j", "!", "?", "s"} {
				s.press(keys)
				s.screen()
			}
			s.press("x", "esc", "enter")
			s.screen()
		}
	}
}

// TestNothingOfOthersReachesTheTerminalAsItIs: names are escaped on every page.
func TestNothingOfOthersReachesTheTerminalAsItIs(t *testing.T) {
	s := newStage(t, 160, 50)
	s.after(0, town())
	rows := town()
	s.tell(rows[4], tcp.Closed, sockets.Process{PID: 99, Name: "\x1b]0;x\a"})
	s.after(time.Second, rows)
	s.press("down", "down", "down", "down")
	for _, page := range []string{"table", "connection"} {
		for _, bad := range []string{"\x1b[2J", "\x1b]0;", "\u202e", "\a"} {
			if strings.Contains(s.View().Content, bad) {
				t.Errorf("the %s has %q", page, bad)
			}
		}
		s.shows(`date\u202e`)
		s.press("enter")
	}
}

// TestAConnectionThatCloses stays on its page as it was.
func TestAConnectionThatCloses(t *testing.T) {
	s := newStage(t, 80, 40)
	rows := town()
	s.after(0, rows)
	s.press("down", "enter")
	s.tell(rows[1], tcp.Closed)
	s.after(time.Second, append(rows[:1:1], rows[2:]...))
	s.after(10*time.Second, append(rows[:1:1], rows[2:]...))
	s.shows("192.0.2.1:80 → 198.51.100.7:50001", "closed at 12:00:0", "ESTABLISHED > CLOSED")
	s.press("esc")
	s.shows("6 sockets:")
}

func BenchmarkDraw(b *testing.B) {
	for _, n := range []int{100, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newStage(b, 160, 50)
			s.after(0, crowd(n))
			for b.Loop() {
				s.list.fill(s.snapshot)
				s.View()
			}
		})
	}
}

// TestTheDocumentHasEveryKeyAndMark that the help has.
func TestTheDocumentHasEveryKeyAndMark(t *testing.T) {
	page, err := os.ReadFile("../../doc/watch.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range helpKeys {
		for _, word := range strings.FieldsFunc(k[0], func(r rune) bool { return r == ' ' || r == ',' }) {
			if k[1] != "" && !bytes.Contains(page, []byte("`"+word+"`")) && !bytes.Contains(page, []byte("| "+word+", ")) {
				t.Errorf("doc/watch.md does not have %q", word)
			}
		}
	}
}
