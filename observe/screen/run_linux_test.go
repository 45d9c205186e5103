package screen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dialtone/observe/live"
	"dialtone/observe/sockets"

	tea "charm.land/bubbletea/v2"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// terminal is a real one, with a view on it.
type terminal struct {
	t     *testing.T
	keys  *os.File
	ended chan error

	mu  sync.Mutex
	saw bytes.Buffer
}

// run shows the view on a terminal. When it ends, the terminal has to be as it was.
func run(t *testing.T, ctx context.Context, adapt func(*Config)) *terminal {
	t.Helper()
	keys, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	before := settings(t, tty)
	view, err := live.Open(live.Config{Source: sockets.Looking, Every: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, keys: keys, ended: make(chan error, 1)}
	read := make(chan struct{})
	go func() { defer close(read); x.read() }()
	c := Config{View: view, Output: tty, Columns: (&stage{}).columns(), Usual: Column{Compare: func(a, b *sockets.Socket) int { return 0 }}}
	if adapt != nil {
		adapt(&c)
	}
	show := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		return Run(ctx, c, tea.WithInput(tty), tea.WithEnvironment([]string{"TERM=vt100"}))
	}
	go func() {
		err := show()
		if now := settings(t, tty); now != before {
			t.Errorf("the terminal was %+v and is %+v", before, now)
		}
		x.ended <- errors.Join(err, view.Close())
		tty.Close()
	}()
	t.Cleanup(func() { <-read; keys.Close() })
	return x
}

func settings(t *testing.T, tty *os.File) unix.Termios {
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Error(err)
		return unix.Termios{}
	}
	return *state
}

func (x *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := x.keys.Read(buf)
		x.mu.Lock()
		x.saw.Write(buf[:n])
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.saw.String()
}

// await waits until text has come to the screen.
func (x *terminal) await(text string) {
	x.t.Helper()
	for range 1000 {
		if strings.Contains(x.text(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	x.t.Errorf("%q never came: %q", text, x.text())
}

// restored waits for the end: the other screen is left, the cursor is to be seen.
func (x *terminal) restored() error {
	x.t.Helper()
	err := <-x.ended
	for _, sequence := range []string{"\x1b[?1049l", "\x1b[?25h"} {
		x.await(sequence)
	}
	return err
}

func TestTheTerminalIsGivenBack(t *testing.T) {
	for name, key := range map[string]string{"q": "q", "Ctrl-C": "\x03"} {
		t.Run(name, func(t *testing.T) {
			x := run(t, t.Context(), nil)
			x.await("filter")
			io.WriteString(x.keys, key)
			if err := x.restored(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		x := run(t, ctx, nil)
		x.await("filter")
		cancel()
		if err := x.restored(); err != nil {
			t.Error(err)
		}
	})
}

// TestTheTerminalIsGivenBackAfterAPanic, of the goroutine that draws and of another.
func TestTheTerminalIsGivenBackAfterAPanic(t *testing.T) {
	t.Run("drawing", func(t *testing.T) {
		var broken atomic.Bool
		x := run(t, t.Context(), func(c *Config) {
			draw := c.Columns[0].Append
			c.Columns[0].Append = func(b []byte, s *sockets.Socket) []byte {
				if broken.Load() {
					panic("drawing")
				}
				return draw(b, s)
			}
			c.View = fed(t)
		})
		x.await("filter")
		broken.Store(true)
		io.WriteString(x.keys, "j")
		if err := x.restored(); err == nil || !strings.HasPrefix(err.Error(), "panic: drawing\n") {
			t.Errorf("it ended with %v", err)
		}
	})
	t.Run("trace", func(t *testing.T) {
		x := run(t, t.Context(), func(c *Config) {
			c.View = fed(t)
			c.Trace = func(context.Context, netip.AddrPort, netip.AddrPort, int, func(string)) error { panic("tracing") }
		})
		x.await("filter")
		io.WriteString(x.keys, "j\rt")
		if err := x.restored(); err == nil || !strings.HasPrefix(err.Error(), "panic: tracing\n") {
			t.Errorf("it ended with %v", err)
		}
	})
}

// fed is a view with sockets in it.
func fed(t *testing.T) *live.View {
	v := live.New(live.Config{Probe: func(sockets.Socket) (sockets.Probe, error) { return silent{}, nil }})
	if err := v.Looked(time.Now(), town()); err != nil {
		t.Fatal(err)
	}
	return v
}
