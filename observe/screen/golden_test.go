package screen

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// sizes of terminals.
var sizes = [][2]int{{80, 24}, {60, 20}, {160, 50}}

// onEverySize runs a test on terminals of all sizes; name is its golden's.
func onEverySize(t *testing.T, page string, run func(s *stage), adapt ...func(*Config)) {
	for _, size := range sizes {
		name := fmt.Sprintf("%s-%dx%d", page, size[0], size[1])
		t.Run(name, func(t *testing.T) {
			s := newStage(t, size[0], size[1], adapt...)
			s.after(0, town())
			run(s)
			s.golden(name)
		})
	}
}

// TestTable: a connection was closed, another has gone on to CLOSE_WAIT, and somebody
// walks to one that something is off with.
func TestTable(t *testing.T) {
	onEverySize(t, "table", func(s *stage) {
		rows := town()
		s.after(5*time.Second, rows)
		s.tell(rows[1], tcp.CloseWait)
		s.tell(rows[3], tcp.Closed)
		s.after(time.Second, append(rows[:3:3], rows[4:]...))
		s.press("down", "down")
	})
}

func TestTroubleOnly(t *testing.T) {
	onEverySize(t, "trouble", func(s *stage) { s.press("!") })
}

func TestAFilterThatIsWrong(t *testing.T) {
	onEverySize(t, "filter", func(s *stage) { s.press("/", "state close-wiat or port 80") })
}

func TestHelp(t *testing.T) { onEverySize(t, "help", func(s *stage) { s.press("?") }) }

func TestWithoutUTF8(t *testing.T) {
	onEverySize(t, "ascii", func(s *stage) { openConnection(s) }, func(c *Config) { c.ASCII = true })
}

// openConnection opens the one of port 50002 and lets it lose a segment.
func openConnection(s *stage) {
	rows := town()
	talk, calm := rows[2], *rows[2].Info
	talk.State = sockets.State(tcp.SynReceived)
	s.tell(talk, tcp.Established)
	s.press("down", "down", "enter")
	for n := range 40 {
		i := calm
		i.Windows.Congestion = uint32(10 + n)
		if n >= 25 { // what follows a loss
			i.Windows.Congestion, i.Windows.Threshold = uint32(17+(n-25)/3), 17
		}
		i.Flight.Unacked = uint32(n % 7)
		i.Counts.BytesSent += uint64(n%7) * 1448
		i.RTT.Smooth += time.Duration(n%5) * 200 * time.Microsecond
		talk.Info = &i
		if n == 30 {
			s.tell(talk, tcp.CloseWait)
		}
		talk.Watched.Age += 250 * time.Millisecond
		s.after(250*time.Millisecond, rows)
	}
	for s.opened.detail = s.opened.inspection(); s.opened.detail.Sampled.Name == ""; s.opened.detail = s.opened.inspection() {
		time.Sleep(time.Millisecond) // the probe is opened in the background
	}
}

func TestConnection(t *testing.T) { onEverySize(t, "connection", openConnection) }

func TestConnectionScrolled(t *testing.T) {
	onEverySize(t, "scrolled", func(s *stage) { openConnection(s); s.press("pgdown", "pgdown") })
}

// TestTraceOfAConnection: the lines of a ladder come as they pass.
func TestTraceOfAConnection(t *testing.T) {
	captured := make(chan struct{})
	trace := func(ctx context.Context, local, remote netip.AddrPort, width int, line func(string)) error {
		line(fmt.Sprintf("\x1b[1mfrom %s to %s in %d columns\x1b[0m", local, remote, width))
		for n := range 100 {
			line(fmt.Sprintf("%4d %s", n, strings.Repeat("─", width-20)))
		}
		close(captured)
		<-ctx.Done()
		return nil
	}
	for _, size := range sizes {
		name := fmt.Sprintf("trace-%dx%d", size[0], size[1])
		s := newStage(t, size[0], size[1], func(c *Config) { c.Trace = trace })
		s.after(0, town())
		captured = make(chan struct{})
		s.press("down", "enter", "t")
		<-captured
		s.golden(name)
		s.press("home")
		s.shows("from 192.0.2.1:80 to 198.51.100.7:50001", "capturing, 101 lines; ")
		s.press("esc")
		s.hides("capturing")
		s.shows("ESTABLISHED", "window")
	}
}

func TestTraceThatIsNotAllowed(t *testing.T) {
	refused := errors.New("capturing needs CAP_NET_RAW, which this process does not have; to grant it: sudo setcap cap_net_raw+ep /usr/bin/dialtone")
	onEverySize(t, "refused", func(s *stage) {
		s.press("down", "enter", "t")
		<-s.opened.ladder.ready
	}, func(c *Config) {
		c.Trace = func(context.Context, netip.AddrPort, netip.AddrPort, int, func(string)) error { return refused }
	})
}
