package sockets

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dialtone/transport/tcp"
)

// modelBench is a model, what it told, and a table to look connections up in.
type modelBench struct {
	*Model
	now   time.Time
	told  []string
	table map[netip.AddrPort]State // by the far address
}

func newModelBench(exact bool) *modelBench {
	b := &modelBench{now: time.Unix(1000, 0), table: map[netip.AddrPort]State{}}
	b.Model = NewModel(func(t Transition) {
		b.told = append(b.told, fmt.Sprintf("%v>%v %v>%v", t.Local, t.Remote, t.From, t.To))
	}, func(_, remote netip.AddrPort) State { return b.table[remote] }, exact)
	return b
}

var (
	here  = netip.MustParseAddrPort("10.0.0.1:1000")
	there = netip.MustParseAddrPort("10.0.0.2:80")
)

// on is an event of the socket with that handle.
func (b *modelBench) on(handle, cookie uint64, from, to tcp.State, local, remote netip.AddrPort) {
	b.now = b.now.Add(time.Millisecond)
	b.event(&event{handle: handle, Transition: Transition{At: b.now, From: State(from), To: State(to), Local: local, Remote: remote, Cookie: cookie}})
}

// look looks at a table with these rows.
func (b *modelBench) look(rows ...*Socket) {
	b.now = b.now.Add(time.Millisecond)
	b.Model.table(b.now, rows)
	b.now = b.now.Add(time.Millisecond)
}

func tcpRow(cookie uint64, state tcp.State, local, remote netip.AddrPort) *Socket {
	return &Socket{Network: "tcp", State: State(state), Local: local, Remote: remote, Cookie: cookie, Inode: 1}
}

func (b *modelBench) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(b.told, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(b.told, "\n"), strings.Join(want, "\n"))
	}
	b.told = nil
}

func TestTransitionsWaitForTheirAddresses(t *testing.T) {
	b := newModelBench(true)
	b.look()
	b.on(7, 70, tcp.Closed, tcp.SynSent, netip.AddrPortFrom(here.Addr(), 0), there)
	b.expect(t)
	b.on(7, 70, tcp.SynSent, tcp.Established, here, there)
	b.expect(t, "10.0.0.1:1000>10.0.0.2:80 CLOSED>SYN_SENT", "10.0.0.1:1000>10.0.0.2:80 SYN_SENT>ESTABLISHED")
	// A SYN that nobody answers gets its port from the table.
	b.on(8, 80, tcp.Closed, tcp.SynSent, netip.AddrPortFrom(here.Addr(), 0), netip.MustParseAddrPort("10.0.0.9:80"))
	b.look(tcpRow(70, tcp.Established, here, there), tcpRow(80, tcp.SynSent, netip.MustParseAddrPort("10.0.0.1:1001"), netip.MustParseAddrPort("10.0.0.9:80")))
	b.expect(t, "10.0.0.1:1001>10.0.0.9:80 CLOSED>SYN_SENT")
}

func TestTimeWaitIsFoundBehindClosed(t *testing.T) {
	b := newModelBench(true)
	b.look(tcpRow(70, tcp.FinWait2, here, there))
	b.table[there] = State(tcp.TimeWait)
	b.on(7, 70, tcp.FinWait2, tcp.Closed, netip.AddrPortFrom(here.Addr(), 0), there)
	b.expect(t, "10.0.0.1:1000>10.0.0.2:80 FIN_WAIT_2>TIME_WAIT")
	b.look(tcpRow(70, tcp.TimeWait, here, there))
	b.look() // passed over: it is still there
	b.expect(t)
	delete(b.table, there)
	b.look()
	b.expect(t, "10.0.0.1:1000>10.0.0.2:80 TIME_WAIT>CLOSED")
	if n := len(b.Connections()); n != 0 {
		t.Errorf("%d connections left", n)
	}
}

