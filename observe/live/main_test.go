package live

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"dialtone/observe/sockets"
	"dialtone/transport/tcp"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	start = time.Unix(1000, 0)
	here  = netip.MustParseAddrPort("10.0.0.1:1000")
	there = netip.MustParseAddrPort("10.0.0.2:80")
)

// fed is a view that a test feeds, and the time it goes by.
type fed struct {
	*View
	t   *testing.T
	now time.Time
}

func feed(t *testing.T, c Config) *fed {
	v := New(c)
	t.Cleanup(func() { v.Close() })
	return &fed{v, t, start}
}

// look is a look at a table with these rows, half a second after the last.
func (f *fed) look(rows ...*sockets.Socket) {
	f.now = f.now.Add(500 * time.Millisecond)
	if err := f.Looked(f.now, rows); err != nil {
		f.t.Error(err)
	}
}

// tell is a transition, a millisecond after what was last.
func (f *fed) tell(id uint64, from, to tcp.State) {
	f.now = f.now.Add(time.Millisecond)
	f.Tell(sockets.Transition{At: f.now, From: sockets.State(from), To: sockets.State(to), Local: here, Remote: there, Cookie: id, ID: id})
}

// expect compares the rows in view, each as "ID STATE", with "gone" behind those that are.
func (f *fed) expect(want ...string) {
	f.t.Helper()
	if got := rowTexts(f.Snapshot().Rows); got != strings.Join(want, ", ") {
		f.t.Errorf("in view: %s; want %s", got, strings.Join(want, ", "))
	}
}

func rowTexts(rows []*Row) string {
	var list []string
	for _, r := range rows {
		text := string(rune('0'+r.Watched.ID)) + " " + r.State.String()
		if !r.Closed.IsZero() {
			text += " gone"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

func tcpRow(id uint64, state tcp.State) *sockets.Socket {
	return &sockets.Socket{
		Network: "tcp", State: sockets.State(state), Local: here, Remote: there, Cookie: id, Inode: 1,
		User: "alice", UID: 1001, Watched: sockets.Watched{ID: id}, Info: &sockets.Info{}, Memory: &sockets.Memory{},
	}
}

func udpRow(id uint64) *sockets.Socket {
	return &sockets.Socket{Network: "udp", State: sockets.Unconnected, Local: here, Cookie: id, Watched: sockets.Watched{ID: id}}
}
