package board

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"dialtone/observe/live"
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// stage is a board over a view that the test feeds.
type stage struct {
	testing.TB
	view  *live.View
	board *Board
	addr  string

	mu    sync.Mutex
	rows  map[uint64]*sockets.Socket
	since map[uint64]time.Time // when each came into its state

	end func()
}

// newStage opens a board on a free port of loopback.
func newStage(t testing.TB, c Config) *stage {
	t.Helper()
	s := &stage{TB: t, view: live.New(live.Config{Probe: stillProbe}), rows: map[uint64]*sockets.Socket{}, since: map[uint64]time.Time{}}
	s.board = New(s.view, c)
	t.Cleanup(func() {
		if err := s.view.Close(); err != nil {
			t.Error(err)
		}
	})
	s.serve("127.0.0.1:0")
	return s
}

// serve serves until the test is over, or stop is called.
func (s *stage) serve(addr string) {
	s.Helper()
	ln, err := net.Listen("tcp4", addr)
	if err != nil {
		s.Fatal(err)
	}
	s.addr = ln.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.board.Serve(ctx, ln) }()
	s.end = sync.OnceFunc(func() {
		stop()
		if err := <-done; err != nil {
			s.Error(err)
		}
	})
	s.Cleanup(s.end)
}

func (s *stage) url() string {
	return s.board.URL(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s.addr)))
}

// look gives the view a look at what is on stage.
func (s *stage) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	list := make([]*sockets.Socket, 0, len(s.rows))
	for id := uint64(1); len(list) < len(s.rows); id++ {
		if r := s.rows[id]; r != nil {
			r.Watched.Age = now.Sub(s.since[id])
			list = append(list, r)
		}
	}
	s.view.Looked(now, list)
}

// put puts a connection on stage: from client to server, in a state.
func (s *stage) put(id uint64, state tcp.State, change func(*sockets.Socket)) {
	row := &sockets.Socket{
		Network: "tcp", State: sockets.State(state), Inode: uint32(id), UID: 1000, User: "ada",
		Local:     netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(40_000+id%20_000)),
		Remote:    netip.MustParseAddrPort("198.51.100.7:8000"),
		Processes: []sockets.Process{{PID: 812, Name: "client"}}, Cookie: id,
		Watched: sockets.Watched{ID: id, Age: 12 * time.Second, Exact: true},
	}
	if state == tcp.Listen {
		row.Local, row.Remote, row.Processes = netip.MustParseAddrPort("0.0.0.0:8000"), netip.AddrPort{}, []sockets.Process{{PID: 77, Name: "server"}}
	} else if state != tcp.TimeWait && state != tcp.SynSent {
		row.Info = &sockets.Info{
			RTT:     sockets.RTT{Smooth: time.Duration(id%97) * 313 * time.Microsecond, Variance: 2 * time.Millisecond, Timeout: 204 * time.Millisecond},
			Windows: sockets.Windows{Congestion: 10, Threshold: sockets.NoThreshold, Peer: 65_280, Own: 65_483, PeerScale: 7, OwnScale: 7},
			Sizes:   sockets.Sizes{Send: 1448, Receive: 536, Advertised: 1460, PathMTU: 1500},
			Counts:  sockets.Counts{BytesSent: 5017, BytesAcked: 5017, BytesReceived: 12_301, SegmentsOut: 17, SegmentsIn: 15, DataOut: 5, DataIn: 9, Retransmitted: uint32(id % 3)},
			Options: sockets.Timestamps | sockets.SACK | sockets.WindowScale,
		}
	}
	if change != nil {
		change(row)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[id] = row
	if _, there := s.since[id]; !there {
		s.since[id] = time.Now().Add(-row.Watched.Age)
	}
}

// move takes a connection to another state.
func (s *stage) move(id uint64, to tcp.State) {
	s.mu.Lock()
	row := *s.rows[id]
	t := sockets.Transition{
		At: time.Now(), ID: id, From: row.State, To: sockets.State(to), Local: row.Local, Remote: row.Remote, UID: row.UID, Owners: row.Processes,
	}
	row.State = t.To
	s.rows[id], s.since[id] = &row, t.At
	if to == tcp.Closed {
		delete(s.rows, id)
	}
	s.mu.Unlock()
	s.view.Tell(t)
}

// stillProbe makes a sample each 20 ms: a window that grows and falls.
func stillProbe(sockets.Socket) (sockets.Probe, error) { return &saw{}, nil }

type saw struct{ n int }

func (p *saw) Read(until time.Time, each func(sockets.Sample)) error {
	for time.Now().Before(until) {
		time.Sleep(20 * time.Millisecond)
		p.n++
		window := uint32(10 + p.n%40)
		each(sockets.Sample{
			At: time.Now(), Congestion: window, Threshold: 25, InFlight: window * 1448 * 3 / 4, Peer: 65_280, Own: 65_280, MSS: 1448,
			RTT: time.Duration(20+p.n%40) * time.Millisecond,
		})
	}
	return nil
}

func (*saw) Sampled() sockets.Sampled {
	return sockets.Sampled{Name: "a test", About: "every 20ms"}
}
func (*saw) Close() error { return nil }

// id is how a page calls the dot or row of a connection.
func byID(kind string, id uint64) string { return fmt.Sprintf("%s[data-id=\"%d\"]", kind, id) }