// TestTheTableMayBeFirst: some events come a little later than what they make.
func TestTheTableMayBeFirst(t *testing.T) {
	b := newModelBench(true)
	b.look()
	b.on(7, 0, tcp.Closed, tcp.SynSent, netip.AddrPortFrom(here.Addr(), 0), there)
	b.look(tcpRow(70, tcp.Established, here, there))
	b.on(7, 0, tcp.SynSent, tcp.Established, here, there)
	b.on(7, 0, tcp.Established, tcp.FinWait1, here, there)
	b.on(7, 0, tcp.FinWait1, tcp.FinWait2, here, there)
	b.look(tcpRow(70, tcp.TimeWait, here, there))
	b.on(7, 0, tcp.FinWait2, tcp.Closed, netip.AddrPortFrom(here.Addr(), 0), there)
	b.expect(t,
		"10.0.0.1:1000>10.0.0.2:80 CLOSED>SYN_SENT", "10.0.0.1:1000>10.0.0.2:80 SYN_SENT>ESTABLISHED", "10.0.0.1:1000>10.0.0.2:80 ESTABLISHED>FIN_WAIT_1",
		"10.0.0.1:1000>10.0.0.2:80 FIN_WAIT_1>FIN_WAIT_2", "10.0.0.1:1000>10.0.0.2:80 FIN_WAIT_2>TIME_WAIT")
	if n := len(b.Connections()); n != 1 {
		t.Errorf("%d connections, want one", n)
	}
}

func TestASocketThatNobodyHasWaitsForTheFIN(t *testing.T) {
	b := newModelBench(true)
	b.look(tcpRow(70, tcp.FinWait1, here, there))
	b.on(7, 70, tcp.FinWait1, tcp.FinWait2, here, there)
	b.table[there] = State(tcp.FinWait2)
	b.on(7, 70, tcp.FinWait2, tcp.Closed, here, there)
	b.look(tcpRow(70, tcp.FinWait2, here, there))
	b.expect(t, "10.0.0.1:1000>10.0.0.2:80 FIN_WAIT_1>FIN_WAIT_2")
	b.table[there] = State(tcp.TimeWait)
	b.look(tcpRow(70, tcp.TimeWait, here, there))
	b.expect(t, "10.0.0.1:1000>10.0.0.2:80 FIN_WAIT_2>TIME_WAIT")
}

func TestAHalfOpenRequestIsToldOnce(t *testing.T) {
	request := tcpRow(90, tcp.SynReceived, there, here)
	request.Inode = 0
	b := newModelBench(true)
	b.look()
	b.look(request)
	b.expect(t, "10.0.0.2:80>10.0.0.1:1000 LISTEN>SYN_RCVD")
	b.on(9, 0, tcp.Listen, tcp.SynReceived, there, here)
	b.on(9, 90, tcp.SynReceived, tcp.Established, there, here)
	b.look(tcpRow(90, tcp.Established, there, here))
	b.expect(t, "10.0.0.2:80>10.0.0.1:1000 SYN_RCVD>ESTABLISHED")

	b = newModelBench(true) // and one that never becomes a connection
	b.look()
	b.look(request)
	b.look()
	b.look()
	b.expect(t, "10.0.0.2:80>10.0.0.1:1000 LISTEN>SYN_RCVD", "10.0.0.2:80>10.0.0.1:1000 SYN_RCVD>CLOSED")
}

func TestPortsAreUsedAgain(t *testing.T) {
	b := newModelBench(true)
	b.look(tcpRow(70, tcp.TimeWait, there, here))
	b.on(9, 0, tcp.Listen, tcp.SynReceived, there, here)
	b.on(9, 91, tcp.SynReceived, tcp.Established, there, here)
	b.expect(t, "10.0.0.2:80>10.0.0.1:1000 TIME_WAIT>CLOSED", "10.0.0.2:80>10.0.0.1:1000 LISTEN>SYN_RCVD", "10.0.0.2:80>10.0.0.1:1000 SYN_RCVD>ESTABLISHED")
}

// TestAnOlderRowChangesNothing: the table is read while events go on.
func TestAnOlderRowChangesNothing(t *testing.T) {
	b := newModelBench(false)
	b.look(tcpRow(70, tcp.Established, here, there))
	began := b.now
	b.on(7, 70, tcp.Established, tcp.CloseWait, here, there)
	b.Model.table(began, []*Socket{tcpRow(70, tcp.Established, here, there)})
	b.expect(t, "10.0.0.1:1000>10.0.0.2:80 ESTABLISHED>CLOSE_WAIT")
}

