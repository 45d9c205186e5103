package screen

import (
	"cmp"
	"context"
	"flag"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"dialtone/app/escape"
	"dialtone/observe/live"
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

var update = flag.Bool("update", false, "write the screens of testdata")

// stage is a view that a test feeds, with somebody who types.
type stage struct {
	*Model
	t     testing.TB
	view  *live.View
	now   time.Time
	drawn int // cells of the first column that were drawn
}

// silent is a probe without samples: those of a stage come from looks.
type silent struct{}

func (silent) Sampled() sockets.Sampled {
	return sockets.Sampled{Name: "TCP_INFO", About: "every 100ms"}
}
func (silent) Close() error { return nil }

func (silent) Read(until time.Time, _ func(sockets.Sample)) error {
	time.Sleep(time.Until(until))
	return nil
}

// newStage opens the view on a terminal. Its clock stands at 12:00:00.
func newStage(t testing.TB, width, height int, adapt ...func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	s.view = live.New(live.Config{Probe: func(sockets.Socket) (sockets.Probe, error) { return silent{}, nil }})
	c := Config{View: s.view, Columns: s.columns(), Usual: Column{Compare: func(a, b *sockets.Socket) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), cmp.Compare(a.Watched.ID, b.Watched.ID))
	}}}
	for _, f := range adapt {
		f(&c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.Model = newModel(ctx, c)
	t.Cleanup(func() { cancel(); s.close() })
	s.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

// columns are a few of those that the command has.
func (s *stage) columns() []Column {
	text := func(name string, spare int, of func(*sockets.Socket) string) Column {
		return Column{
			Name: name, Spare: spare, Append: func(b []byte, s *sockets.Socket) []byte { return append(b, cmp.Or(of(s), "-")...) },
			Compare: func(a, b *sockets.Socket) int { return cmp.Compare(of(a), of(b)) },
		}
	}
	number := func(name string, spare int, of func(*sockets.Socket) int64) Column {
		c := text(name, spare, func(s *sockets.Socket) string { return strconv.FormatInt(of(s), 10) })
		c.Number, c.Compare = true, func(a, b *sockets.Socket) int { return cmp.Compare(of(b), of(a)) }
		return c
	}
	end := func(a netip.AddrPort) string {
		if !a.IsValid() {
			return ""
		}
		return a.String()
	}
	return []Column{
		text("proto", 1, func(x *sockets.Socket) string { s.drawn++; return x.Network }),
		text("state", 0, func(s *sockets.Socket) string { return s.State.String() }),
		text("local", 0, func(s *sockets.Socket) string { return end(s.Local) }),
		text("remote", 0, func(s *sockets.Socket) string { return end(s.Remote) }),
		number("recv", 3, func(s *sockets.Socket) int64 { return int64(s.RecvQueue) }),
		number("send", 2, func(s *sockets.Socket) int64 { return int64(s.SendQueue) }),
		text("process", 4, func(s *sockets.Socket) string {
			if len(s.Processes) == 0 {
				return ""
			}
			return escape.String(s.Processes[0].Name) + "/" + strconv.Itoa(s.Processes[0].PID)
		}),
	}
}

// after lets time pass; then somebody looks at the table, and the view is drawn anew.
func (s *stage) after(d time.Duration, rows []*sockets.Socket) {
	s.t.Helper()
	s.now = s.now.Add(d)
	if err := s.view.Looked(s.now, rows); err != nil {
		s.t.Fatal(err)
	}
	s.refresh()
	shown := *s.snapshot // with a source, which a view without a kernel has not
	shown.Source = live.Source{Sight: sockets.Sight{Name: sockets.Looking, Blind: []string{"states that last shorter than from one look to the next are missed"}}, Denied: []error{os.ErrPermission}}
	s.snapshot = &shown
}

// tell reports that a row has changed.
func (s *stage) tell(row *sockets.Socket, to tcp.State, by ...sockets.Process) {
	t := sockets.Transition{At: s.now, From: row.State, To: sockets.State(to), Local: row.Local, Remote: row.Remote, ID: row.Watched.ID}
	if len(by) > 0 {
		t.Process = by[0]
	}
	s.view.Tell(t)
	row.State, row.Watched.Age, row.Watched.Exact = t.To, 0, true
}

// press types keys, by name; other words are typed letter by letter.
func (s *stage) press(keys ...string) {
	s.t.Helper()
	named := map[string]rune{
		"up": tea.KeyUp, "down": tea.KeyDown, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd,
		"space": tea.KeySpace, "left": tea.KeyLeft, "right": tea.KeyRight, "enter": tea.KeyEnter, "esc": tea.KeyEscape, "backspace": tea.KeyBackspace,
	}
	for _, k := range keys {
		if code, ok := named[k]; ok {
			s.Update(tea.KeyPressMsg{Code: code})
			continue
		}
		for _, r := range k {
			s.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

// screen is what a person sees, without colours, each line without the spaces at its end.
// It has to fit the terminal.
func (s *stage) screen() string {
	s.t.Helper()
	lines := strings.Split(s.View().Content, "\n")
	if len(lines) != s.height {
		s.t.Errorf("%d lines on a terminal of %d", len(lines), s.height)
	}
	for i, line := range lines {
		if w := ansi.StringWidth(line); w > s.width {
			s.t.Errorf("%d columns on a terminal of %d: %q", w, s.width, line)
		}
		lines[i] = strings.TrimRight(ansi.Strip(line), " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// shows fails unless the screen has all of texts.
func (s *stage) shows(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if !strings.Contains(s.screen(), text) {
			s.t.Errorf("%q is not there:\n%s", text, s.screen())
		}
	}
}

// hides fails if the screen has one of texts.
func (s *stage) hides(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if strings.Contains(s.screen(), text) {
			s.t.Errorf("%q is there:\n%s", text, s.screen())
		}
	}
}

// golden compares the screen with a file.
func (s *stage) golden(name string) {
	s.t.Helper()
	file, got := "testdata/"+name+".txt", s.screen()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != string(want) {
		s.t.Errorf("%s is not what it was; go test -update writes it. Now:\n%s", file, got)
	}
}

// order is the rows' local ports as they stand.
func (s *stage) order() string {
	var ports []string
	for _, r := range s.list.rows {
		ports = append(ports, strconv.Itoa(int(r.Local.Port())))
	}
	return strings.Join(ports, " ")
}

// town is a machine's sockets: a server, its connections, a call that nobody answers.
func town() []*sockets.Socket {
	at := netip.MustParseAddrPort
	server := []sockets.Process{{PID: 812, Name: "server"}}
	info := func() *sockets.Info {
		return &sockets.Info{
			RTT:     sockets.RTT{Smooth: 1250 * time.Microsecond, Variance: 300 * time.Microsecond, Least: 900 * time.Microsecond, Timeout: 204 * time.Millisecond},
			Windows: sockets.Windows{Congestion: 10, Threshold: sockets.NoThreshold, Peer: 65536, Own: 65536, PeerScale: 7, OwnScale: 7},
			Sizes:   sockets.Sizes{Send: 1448, Receive: 1448, Advertised: 1448, PathMTU: 1500}, Options: sockets.Timestamps | sockets.SACK | sockets.WindowScale,
			Counts: sockets.Counts{BytesSent: 52000, BytesAcked: 52000, BytesReceived: 1200, DataOut: 40, DataIn: 9, SegmentsOut: 50, SegmentsIn: 45},
			Rates:  sockets.Rates{Pacing: 12_000_000, Delivery: 9_000_000, AppLimited: true},
			Times:  sockets.Times{Busy: 2 * time.Second, SinceSent: 40 * time.Millisecond, SinceReceived: 2 * time.Second, SinceAck: 41 * time.Millisecond},
		}
	}
	list := []*sockets.Socket{
		{Network: "tcp", State: sockets.State(tcp.Listen), Local: at("0.0.0.0:80"), SendQueue: 128, Processes: server, Inode: 1},
		{Network: "tcp", State: sockets.State(tcp.Established), Local: at("192.0.2.1:80"), Remote: at("198.51.100.7:50001"), Processes: server, Inode: 2, Info: info()},
		{Network: "tcp", State: sockets.State(tcp.CloseWait), Local: at("192.0.2.1:80"), Remote: at("198.51.100.8:50002"), RecvQueue: 17, Processes: server, Inode: 3, Info: info()},
		{Network: "tcp", State: sockets.State(tcp.TimeWait), Local: at("192.0.2.1:80"), Remote: at("198.51.100.9:50003"), Timer: sockets.Timer{Kind: 3, Left: 20 * time.Second}},
		{Network: "tcp", State: sockets.State(tcp.SynSent), Local: at("192.0.2.1:41000"), Remote: at("203.0.113.5:443"), SendQueue: 1, Timer: sockets.Timer{Kind: 1, Left: 3 * time.Second, Count: 3}, Processes: []sockets.Process{{PID: 99, Name: "up\x1b[2Jdate\u202e"}}, Inode: 4, Info: info()},
		{Network: "tcp", State: sockets.State(tcp.Established), Local: at("[2001:db8::1]:22"), Remote: at("[2001:db8::2]:60000"), SendQueue: 36, Inode: 5, Hidden: true, Info: info()},
		{Network: "udp", State: sockets.Unconnected, Local: at("0.0.0.0:53"), Processes: []sockets.Process{{PID: 53, Name: "named"}}, Inode: 6},
	}
	for i, s := range list {
		s.Watched.ID = uint64(i + 1)
		s.Cookie = s.Watched.ID
	}
	list[2].Watched.Age = 190 * time.Second
	list[2].Info.Counts.DataOut, list[2].Info.Counts.Retransmitted = 140, 9
	return list
}