func TestLookingTellsWhatChanged(t *testing.T) {
	b := newModelBench(false)
	b.look(tcpRow(70, tcp.Established, here, there))
	b.expect(t)
	b.look(tcpRow(70, tcp.CloseWait, here, there), tcpRow(71, tcp.Listen, netip.MustParseAddrPort("[::]:80"), netip.AddrPort{}))
	b.expect(t, "10.0.0.1:1000>10.0.0.2:80 ESTABLISHED>CLOSE_WAIT", "[::]:80>invalid AddrPort CLOSED>LISTEN")
	b.event(&event{gone: true, Transition: Transition{At: b.now, To: State(tcp.Closed), Local: here, Remote: netip.AddrPortFrom(there.Addr(), 0), Cookie: 70}})
	for range 2 {
		b.look(tcpRow(71, tcp.Listen, netip.MustParseAddrPort("[::]:80"), netip.AddrPort{}))
	}
	b.expect(t, "10.0.0.1:1000>10.0.0.2:80 CLOSE_WAIT>CLOSED")
	if n := len(b.Connections()); n != 1 {
		t.Errorf("%d connections, want the listener", n)
	}
}

func TestAgeIsExactOnceAChangeWasSeen(t *testing.T) {
	b := newModelBench(true)
	row := tcpRow(70, tcp.CloseWait, here, there)
	row.Info = &Info{Times: Times{SinceAck: time.Minute}}
	b.look(row)
	if age, exact := row.Age(); age != time.Minute || exact {
		t.Errorf("age %v, exact %v; want a minute at least", age, exact)
	}
	b.on(7, 70, tcp.CloseWait, tcp.LastAck, here, there)
	row = tcpRow(70, tcp.LastAck, here, there)
	b.now = b.now.Add(time.Second - time.Millisecond)
	b.look(row)
	if age, exact := row.Age(); age != time.Second || !exact {
		t.Errorf("age %v, exact %v; want a second, exactly", age, exact)
	}
}

// TestRowsAndTransitionsHaveOneID of their connection, whichever comes first.
func TestRowsAndTransitionsHaveOneID(t *testing.T) {
	b := newModelBench(true)
	var told []uint64
	b.Model.Tell = func(t Transition) { told = append(told, t.ID) }
	b.look()
	b.on(9, 0, tcp.Listen, tcp.SynReceived, there, here) // before it has a cookie
	b.on(9, 91, tcp.SynReceived, tcp.Established, there, here)
	accepted, old, other := tcpRow(91, tcp.Established, there, here), tcpRow(70, tcp.Established, here, there), &Socket{Network: "udp", Cookie: 12}
	b.look(accepted, old, other)
	b.on(7, 70, tcp.Established, tcp.CloseWait, here, there)
	own := accepted.Watched.ID
	if own < ownIDs || old.Watched.ID != 70 || other.Watched.ID != 12 {
		t.Errorf("rows of %d, %d, %d; want one of ours, 70 and 12", own, old.Watched.ID, other.Watched.ID)
	}
	if want := []uint64{own, own, 70}; !slices.Equal(told, want) {
		t.Errorf("transitions of %d, want %d", told, want)
	}
}

// TestALookThatIsLate finds what is over by now: that was told, and is told no more.
func TestALookThatIsLate(t *testing.T) {
	for _, cookie := range []uint64{0, 70} { // as sources tell
		b := newModelBench(true)
		b.look()
		began := b.now
		b.on(7, cookie, tcp.Closed, tcp.SynSent, here, there)
		b.on(7, cookie, tcp.SynSent, tcp.Established, here, there)
		b.on(7, cookie, tcp.Established, tcp.Closed, here, there)
		over := tcpRow(70, tcp.Established, here, there)
		b.Model.table(began, []*Socket{over})
		if over.Watched.ID != 0 {
			t.Errorf("the row is of %d, want of none", over.Watched.ID)
		}
		b.told = nil
		// The same ports once more, and a look that finds the first connection.
		began = b.now
		b.on(7, cookie, tcp.Closed, tcp.SynSent, here, there)
		b.on(7, cookie, tcp.SynSent, tcp.Closed, here, there)
		b.on(8, cookie/70*71, tcp.Closed, tcp.SynSent, here, there)
		b.Model.table(began, []*Socket{over})
		b.on(8, cookie/70*71, tcp.SynSent, tcp.Closed, here, there)
		b.expect(t,
			"10.0.0.1:1000>10.0.0.2:80 CLOSED>SYN_SENT", "10.0.0.1:1000>10.0.0.2:80 SYN_SENT>CLOSED",
			"10.0.0.1:1000>10.0.0.2:80 CLOSED>SYN_SENT", "10.0.0.1:1000>10.0.0.2:80 SYN_SENT>CLOSED")
		b.look()
		if n := len(b.Connections()) + len(b.ended) + len(b.endedAt) + len(b.nameless); n != 0 {
			t.Errorf("%d things are left", n)
		}
	}
}

// TestARequestThatIsMissedMayBeASocketByNow, of which the events come.
func TestARequestThatIsMissedMayBeASocketByNow(t *testing.T) {
	request := tcpRow(90, tcp.SynReceived, there, here)
	request.Inode = 0
	b := newModelBench(true)
	b.look()
	b.look(request)
	b.look() // accepted and over, but its events are not read yet
	b.on(9, 0, tcp.Listen, tcp.SynReceived, there, here)
	b.on(9, 90, tcp.SynReceived, tcp.Established, there, here)
	b.on(9, 90, tcp.Established, tcp.Closed, there, here)
	b.look()
	b.expect(t, "10.0.0.2:80>10.0.0.1:1000 LISTEN>SYN_RCVD", "10.0.0.2:80>10.0.0.1:1000 SYN_RCVD>ESTABLISHED", "10.0.0.2:80>10.0.0.1:1000 ESTABLISHED>CLOSED")
}

// TestAnEndThatWasLost is told when its socket's memory or its ports are used again.
func TestAnEndThatWasLost(t *testing.T) {
	b := newModelBench(true)
	b.look()
	b.on(7, 70, tcp.SynSent, tcp.Established, here, there)
	b.on(7, 71, tcp.SynSent, tcp.Established, here, there)
	b.on(8, 72, tcp.SynSent, tcp.Established, here, there)
	established, closed := "10.0.0.1:1000>10.0.0.2:80 SYN_SENT>ESTABLISHED", "10.0.0.1:1000>10.0.0.2:80 ESTABLISHED>CLOSED"
	b.expect(t, established, closed, established, closed, established)
	// Without cookies, by a socket that is another one.
	b.on(9, 0, tcp.Listen, tcp.SynReceived, here, there)
	b.expect(t, closed, "10.0.0.1:1000>10.0.0.2:80 LISTEN>SYN_RCVD")
	if n := len(b.Connections()); n != 1 {
		t.Errorf("%d connections, want one", n)
	}
}

// TestListenersWithoutCookies are one with their row, whichever comes first.
func TestListenersWithoutCookies(t *testing.T) {
	at := netip.MustParseAddrPort("10.0.0.1:80")
	for _, rowFirst := range []bool{false, true} {
		b := newModelBench(true)
		b.look()
		if rowFirst {
			b.look(tcpRow(70, tcp.Listen, at, netip.AddrPort{}))
		}
		b.on(7, 0, tcp.Closed, tcp.Listen, at, netip.AddrPort{})
		b.look(tcpRow(70, tcp.Listen, at, netip.AddrPort{}))
		if n := len(b.Connections()); n != 1 {
			t.Errorf("%d connections, want one", n)
		}
		b.on(7, 0, tcp.Listen, tcp.Closed, at, netip.AddrPort{})
		b.expect(t, "10.0.0.1:80>invalid AddrPort CLOSED>LISTEN", "10.0.0.1:80>invalid AddrPort LISTEN>CLOSED")
		if n := len(b.Connections()); n != 0 {
			t.Errorf("%d connections left", n)
		}
	}
}

// TestANoticeOfAnEndMayHideARecord: who only looks does not know in which state a socket
// was when it ended.
func TestANoticeOfAnEndMayHideARecord(t *testing.T) {
	b := newModelBench(false)
	b.look(tcpRow(70, tcp.Established, here, there))
	b.table[there] = State(tcp.TimeWait)
	b.event(&event{gone: true, Transition: Transition{At: b.now, To: State(tcp.Closed), Local: here, Remote: there, Cookie: 70}})
	b.look(tcpRow(70, tcp.TimeWait, here, there))
	b.expect(t, "10.0.0.1:1000>10.0.0.2:80 ESTABLISHED>TIME_WAIT")
}
